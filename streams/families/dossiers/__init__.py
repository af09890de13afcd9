"""Dossiers: how their facts join into a state, and what the state counts for."""
