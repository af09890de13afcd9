"""Kafka with the hub's settings: clients, the topics made at start, and reading up to an end."""
