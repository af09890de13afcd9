"""How a file is written, as `files` of a mapping says it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from connectors.files.strict import StrictModel


class FileOptions(StrictModel):
    """How the file is written; what is left out is recognised."""

    format: Literal["csv", "jsonl", "xlsx"] | None = Field(
        None,
        description=(
            "Format of the file; left out: by its name (.csv, .tsv, .txt, .jsonl, .ndjson, .json,"
            " .xlsx; .gz too)"
        ),
    )
    encoding: str = Field(
        "utf-8",
        description=(
            "Encoding of a CSV or JSON lines file that has no byte order mark, such as `utf-8` or"
            " `cp1258`"
        ),
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description=(
            "Character between a CSV file's cells; left out: the one that yields the columns, of"
            " comma, semicolon, tab and bar"
        ),
    )
    sheet: str | None = Field(
        None, description="Name of the workbook's sheet; left out: the first that is not hidden"
    )
    header_row: int = Field(
        1,
        ge=1,
        le=1000,
        description=(
            "Line of a CSV file or sheet that holds the columns' names; what stands above is passed"
            " over"
        ),
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "a".encode(encoding)
        except LookupError:
            raise ValueError(
                f"{encoding!r} is no known encoding: use utf-8, utf-16 or cp1258, for example"
            ) from None
        return encoding
