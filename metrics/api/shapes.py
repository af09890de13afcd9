"""The shapes that all answers about figures have in common: days, what figures stand for, coverage;
and their cells in CSV.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from metrics.catalogue.indicators import Name
from metrics.figures.coverage import Coverage
from metrics.figures.query import Rule
from metrics.figures.view import Provenance
from schemas.clock import iso_milliseconds
from schemas.spreadsheets import CsvValue
from schemas.windows import Window
from serving.directory.names import CodeName

AS_OF_COLUMNS = ("as_of", "books", "rules", "behind", "space")
COVERAGE_COLUMNS = ("reporting", "expected", "complete", "note_vi", "note_en")


RULE = (
    "by_date: due on a day is in time until its end, and `day` is that at whose end it is told;"
    " to_the_instant: as of this instant"
)
DAY = "The day at whose end it is told, as it is known now of that day; null: as of this instant"


CountedAt = Annotated[
    str | None,
    Field(
        description=(
            "The day that it counts on, of what exists from which it does; of what is open the due"
            " time, null without one"
        )
    ),
]
CountedUntil = Annotated[
    date | None,
    Field(
        description=(
            "Of what exists: the first day on which it does no longer; null until further notice,"
            " and of what counts on one day"
        )
    ),
]


class Names(BaseModel):
    """A name in both languages, each as it was stated."""

    model_config = ConfigDict(from_attributes=True)

    vi: str | None
    en: str | None


class Days(BaseModel):
    """A window of days in the province's zone, both included; null: no bound."""

    model_config = ConfigDict(populate_by_name=True)

    first: date | None = Field(serialization_alias="from")
    last: date | None = Field(serialization_alias="to")


class ReportDays(Days):
    """A reporting period that has ended."""

    due: date = Field(description="The second working day after it: its report is due then")


class AsOf(BaseModel):
    """What the figures stand for: every fact of the space accepted up to `instant`, by these books
    and their rules.
    """

    instant: str
    space: str = Field(description="The space of the facts: official, simulated or another")
    books: str = Field(description="The name of the books that counted")
    rules: dict[str, list[int]] = Field(
        description="By family the version of its counting rules; two while workers count anew"
    )
    behind: int | None = Field(
        description=(
            "Events accepted and not yet counted, asked every two seconds; null while Kafka can't"
            " be asked"
        )
    )
    offsets: dict[str, int] = Field(
        description="By partition the next offset of the books' topic of cells"
    )

    @property
    def cells(self) -> tuple[CsvValue, ...]:
        """As in CSV, under AS_OF_COLUMNS."""
        rules = " ".join(
            f"{family}={'/'.join(map(str, versions))}" for family, versions in self.rules.items()
        )
        return self.instant, self.books, rules, self.behind, self.space


class CoverageOf(BaseModel):
    """Expected agencies with at least one dated count in the window; the note goes wherever the
    figure is shown.

    Never complete where nobody registered who should report. All numbers are null where nobody is
    expected to send: of what exists as it is registered, and of reported figures.
    """

    reporting: int | None
    expected: int | None
    share: float | None
    complete: bool | None
    note: Name | None


def days_of(window: Window, due: date | None = None) -> ReportDays | Days:
    """A window as it is answered; `due`: the day on which its report is, if it has one."""
    if due is not None:
        return ReportDays(first=window.first, last=window.last, due=due)
    return Days(first=window.first, last=window.last)


def rule_of(day: date | None) -> Rule:
    """The rule of what is told as of the end of a day, or (None) of this instant."""
    return "to_the_instant" if day is None else "by_date"


def as_of(provenance: Provenance) -> AsOf:
    """What figures stand for, as it is answered."""
    return AsOf(
        instant=iso_milliseconds(provenance.instant_ms),
        space=provenance.space,
        books=provenance.books,
        rules={family: list(versions) for family, versions in provenance.rules.items()},
        behind=provenance.behind,
        offsets={str(partition): offset for partition, offset in provenance.offsets.items()},
    )


def coverage_shape(coverage: Coverage) -> CoverageOf:
    """Coverage as it is answered."""
    return CoverageOf(
        reporting=coverage.reporting,
        expected=coverage.expected,
        share=coverage.share,
        complete=coverage.complete,
        note=coverage.note,
    )


def coverage_cells(coverage: CoverageOf) -> tuple[CsvValue, ...]:
    """As in CSV, under COVERAGE_COLUMNS."""
    return coverage.reporting, coverage.expected, coverage.complete, *vi_and_en(coverage.note)


def names(found: CodeName | Name | None) -> Names | None:
    """What a code is called, as it is answered; null where nobody said."""
    return None if found is None else Names(vi=found.vi, en=found.en)


def vi_and_en(name: Name | Names | None) -> tuple[str | None, str | None]:
    """A text in both languages; two empty cells without one."""
    return (None, None) if name is None else (name.vi, name.en)
