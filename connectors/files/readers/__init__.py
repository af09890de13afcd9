"""Opening files: CSV, JSON and workbooks as rows of cells."""
