"""MAP.yaml: the declared mapping from a file's columns to events, as pydantic models. Their
descriptions are the documentation.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors.files.mapping.templates import parse_template
from schemas.clock import ZONE
from schemas.declarations import Declaration, load_declaration
from schemas.events import ACCEPTED

DONG = ("đ", "₫", "đồng", "VND", "VNĐ")
PROBE = datetime(2026, 11, 3, 21, 45, 58, tzinfo=UTC)  # none of its parts can be taken for another


def _constant(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    raise ValueError("should be text, a whole number, true or false")


Constant = Annotated[bool | int | str, PlainValidator(_constant)]


class Part(BaseModel):
    """Base of all parts: unknown keys are errors, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


PartT = TypeVar("PartT", bound=Part)


class Times(Part):
    """How times are written."""

    formats: list[str] = Field(
        ["iso"],
        min_length=1,
        description=(
            "Formats tried in turn: `iso` (2026-11-03 09:00:00+07:00; zone and clock may be"
            " missing), `epoch_ms`, `epoch_s`, or a pattern of Python's strptime such as"
            " `%Y%m%d%H%M%S`"
        ),
    )
    zone: str = Field(
        "Asia/Ho_Chi_Minh",
        description=(
            "Zone of times that name none: an IANA name, `UTC`, or an offset such as `+07:00`"
        ),
    )
    clock: str = Field(
        "00:00",
        description=(
            "Clock time (HH:MM or HH:MM:SS) of values that are only a day; `17:00` suits due days"
        ),
    )

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, formats: list[str]) -> list[str]:
        for pattern in formats:
            if pattern not in ("iso", "epoch_ms", "epoch_s"):
                _check_pattern(pattern)
        return formats

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        zone_of(zone)
        return zone

    @field_validator("clock")
    @classmethod
    def _clock(cls, clock: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", clock):
            raise ValueError(f"{clock!r} should be a clock time such as '17:00' (in quotes)")
        return clock

    @property
    def clock_time(self) -> time:
        """The clock time of values that are only a day."""
        return time.fromisoformat(self.clock)


class Numbers(Part):
    """How whole numbers are written."""

    thousands: Literal[".", ",", " ", "'"] | None = Field(
        None,
        description=(
            "Sign between groups of three digits: `.` for 1.250.000, `,` for 1,250,000, a blank or"
            " `'`; left out: there is none"
        ),
    )
    decimal: Literal[".", ","] | None = Field(
        None,
        description=(
            "Sign before decimals, which may be one or two zeros (more only where `thousands` is"
            " left out); left out: the other one of point and comma"
        ),
    )
    unit: str | None = Field(
        None,
        min_length=1,
        max_length=32,
        description=(
            "Unit that may stand beside the number, such as `đ`; any of đ, ₫, đồng, VND and VNĐ"
            " stands for all of them"
        ),
    )

    @model_validator(mode="after")
    def _two_signs(self) -> Numbers:
        if self.thousands is not None and self.thousands == self.decimal:
            raise ValueError(
                f"has {self.decimal!r} for thousands and for decimals, so that 50{self.decimal}000"
                " would be two numbers"
            )
        return self


def _check_pattern(pattern: str) -> None:
    """A pattern must be able to tell one day from another; writing and reading it back shows
    that.
    """
    try:
        read = datetime.strptime(PROBE.strftime(pattern), pattern)  # noqa: DTZ007 (only its day is looked at)
    except ValueError as error:
        raise ValueError(
            f"{pattern!r} is neither iso, epoch_ms, epoch_s nor a strptime pattern ({error})"
        ) from None
    if read.date() != PROBE.date():
        raise ValueError(
            f"{pattern!r} does not give year, month and day: use a pattern such as '%d/%m/%Y %H:%M'"
        )


def zone_of(name: str) -> tzinfo:
    """The zone of a name or offset.

    Raises: ValueError for a name that is no zone.
    """
    if name == ZONE.tzname(None):
        return ZONE
    offset = re.fullmatch(r"([+-])(\d\d):([0-5]\d)", name)
    try:
        if offset:
            minutes = int(offset[2]) * 60 + int(offset[3])
            return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"{name!r} is no time zone: use a name such as Asia/Ho_Chi_Minh, UTC, or an offset such"
            " as +07:00"
        ) from None


class Table(Part):
    """A code table."""

    values: dict[str, Constant] = Field(
        min_length=1,
        description=(
            'Text in the file → the code that goes into the event; the key `""` stands for a blank'
            " cell"
        ),
    )
    otherwise: Constant = Field(
        "reject",
        description="Code of every text that is not listed, or `reject`: the row is rejected",
    )


def overridden(common: PartT, own: PartT | None) -> PartT:
    """A field's own options over the mapping's: what it leaves out is as there."""
    if own is None:
        return common
    return type(common).model_validate(
        common.model_dump(exclude_unset=True) | own.model_dump(exclude_unset=True)
    )


class Value(Part):
    """Where a field's value comes from. A plain text is short for `text`, a plain number, true or
    false for `constant`.
    """

    column: str | None = Field(
        None, min_length=1, description="Name of the column that holds the value"
    )
    text: str | None = Field(
        None,
        description=(
            "Template: text with columns in braces; all between the braces is the column's name"
        ),
    )
    constant: Constant | None = Field(
        None, description="The value itself, taken as it stands, braces too"
    )
    table: str | None = Field(
        None, description="Name of the code table that turns what was read into the value"
    )
    time: Times | None = Field(
        None,
        description=(
            "How this time is written, where it differs from `times` of the mapping; keys that are"
            " left out are as there"
        ),
    )
    number: Numbers | None = Field(
        None,
        description=(
            "How this number is written, where it differs from `numbers` of the mapping; keys that"
            " are left out are as there"
        ),
    )
    optional: bool = Field(
        False,
        description=(
            "`true`: where the cell is blank, the event goes without this field; otherwise the row"
            " is rejected"
        ),
    )
    default: Constant | None = Field(None, description="Value where the cell is blank")
    split: str | None = Field(
        None, min_length=1, description="Separator of a list in one cell, such as `;`"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Value:
        given = [name for name in ("column", "text", "constant") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "should have exactly one of column, text and constant (it has"
                f" {' and '.join(given) or 'none'})"
            )
        extras = {"table", "time", "number", "optional", "default", "split"} & self.model_fields_set
        if given == ["constant"] and extras:
            raise ValueError(f"is a constant, so it can't have {' and '.join(sorted(extras))}")
        if self.optional and self.default is not None:
            raise ValueError("is either optional or has a default for blank cells, not both")
        return self

    @field_validator("text")
    @classmethod
    def _sound_template(cls, text: str | None) -> str | None:
        if text is not None:
            parse_template(text)
        return text

    @property
    def whole_column(self) -> str | None:
        """The column whose cell is taken as it is: a date stays a date. A template of nothing but
        one column says the same.
        """
        if self.column is not None or self.text is None:
            return self.column
        template = parse_template(self.text)
        return template.columns[0] if template.texts == ("", "") else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it reads."""
        return (
            (self.column,) if self.column is not None else parse_template(self.text or "").columns
        )


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return {"text": value}
    return {"constant": value} if isinstance(value, int) else value


FieldValue = Annotated[Value, BeforeValidator(_short)]


class Condition(Part):
    """A condition on one column; exactly one of `present`, `equals` and `in`."""

    column: str = Field(min_length=1, description="Name of the column that is looked at")
    present: bool | None = Field(
        None, description="`true`: the cell is not blank; `false`: it is blank"
    )
    equals: str | None = Field(None, description="The cell is exactly this text")
    among: list[str] | None = Field(
        None, alias="in", min_length=1, description="The cell is one of these texts"
    )

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        given = [test for test in (self.present, self.equals, self.among) if test is not None]
        if len(given) != 1:
            raise ValueError("should have exactly one of present, equals and in")
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class EventRule(Part):
    """One event that a row may give."""

    event: str = Field(description="Type of the event, such as dossier.received")
    id: str = Field(
        description=(
            "Template of the event's id; the same content must give the same id, so that a repeated"
            " import changes nothing"
        )
    )
    when: Annotated[list[Condition], BeforeValidator(_listed)] = Field(
        default_factory=list,
        description=(
            "One condition or a list of them that must all hold; without it every row gives the"
            " event"
        ),
    )
    fields: dict[str, FieldValue] = Field(
        description="The event's fields and where their values come from"
    )

    @field_validator("event")
    @classmethod
    def _known_event(cls, event: str) -> str:
        if event not in ACCEPTED:
            raise ValueError(
                f"{event!r} is no event that the hub takes in: it knows"
                f" {', '.join(sorted(ACCEPTED))}"
            )
        return event

    @field_validator("id")
    @classmethod
    def _telling_id(cls, text: str) -> str:
        if not parse_template(text).columns:
            raise ValueError(
                f"{text!r} names no column, so all rows would give one and the same event: use"
                " {column}"
            )
        return text


class FileOptions(Part):
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


class Mapping(Part):
    """The whole mapping."""

    source: str = Field(
        min_length=1,
        max_length=128,
        description="CloudEvents source of every event: the system that the file comes from",
    )
    files: FileOptions = Field(default_factory=FileOptions, description="How the file is written")
    times: Times = Field(
        default_factory=Times, description="How times are written, unless a field says otherwise"
    )
    numbers: Numbers = Field(
        default_factory=Numbers,
        description=(
            "How numbers are written, unless a field says otherwise; left out: in digits only"
        ),
    )
    tables: dict[str, Table] = Field(default_factory=dict, description="Code tables by name")
    every_event: dict[str, FieldValue] = Field(
        default_factory=dict,
        description=(
            "Fields of all events that have them, unless an event gives its own (`backfill: true`"
            " marks imported history)"
        ),
    )
    no_events: Literal["reject", "accept"] = Field(
        "reject",
        description=(
            "A row for which no event's conditions hold: `reject` it, or `accept` that it says"
            " nothing"
        ),
    )
    events: list[EventRule] = Field(min_length=1, description="The events that a row may give")


def load_mapping(path: Path) -> tuple[Mapping, Declaration]:
    """Read a mapping.

    Raises: CatalogueError naming line and place of the first part that cannot hold.
    """
    declaration = load_declaration(path, path.name)
    if not isinstance(declaration.content, dict):
        raise declaration.error((), "should be a mapping with the keys source and events")
    try:
        return Mapping.model_validate(declaration.content), declaration
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise declaration.error(first["loc"], _sentence(first)) from error


def _sentence(error: Any) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "is no key that is known here"
    message = str(error["msg"]).removeprefix("Value error, ")
    return (
        message
        if error["type"] == "value_error"
        else f"{message[:1].lower()}{message[1:]} (given: {error['input']!r:.80})"
    )
