"""The cube: the counts of the books by day, month, year and in all, in one SQLite file."""
