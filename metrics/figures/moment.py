"""The instant of asking, and which due times are past by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from metrics.catalogue.indicators import Due, Term
from metrics.cube.rollups import ALL, Range, cover_instants
from schemas.clock import LATEST_MS, day_number, to_datetime
from schemas.worktime import USUAL_OFFICE, Office, after


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant of asking (epoch ms), and the office hours that count until things are due."""

    now_ms: int
    office: Office = USUAL_OFFICE

    @property
    def today(self) -> date:
        """Its day in the province."""
        return to_datetime(self.now_ms).date()

    def times(self, term: Term) -> int:
        """How often each of a term's measures counts."""
        return day_number(self.now_ms) if term.times_today else 1

    def due(self, due: Due) -> list[Range]:
        """The due times that are past, soon to pass, or ahead, of which the absent one is none; or
        any, and it too.
        """
        if due == "any":
            return [Range(ALL, 0, 0)]
        if due == "past":
            return cover_instants(high=self.now_ms - 1)
        soon = due == "soon"
        return cover_instants(
            self.now_ms, after(self.now_ms, office=self.office) if soon else LATEST_MS
        )
