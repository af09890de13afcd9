"""The cube: the counts of all books by day, month and year, in one SQLite file."""
