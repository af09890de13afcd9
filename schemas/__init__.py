"""What is said: events and their contracts, topics, states, cells, settings, time and windows."""
