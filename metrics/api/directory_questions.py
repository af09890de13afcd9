"""What can be asked of the directory itself: agencies of a day, one agency's history, procedures,
and who reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from metrics.api.directory_shapes import (
    AgenciesAnswer,
    AgencyAnswer,
    AgencyCoverage,
    AgencyOf,
    CoverageAnswer,
    MistakeOf,
    Names,
    Predecessor,
    ProcedureOf,
    ProceduresAnswer,
    UnknownOf,
)
from metrics.api.parameters import Asked, AskedOfBooks, Day, Family, Format
from metrics.api.problems import Problem, instead, shown, wrong
from metrics.api.questions import Questions
from metrics.api.shapes import Days
from metrics.cube.tables import FAMILIES
from metrics.figures import completeness
from metrics.figures.expected import (
    Expected,
    days_with_counts,
    expected,
    in_question,
    last_events,
    morning,
    stated,
)
from schemas.clock import to_datetime
from schemas.codes import AgencyLevel
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.items import Mistake, ProcedureFields, Statement
from serving.directory.links import AgencyStatement

Part = Literal["problems", "unknown"]


class DayAsked(AskedOfBooks):
    """Parameters of every question about a day."""

    day: Day | None = Field(
        None, description="The day, in the province's time zone; without it today"
    )
    format: Format = "json"


class TablesAsked(DayAsked):
    """Parameters of an answer of several tables, of which a CSV file holds one."""

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        """Raises: Problem for a table chosen of JSON, which has them all, and for what limits
        another table than the one chosen.
        """
        chosen = {name: value for name, value in self if name in self.model_fields_set}
        if chosen.get("part") is None:
            return self
        if self.format != "csv":
            raise wrong("part", "goes with format=csv: JSON has every table")
        if chosen["part"] in get_args(Part) and (
            beside := chosen.keys() - {"part", "format", "books"}
        ):
            raise wrong(min(beside), f"does not go with part={chosen['part']}, which is told whole")
        return self


class AgenciesAsked(TablesAsked):
    """Parameters of the tree of a day."""

    level: AgencyLevel | None = Field(None, description="Only the agencies of this level")
    part: Literal["agencies", Part] = Field("agencies", description="With format=csv: which table")


class ProceduresAsked(TablesAsked):
    """Parameters of the procedures of a day."""

    part: Literal["procedures", Part] = Field(
        "procedures", description="With format=csv: which table"
    )
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    agency: str | None = Field(None, description="Only the procedures of this agency")


class CoverageAsked(Asked):
    """Parameters of the question who reports."""

    family: Family | None = Field(
        None,
        description="Only counts of this family: dossiers, documents, tasks, activities, inventory",
    )


class DirectoryQuestions:
    """Answers, in the calling thread.

    Raises (from every method): Problem; Unreadable.
    """

    def __init__(self, figures: Questions) -> None:
        """`figures` are the questions whose cube, directory and clock these share."""
        self._readers, self._directory, self._ready, self._clock = (
            figures.readers,
            figures.directory,
            figures.ready,
            figures.clock,
        )
        self._books, self._figures = figures.books, figures

    def agencies(self, asked: AgenciesAsked) -> AgenciesAnswer:
        """The agencies valid on a day, and what is wrong or unknown."""
        self._ready()
        directory, day = self._directory(), asked.day or self._today()
        with self._readers.snapshot() as snapshot:
            heard = snapshot.last_events()
        found = [one for one in in_order(directory, day) if asked.level in (None, one.level)]
        unknown = unregistered(directory.unknown(heard), heard)
        return AgenciesAnswer(
            books=self._books,
            day=day,
            agencies=found,
            problems=told(directory.mistakes),
            unknown=unknown,
        )

    def agency(self, code: str, asked: DayAsked) -> AgencyAnswer:
        """Everything that is known of a code."""
        self._ready()
        directory, day = self._directory(), asked.day or self._today()
        with self._readers.snapshot() as snapshot:
            heard = snapshot.last_events()
        if not directory.known(code) and code not in heard:
            raise Problem(
                "not-found",
                f"{shown(code)} was never registered and never heard from; GET /v1/agencies lists"
                " the agencies.",
            )
        agency = directory.canonical(code, day)
        forms, piece = directory.tree(day).forms.get(agency, [agency]), directory.piece(code, day)
        return AgencyAnswer(
            books=self._books,
            code=agency,
            known=directory.known(code),
            day=day,
            valid=piece is not None and piece.status == "valid",
            above=[one for one in directory.roll_up(agency, day) if one != agency],
            below=directory.children(agency, day),
            predecessors=[
                Predecessor(code=one, until=until)
                for one, until in sorted(directory.predecessors(agency).items())
            ],
            last_event=newest(heard, forms),
            statements=[_agency(directory, one, one.first) for one in directory.history(agency)],
            problems=told(mistake for mistake in directory.mistakes if mistake.agency == agency),
        )

    def procedures(self, asked: ProceduresAsked) -> ProceduresAnswer:
        """The procedures valid on a day, and codes of procedures that are unknown."""
        self._ready()
        directory, day = self._directory(), asked.day or self._today()
        if asked.field is not None and not directory.procedures_of_field(asked.field):
            known = sorted({one.fields.field for one in directory.procedures})
            raise wrong(
                "field",
                f"no procedure of field {shown(asked.field)} was registered;"
                f" {instead(asked.field, known)}",
            )
        with self._readers.snapshot() as snapshot:
            counted = snapshot.last_of_procedures()
            self._figures.refuse_unknown(asked.agency, snapshot.last_events(), directory)
        agency = None if asked.agency is None else directory.canonical(asked.agency, day)
        found = [
            _procedure(one)
            for one in directory.procedures_on(day)
            if asked.field in (None, one.fields.field)
            and agency in (None, directory.canonical(one.agency, day))
        ]
        mistakes = [
            mistake for mistake in directory.mistakes if mistake.place.startswith("procedure/")
        ]
        unknown = unregistered(directory.unknown_procedures(counted), counted)
        return ProceduresAnswer(
            books=self._books, day=day, procedures=found, problems=told(mistakes), unknown=unknown
        )

    def _today(self) -> date:
        return to_datetime(self._clock()).date()


def in_order(directory: Directory, day: date) -> Iterator[AgencyOf]:
    """The agencies valid on a day, each after the one above it, in order of code."""
    paths = {
        code: tuple(reversed(directory.roll_up(code, day))) for code in directory.agencies(day)
    }
    for code in sorted(paths, key=lambda one: paths[one]):
        piece = directory.piece(code, day)
        if piece is not None:
            yield _agency(directory, piece.agency, day)


def _agency(directory: Directory, one: AgencyStatement, day: date) -> AgencyOf:
    above = [code for code in directory.roll_up(one.agency, day) if code != one.agency]
    return AgencyOf(
        code=one.agency,
        level=one.fields.level,
        name=Names(vi=one.fields.name_vi, en=one.fields.name_en),
        parent=above[0] if above else None,
        depth=len(above),
        other_codes=directory.forms(one.agency, day),
        expected=one.fields.expected,
        valid_from=one.first,
        valid_to=one.end,
        successor=one.fields.successor,
    )


def _procedure(one: Statement[ProcedureFields]) -> ProcedureOf:
    said = one.fields
    return ProcedureOf(
        procedure=said.procedure,
        agency=one.agency,
        field=said.field,
        level=said.level,
        internal=said.internal,
        published=said.published,
        eligible_online=said.eligible_online,
        on_national_portal=said.on_national_portal,
        with_fee=said.with_fee,
        payable_online=said.payable_online,
        days_before=said.days_before,
        days_now=said.days_now,
        valid_from=one.first,
        valid_to=one.end,
    )


def told(mistakes: Iterable[Mistake]) -> list[MistakeOf]:
    """Mistakes as they are answered."""
    return [MistakeOf(**asdict(mistake)) for mistake in mistakes]


def unregistered(codes: Iterable[str], heard: Mapping[str, int]) -> list[UnknownOf]:
    """Codes that nobody registered, with when a count of each last changed."""
    return [UnknownOf(code=code, last_event=iso(heard[code])) for code in codes]


def newest(heard: Mapping[str, int], codes: list[str]) -> str | None:
    """When a count of any of the codes last changed."""
    found = [heard[code] for code in codes if code in heard]
    return iso(max(found)) if found else None


def iso(ms: int) -> str:
    """An instant in the province's zone."""
    return to_datetime(ms).isoformat(timespec="milliseconds")


class CoverageQuestions:
    """Answers, in the calling thread.

    Raises: Problem; Unreadable.
    """

    def __init__(self, figures: Questions) -> None:
        """`figures` are the questions whose cube, directory, declared agencies and clock these
        share.
        """
        self._figures = figures

    def coverage(self, asked: CoverageAsked) -> CoverageAnswer:
        """Each expected agency: whether it reports, on how many days, since when it is silent."""
        self._figures.ready()
        directory, today = self._figures.directory(), to_datetime(self._figures.clock()).date()
        window = asked.days(today)
        with self._figures.readers.snapshot() as snapshot:
            days = days_with_counts(
                snapshot, directory, [asked.family] if asked.family else FAMILIES, window
            )
            last = last_events(snapshot, directory, today)
            self._figures.refuse_unknown(asked.agency, snapshot.last_events(), directory)
            as_of = self._figures.as_of(snapshot)
        days_asked = in_question(window, today)
        chosen = [
            one
            for one in expected(directory, self._figures.agencies, last, days_asked)
            if _asked_for(directory, asked, one.code, days_asked)
        ]
        found = [_coverage(one, days[one.code], last.get(one.code)) for one in chosen]
        report = sum(one.reporting for one in found)
        missing = completeness.note(
            report, len(found), stated=stated(directory, self._figures.agencies, asked.agency)
        )
        return CoverageAnswer(
            window=Days(first=window.first, last=window.last),
            family=asked.family,
            reporting=report,
            expected=len(found),
            share=report / len(found) if found else None,
            complete=missing is None,
            note=None if missing is None else Names(**missing.model_dump()),
            as_of=as_of,
            agencies=found,
        )


def _asked_for(directory: Directory, asked: CoverageAsked, code: str, window: Window) -> bool:
    if asked.agency is None:
        return True
    return any(
        code in codes
        for _, codes in directory.spans(asked.agency, window, history=asked.history, own=asked.own)
    )


def _coverage(one: Expected, days: int, last: int | None) -> AgencyCoverage:
    since = (
        None
        if days
        else last
        if last is not None
        else None
        if one.since is None
        else morning(one.since)
    )
    return AgencyCoverage(
        code=one.code,
        level=one.level,
        name=one.name,
        reporting=days > 0,
        days_with_counts=days,
        last_event=None if last is None else iso(last),
        silent_since=None if since is None else iso(since),
    )
