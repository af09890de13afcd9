"""CloudEvents 1.0: taken apart item by item, and made the hub's events."""
