"""Form II.06a/VPCP/KSTT, filled in from the day cells of what flows.

It stands at the handling agency and is told by date: what is due on a day is in time until its end.
Every column is of the days of the window that are over, so columns 11 to 13 are as of the last of
them. Agencies, what is below them and their levels are those of that day, for all columns: else
what came under one agency and was left under another would be in no balance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

from metrics.catalogue.indicators import Name
from metrics.cube.rollups import Range, cover_days
from metrics.cube.tables import TABLES
from metrics.errors import wrong
from metrics.figures import uncounted
from metrics.figures.coverage import Coverage, coverage_of
from metrics.figures.query import REST
from metrics.figures.reading import Reading
from metrics.figures.scopes import scopes, standing
from metrics.reports.words_06a import BANDS, Band
from schemas.errors import HubError
from schemas.windows import Window
from serving.directory.tree import Tree

_K = TypeVar("_K")
log = logging.getLogger(__name__)

_FLOW = TABLES["dossiers", "flow"]
_MEASURES = (
    "taken_online",
    "taken_other",
    "left",
    "left_stopped",
    "left_early",
    "left_on_time",
    "left_late",
    "fell_due",
    "settled",
    "wait_from",
    "wait_to",
)
NEEDED = frozenset((_FLOW.family, _FLOW.kind, measure) for measure in _MEASURES)
_NOTHING = (0,) * len(_MEASURES)
_DAY = timedelta(days=1)
_BANDS: dict[str, Band] = {
    "province": "province",
    "department": "province",
    "vertical": "province",
    "district": "district",
    "commune": "commune",
}
RowKey = tuple[Band | None, str]  # a field in a band, or an agency in none
_RowSums = Mapping[RowKey, Sequence[int]]


class IdentityViolated(HubError):
    """The form would contradict itself, which no table may: its sums are wrong."""


class Columns(NamedTuple):
    """Columns 3 to 13 of a row."""

    received: int
    online: int
    other: int
    carried_over: int
    handled: int
    early: int
    on_time: int
    late: int
    open: int
    in_time: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Row06a:
    """An agency's row; or that of a field in a band, and (no group) of a band as a whole."""

    band: Band | None
    group: str | None
    columns: Columns


@dataclass(frozen=True, slots=True)
class Form06a:
    """The form as of the end of `day`. `total` None: it is absent, and `missing` says why."""

    window: Window
    day: date
    rows: list[Row06a]
    total: Columns | None
    coverage: Coverage
    missing: Name | None


def form_06a(reading: Reading) -> Form06a:
    """By agency where the query is; else by band and field.

    Raises: QueryError for a window of which no day is over; IdentityViolated.
    """
    window = _over(reading)
    assert window.last is not None, "the days that are over have a last one"
    coverage = coverage_of(reading, [_FLOW.family], window)
    if (why := uncounted.why(NEEDED & reading.view.uncounted)) is not None:
        return Form06a(window, window.last, [], None, coverage, why)
    balance = _Balance(reading, window)
    total = balance.total()
    rows = balance.rows()
    _require_balance(rows, total)
    return Form06a(window, window.last, rows, total, coverage, None)


def _over(reading: Reading) -> Window:
    yesterday = reading.view.moment.today - _DAY
    over = reading.window.overlap(Window(None, yesterday))
    if over is None:
        raise wrong(
            "window" if reading.query.window else "from",
            "no day of it is over yet, and the form is told of whole days: ask for a window that"
            f" begins on {yesterday} or before",
        )
    return over


class _Balance:
    """What is read for one form: sums before the window, and in it."""

    def __init__(self, reading: Reading, window: Window) -> None:
        self._view, self._by_agency = reading.view, reading.query.by == "agency"
        first, last = window.bounds
        self._before = cover_days(Window(None, first - _DAY)) if first > date.min else []
        self._within = cover_days(window)
        self._scope = scopes(self._view.directory, reading.query, Window(last, last))[-1]
        self._tree = self._view.directory.tree(last)

    def total(self) -> Columns:
        """Of everything, read apart from the rows."""
        return _columns(*(self._whole(ranges) for ranges in (self._before, self._within)))

    def _whole(self, ranges: Sequence[Range]) -> Sequence[int]:
        found = self._view.snapshot.sums(_FLOW, ranges, codes=self._scope.codes, measures=_MEASURES)
        return found.get("", _NOTHING)

    def rows(self) -> list[Row06a]:
        """Those in which there is anything, bands in order."""
        read = self._agencies if self._by_agency else self._fields
        before, within = read(self._before), read(self._within)
        found = {
            group: _columns(before.get(group, _NOTHING), within.get(group, _NOTHING))
            for group in sorted(before.keys() | within.keys(), key=lambda group: group[1])
        }
        found = {group: row for group, row in found.items() if any(row)}
        if self._by_agency:
            return [Row06a(None, agency, row) for (_, agency), row in found.items()]
        return [row for band in BANDS for row in _of_band(band, found)]

    def _agencies(self, ranges: Sequence[Range]) -> _RowSums:
        found = self._view.snapshot.sums(
            _FLOW, ranges, by="agency", codes=self._scope.codes, measures=_MEASURES
        )
        return _grouped(found.items(), lambda code: (None, self._scope.name(code)))

    def _fields(self, ranges: Sequence[Range]) -> _RowSums:
        fields, bands = self._view.directory.fields, bands_of(self._tree)
        found = self._view.snapshot.pairs(
            _FLOW, ranges, codes=self._scope.codes, measures=_MEASURES
        )
        return _grouped(
            found.items(),
            lambda pair: (bands.get(pair[0], "unknown"), fields.get(pair[1], REST)),
        )


def bands_of(tree: Tree) -> dict[str, Band]:
    """By code the band of every agency whose level is known."""
    found: dict[str, Band] = {}
    for agency in tree.level:
        if (band := _BANDS.get(standing(tree, agency) or "")) is not None:
            found |= dict.fromkeys(tree.all_forms([agency]), band)
    return found


def _grouped(found: Iterable[tuple[_K, Sequence[int]]], group: Callable[[_K], RowKey]) -> _RowSums:
    sums: dict[RowKey, list[int]] = {}
    for key, vector in found:
        name = group(key)
        known = sums.setdefault(name, [0] * len(vector))
        known[:] = [one + other for one, other in zip(known, vector, strict=True)]
    return sums


def _of_band(band: Band, found: Mapping[RowKey, Columns]) -> list[Row06a]:
    rows = [Row06a(band, field, row) for (one, field), row in found.items() if one == band]
    return [Row06a(band, None, _added_up(rows)), *rows] if rows else []


def _added_up(rows: Iterable[Row06a]) -> Columns:
    none = (0,) * len(Columns._fields)
    return Columns(
        *(sum(column) for column in zip(none, *(row.columns for row in rows), strict=True))
    )


def _columns(before: Sequence[int], within: Sequence[int]) -> Columns:
    """A row from the sums of its measures before the window and in it.

    Raises: IdentityViolated.
    """
    flow = dict(zip(_MEASURES, within, strict=True))
    carried_over, overdue_before = _standing(before)
    added, fallen = _standing(within)
    early, on_time, late = flow["left_early"], flow["left_on_time"], flow["left_late"]
    handled, open_ = early + on_time + late, carried_over + added
    overdue = overdue_before + fallen
    row = Columns(
        received=flow["taken_online"] + flow["taken_other"] + carried_over,
        online=flow["taken_online"],
        other=flow["taken_other"],
        carried_over=carried_over,
        handled=handled,
        early=early,
        on_time=on_time,
        late=late,
        open=open_,
        in_time=open_ - overdue,
        overdue=overdue,
    )
    _require(row.received == row.handled + row.open, "3 = 7 + 11", row)
    _require(min(row) >= 0, "11 = 12 + 13 with no column below 0", row)
    return row


def _standing(sums: Sequence[int]) -> tuple[int, int]:
    """What days add to the open ones, among which stopped ones stay, and to those overdue."""
    flow = dict(zip(_MEASURES, sums, strict=True))
    taken = flow["taken_online"] + flow["taken_other"]
    waits = flow["wait_from"] - flow["wait_to"]
    return taken - flow["left"] + flow["left_stopped"], flow["fell_due"] - flow["settled"] - waits


def _require_balance(rows: Sequence[Row06a], total: Columns) -> None:
    """Rows add up to the total, which was read apart from them."""
    parts = [row for row in rows if row.band is None or row.group is not None]
    _require(_added_up(parts) == total, f"the rows add up to {total}", _added_up(parts))


def _require(holds: bool, identity: str, row: Columns) -> None:
    if not holds:
        log.error("Form 06a violates %s: %s; run `lgsp recount`.", identity, row)
        raise IdentityViolated(f"Form 06a is not told: it would violate {identity}.")
