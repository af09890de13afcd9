"""MAP.yaml: the declared mapping from a file's columns to events, as pydantic models. Their
descriptions are the documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors.files.mapping.notation import Numbers, Times
from connectors.files.mapping.templates import parse_template
from connectors.files.readers.options import FileOptions
from connectors.files.strict import StrictModel
from schemas.declarations import Declaration, load_declaration
from schemas.events import ACCEPTED


def _constant(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    raise ValueError("should be text, a whole number, true or false")


_Constant = Annotated[bool | int | str, PlainValidator(_constant)]


class CodeTable(StrictModel):
    """A code table."""

    values: dict[str, _Constant] = Field(
        min_length=1,
        description=(
            'Text in the file → the code that goes into the event; the key `""` stands for a blank'
            " cell"
        ),
    )
    otherwise: _Constant = Field(
        "reject",
        description="Code of every text that is not listed, or `reject`: the row is rejected",
    )


class ValueSource(StrictModel):
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
    constant: _Constant | None = Field(
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
    default: _Constant | None = Field(None, description="Value where the cell is blank")
    split: str | None = Field(
        None, min_length=1, description="Separator of a list in one cell, such as `;`"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> ValueSource:
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
        if self.column is not None:
            return (self.column,)
        return parse_template(self.text or "").columns


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, int):
        return {"constant": value}
    return value


_FieldValue = Annotated[ValueSource, BeforeValidator(_short)]


class Condition(StrictModel):
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


class EventRule(StrictModel):
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
    fields: dict[str, _FieldValue] = Field(
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


class Mapping(StrictModel):
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
    tables: dict[str, CodeTable] = Field(default_factory=dict, description="Code tables by name")
    every_event: dict[str, _FieldValue] = Field(
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
    if error["type"] == "value_error":
        return message
    return f"{message[:1].lower()}{message[1:]} (given: {error['input']!r:.80})"
