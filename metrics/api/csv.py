"""An answer as a CSV file (schemas/spreadsheets.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from starlette.responses import Response

from schemas.spreadsheets import MARK, CsvValue, CsvWriter

AS_FILE: dict[int | str, dict[str, Any]] = {  # what OpenAPI says of an answer that may be a file
    200: {"content": {"text/csv": {"schema": {"type": "string", "description": "With format=csv"}}}}
}
_MEDIA_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class Sheet:
    """A table under the name of its file."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[CsvValue]]


def csv_text(sheet: Sheet) -> str:
    """The whole file."""
    text = StringIO()
    text.write(MARK)
    writer = CsvWriter(text)
    writer.write(sheet.columns)
    for row in sheet.rows:
        writer.write(row)
    return text.getvalue()


def answered(sheet: Sheet, headers: Mapping[str, str] | None = None) -> Response:
    """The file as an answer."""
    name = re.sub(r"[^0-9A-Za-z._-]", "-", sheet.name)
    named = {"Content-Disposition": f'attachment; filename="lgsp-{name}.csv"'}
    return Response(csv_text(sheet), media_type=_MEDIA_TYPE, headers={**named, **(headers or {})})
