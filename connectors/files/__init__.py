"""Files as a source of events: `lgsp import FILE… --map MAP.yaml` (docs/import-files.md).

readers (CSV, JSON lines, workbooks) -> rows -> mapper (what mapping.py declares) -> events ->
importer -> publisher
"""
