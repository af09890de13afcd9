"""What is behind a figure: the things that count for it."""
