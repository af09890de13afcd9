"""What a thing counts for: its cells, and which parts of which indicators these add to, with
addresses where that can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from metrics.catalogue.indicators import Due, Indicator, Over, Term
from metrics.cube.rollups import fine
from metrics.figures.naming import naming_of
from metrics.figures.reading import Reading
from metrics.figures.scopes import among
from metrics.lists.listing import ListingRow
from metrics.lists.reader import at_text, until_of
from metrics.lists.tables import ORDER, TABLES, Listed
from metrics.lists.terms import PARTS, Part, families_of, term_of
from metrics.tracing.flags import FLAGS
from metrics.tracing.trace import FigurePart, ThingFlag, TracedCell
from schemas.clock import as_date
from schemas.windows import Window


@dataclass(frozen=True, slots=True)
class CountedCell:
    """A cell that a thing counts in."""

    table: Listed
    at: int
    agency: str
    category: str
    counts: Mapping[str, int]
    until: date | None


def counted_on(cell: CountedCell) -> date | None:
    """On which it counts; None: of this moment."""
    return None if cell.table.declared.at == "instant" else as_date(cell.at)


def traced_cells(rows: Iterable[ListingRow]) -> list[CountedCell]:
    """The cells of a state's rows (metrics/lists/listing.py), in order of kind and day."""
    found = []
    for place, at, agency, _, category, low, high, *numbers in sorted(rows):
        table = TABLES[ORDER[place]]
        counts, until = table.counts(low, high, numbers), until_of(table, numbers)
        found.append(CountedCell(table, at, agency, category, counts, until))
    return found


def flags_of(cells: Iterable[CountedCell]) -> list[ThingFlag]:
    """What is wrong with the thing."""
    names = dict.fromkeys(
        (cell.table.family, flag)
        for cell in cells
        if cell.table.kind == "flagged"
        for flag in cell.counts
    )
    return [ThingFlag(flag=flag, name=FLAGS[family][flag]) for family, flag in names]


class FigureParts:
    """What a thing's cells add to these indicators' figures at a reading's moment. `books`: the
    name by which the reader asks for other books than the first.
    """

    def __init__(
        self,
        reading: Reading,
        indicators: Sequence[Indicator],
        books: str | None,
        cells: Sequence[CountedCell],
    ) -> None:
        self._reading, self._indicators, self._books = reading, indicators, books
        self._cells = cells
        self._now = lru_cache(maxsize=None)(self._due)
        self._among = lru_cache(maxsize=None)(self._limits)

    def cell(self, cell: CountedCell) -> TracedCell:
        """A cell with the figures it is in."""
        measure = next(iter(cell.counts))
        naming = naming_of(self._reading.view, Window(None, counted_on(cell)))
        behind = self._address(
            f"/v1/{cell.table.family}",
            self._where(cell, "window", agency=True),
            kind=cell.table.kind,
            measure=measure,
        )
        return TracedCell(
            kind=cell.table.kind,
            at=at_text(cell.at, cell.table.declared.at),
            until=cell.until,
            agency=cell.agency,
            agency_name=naming.agency(cell.agency),
            category=cell.category,
            category_name=naming.category(cell.category, [cell.table.family]),
            counts=dict(cell.counts),
            list_=behind,
            figures=list(self._figures(cell)),
        )

    def _figures(self, cell: CountedCell) -> Iterator[FigurePart]:
        for indicator in self._indicators:
            limits = self._among(indicator)
            if limits is None or (limits and cell.category not in limits):
                continue
            for part in PARTS:
                for over, adds in self._adds(indicator, part, cell).items():
                    yield self._in(indicator, part, over, adds, cell)

    def _adds(self, indicator: Indicator, part: Part, cell: CountedCell) -> dict[Over, int]:
        """What the cell adds to the window's figure; and to what was carried over into the window
        behind it, or is open at its end, all that the thing adds until then.
        """
        found: dict[Over, int] = {}
        term = term_of(indicator, part)
        for leaf in term.parts if term else ():
            times = self._reading.view.moment.times(leaf)
            if self._read_by(indicator, leaf, cell) and (adds := _added(leaf, cell, times)):
                if leaf.over != "window":
                    adds = sum(_added(leaf, one, times) for one in self._until(cell))
                found[leaf.over] = found.get(leaf.over, 0) + adds
        return {over: adds for over, adds in found.items() if adds}

    def _until(self, cell: CountedCell) -> Iterator[CountedCell]:
        yield from (one for one in self._cells if one.table == cell.table and one.at <= cell.at)

    def _read_by(self, indicator: Indicator, leaf: Term, cell: CountedCell) -> bool:
        if (leaf.family or indicator.family, leaf.kind) != (cell.table.family, cell.table.kind):
            return False
        if leaf.over == "until" and as_date(cell.at) > self._reading.view.moment.today:
            return False  # what is to come counts on days ahead
        return leaf.due is None or any(low <= cell.at <= high for low, high in self._now(leaf.due))

    def _due(self, due: Due) -> list[tuple[int, int]]:
        return [fine(range_, "instant")[1:] for range_ in self._reading.view.moment.due(due)]

    def _limits(self, indicator: Indicator) -> tuple[str, ...] | None:
        """The categories that it is limited to (none: all); None: it has no figure."""
        found = among(self._reading.view.directory, indicator)
        return found if isinstance(found, tuple) else None

    def _in(
        self, indicator: Indicator, part: Part, over: Over, adds: int, cell: CountedCell
    ) -> FigurePart:
        where = {} if indicator.asks_now else self._where(cell, over)
        where |= self._agency(cell) if indicator.by_agency else {}
        listed = families_of(indicator, part) == [cell.table.family]
        return FigurePart(
            indicator=indicator.id,
            version=indicator.version,
            name=indicator.name,
            part=part,
            adds=adds,
            figure=self._address(f"/v1/indicators/{indicator.id}", where),
            list_=self._address(
                f"/v1/{cell.table.family}", where, indicator=indicator.id, part=part
            )
            if listed
            else None,
        )

    def _where(self, cell: CountedCell, over: Over, *, agency: bool = False) -> dict[str, Any]:
        """The parameters of the narrowest window that has the cell in it."""
        found: dict[str, Any] = self._agency(cell) if agency else {}
        if cell.table.declared.at == "instant":  # of this moment
            return found
        day = as_date(cell.at)
        if over == "before":
            return found | {"from": day + timedelta(days=1)}
        return found | {"from": day, "to": day}

    def _agency(self, cell: CountedCell) -> dict[str, Any]:
        return {"agency": cell.agency, "own": "true"}

    def _address(self, path: str, where: Mapping[str, Any], **first: Any) -> str:
        books = {} if self._books is None else {"books": self._books}
        query = urlencode({**first, **where, **books})
        return f"{path}?{query}" if query else path


def _added(leaf: Term, cell: CountedCell, times: int) -> int:
    """What a cell adds to a term, whose measures count so many times."""
    adds = times * sum(cell.counts.get(measure, 0) for measure in leaf.measures)
    return adds - sum(cell.counts.get(measure, 0) for measure in leaf.less)
