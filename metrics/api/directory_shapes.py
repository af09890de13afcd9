"""The shapes of what the API says of agencies, procedures and coverage, and their CSV."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Sheet
from metrics.api.shapes import AS_OF_COLUMNS, DAY, RULE, AsOf, Days, Names, vi_and_en
from metrics.figures.query import Rule
from schemas.spreadsheets import CsvValue


class AgencyOf(BaseModel):
    """An agency as it is on the day asked for."""

    code: str
    level: str
    name: Names
    parent: str | None = Field(description="The agency directly above on that day")
    parent_name: Names | None
    depth: int = Field(description="How many agencies are above")
    other_codes: list[str] = Field(description="Other forms of its code on that day")
    expected: bool = Field(description="Expected to report")
    valid_from: date
    valid_to: date | None = Field(
        description="First day no longer valid; null: until further notice"
    )
    successor: str | None
    successor_name: Names | None


class MistakeOf(BaseModel):
    """A statement, or a link in it, that cannot hold and was left out."""

    kind: str
    agency: str
    agency_name: Names | None
    place: str = Field(description="Item, the day from which it is stated, and the field")
    vi: str
    en: str


class UnknownOf(BaseModel):
    """A code, of an agency or a procedure, that counts came under and that nobody registered:
    counted under itself.
    """

    code: str
    last_event: str = Field(description="When a count of it last changed")


class AgenciesAnswer(BaseModel):
    """The tree of a day, each agency after the one above it."""

    space: str = Field(description="The space of its facts: official, simulated or another")
    books: str = Field(description="The books that the directory is of")
    day: date
    agencies: list[AgencyOf]
    problems: list[MistakeOf]
    unknown: list[UnknownOf]


class Predecessor(BaseModel):
    """An agency that another one took over from."""

    code: str
    name: Names | None
    until: date = Field(description="First day on which its successor stood in its place")


class AgencyAnswer(BaseModel):
    """One code with everything that was stated of it."""

    space: str = Field(description="The space of its facts: official, simulated or another")
    books: str = Field(description="The books that the directory is of")
    code: str
    name: Names | None = Field(description="What it is called on that day")
    known: bool = Field(description="False: nobody registered it, it counts under itself")
    day: date
    valid: bool = Field(description="Valid on that day")
    above: list[str] = Field(
        description="The agencies that its counts of that day are part of, nearest first"
    )
    below: list[str] = Field(description="The agencies directly below on that day")
    names: dict[str, Names] = Field(
        description="What those above and below are called on that day, by code"
    )
    predecessors: list[Predecessor]
    last_event: str | None
    statements: list[AgencyOf]
    problems: list[MistakeOf]


class ProcedureOf(BaseModel):
    """A procedure as it is on the day asked for."""

    procedure: str
    name: Names | None
    agency: str
    agency_name: Names | None
    field: str
    level: int = Field(
        description="Highest level at which it is offered: 2 information, 3 partial, 4 full"
    )
    internal: bool
    published: bool
    eligible_online: bool
    on_national_portal: bool
    with_fee: bool
    payable_online: bool
    days_before: int | None = Field(
        description="Legal working days before the review; null: it was not reviewed"
    )
    days_now: int | None = Field(description="Legal working days now")
    administrative_levels: list[str] = Field(
        description="Levels of the administration that handle it; empty: not known"
    )
    one_stop: bool = Field(description="Handled at one-stop shops")
    process_issued: bool = Field(description="Its internal process is issued")
    channel: str | None = Field(
        description="How its dossiers come in, where packets do not say; null: it is not said"
    )
    valid_from: date
    valid_to: date | None


class ProceduresAnswer(BaseModel):
    """The procedures of a day."""

    space: str = Field(description="The space of its facts: official, simulated or another")
    books: str = Field(description="The books that the directory is of")
    day: date
    procedures: list[ProcedureOf]
    problems: list[MistakeOf]
    unknown: list[UnknownOf]


class AgencyCoverage(BaseModel):
    """Whether one expected agency reports."""

    code: str
    level: str | None
    name: Names
    reporting: bool = Field(description="At least one dated count in the window")
    days_with_counts: int
    last_event: str | None = Field(
        description="When a count of it last changed; null: never heard from"
    )
    silent_since: str | None = Field(
        description=(
            "Null while it reports; otherwise its last event, or the day from which it was expected"
        )
    )


class CoverageAnswer(BaseModel):
    """Who is expected to report, and does."""

    model_config = ConfigDict(populate_by_name=True)

    window: Days
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    family: str | None
    reporting: int
    expected: int
    share: float | None
    complete: bool
    note: Names | None
    as_of: AsOf
    agencies: list[AgencyCoverage]


AGENCY_COLUMNS = (
    "code",
    "level",
    "name_vi",
    "name_en",
    "parent",
    "parent_name_vi",
    "parent_name_en",
    "depth",
    "other_codes",
    "expected",
    "valid_from",
    "valid_to",
    "successor",
    "successor_name_vi",
    "successor_name_en",
)


def agencies_sheet(name: str, found: Iterable[AgencyOf]) -> Sheet:
    """A row for each agency; other codes are separated by blanks."""
    rows = (
        (
            one.code,
            one.level,
            one.name.vi,
            one.name.en,
            one.parent,
            *vi_and_en(one.parent_name),
            one.depth,
            " ".join(one.other_codes),
            one.expected,
            one.valid_from,
            one.valid_to,
            one.successor,
            *vi_and_en(one.successor_name),
        )
        for one in found
    )
    return Sheet(name, AGENCY_COLUMNS, rows)


def plain_sheet(name: str, shape: type[BaseModel], found: Iterable[BaseModel]) -> Sheet:
    """A row for each, a column for each of its fields and two for a name; what a list holds is
    separated by blanks.
    """
    columns: list[str] = []
    for column in shape.model_fields:
        is_name = column.endswith("name")
        columns += [f"{column}_vi", f"{column}_en"] if is_name else [column]
    return Sheet(name, columns, (_plain_row(shape, one) for one in found))


def _plain_row(shape: type[BaseModel], one: BaseModel) -> list[CsvValue]:
    row: list[CsvValue] = []
    for column in shape.model_fields:
        value = getattr(one, column)
        if column.endswith("name"):
            row += vi_and_en(value)
        else:
            row.append(" ".join(value) if isinstance(value, list) else value)
    return row


def coverage_sheet(answer: CoverageAnswer) -> Sheet:
    """A row for each expected agency, with the window's coverage beside it."""
    note = answer.note or Names(vi=None, en=None)
    tail = (
        answer.reporting,
        answer.expected,
        answer.share,
        answer.complete,
        note.vi,
        note.en,
        *answer.as_of.cells,
    )
    rows = (
        (
            one.code,
            one.level,
            one.name.vi,
            one.name.en,
            answer.window.first,
            answer.window.last,
            answer.rule,
            answer.day,
            one.reporting,
            one.days_with_counts,
            one.last_event,
            one.silent_since,
            *tail,
        )
        for one in answer.agencies
    )
    return Sheet(
        "coverage",
        (
            "code",
            "level",
            "name_vi",
            "name_en",
            "from",
            "to",
            "rule",
            "day",
            "reports",
            "days_with_counts",
            "last_event",
            "silent_since",
            "reporting",
            "expected",
            "share",
            "complete",
            "note_vi",
            "note_en",
            *AS_OF_COLUMNS,
        ),
        rows,
    )
