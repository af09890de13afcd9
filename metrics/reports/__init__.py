"""Official forms, filled in from the figures."""
