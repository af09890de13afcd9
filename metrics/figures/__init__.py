"""From a question to a figure."""
