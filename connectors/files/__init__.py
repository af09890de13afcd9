"""Files as a source of events: `lgsp import FILE… --map MAP.yaml` (docs/import-files.md).

readers (CSV, JSON lines, workbooks) -> rows -> mapper (what mapping/model.py declares) -> events ->
importer -> publisher. Readers know nothing of the mapping.
"""
