"""Agencies and procedures as they are registered, and what is below whom on a day."""
