"""Figures that agencies report themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.clock import to_datetime
from serving.directory.items import FigureFields, Statement


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure that an agency reported; the period's days are both included, None where it was not
    said.
    """

    indicator: str
    agency: str
    first: date | None
    last: date | None
    numerator: int
    denominator: int | None
    document: str | None
    revision: int
    said_ms: int


def reported_of(one: Statement[FigureFields]) -> Reported:
    """What an agency stated of a figure."""
    said = one.fields
    first = one.first if said.period_from is None else to_datetime(said.period_from).date()
    last = None if said.period_to is None else to_datetime(said.period_to).date()
    return Reported(
        said.indicator,
        one.agency,
        first,
        last,
        said.numerator,
        said.denominator,
        said.document,
        said.revision,
        one.said[0],
    )
