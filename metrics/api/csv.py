"""The one way in which an answer leaves as CSV, safe to open in a spreadsheet.

RFC 4180, with a byte order mark (without it spreadsheets take UTF-8 for the local code page) and a
file name. A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers
stay numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "text/csv; charset=utf-8"
AS_FILE: dict[int | str, dict[str, Any]] = {  # what OpenAPI says of an answer that may be a file
    200: {"content": {"text/csv": {"schema": {"type": "string", "description": "With format=csv"}}}}
}
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
NOT_KNOWN = "-"  # a category that nobody told; alone it is no formula

Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class Sheet:
    """A table under the name of its file. What is not there is an empty field, yes and no are
    `true` and `false`.
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def text_of(sheet: Sheet) -> str:
    """The whole file."""
    text = StringIO()
    text.write(MARK)
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    writer.writerows([_field(cell) for cell in row] for row in sheet.rows)
    return text.getvalue()


def _field(cell: Cell) -> str | int | float | None:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str) and cell.startswith(FORMULA) and cell != NOT_KNOWN:
        return f"'{cell}"
    return cell


def answered(sheet: Sheet, headers: Mapping[str, str] | None = None) -> Response:
    """The file as an answer."""
    name = re.sub(r"[^0-9A-Za-z._-]", "-", sheet.name)
    named = {"Content-Disposition": f'attachment; filename="lgsp-{name}.csv"'}
    return Response(text_of(sheet), media_type=MEDIA_TYPE, headers={**named, **(headers or {})})
