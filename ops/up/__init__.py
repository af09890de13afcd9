"""`lgsp up`: every process of the hub, supervised, with a live table."""
