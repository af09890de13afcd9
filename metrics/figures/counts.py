"""The raw counts under the indicators: what a kind of cell adds up to over a query's window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from metrics.catalogue.indicators import Name
from metrics.cube.snapshot import Sums, plus, running
from metrics.cube.tables import TABLES, Table
from metrics.errors import instead, wrong
from metrics.figures import absence, uncounted
from metrics.figures.compute import is_known
from metrics.figures.coverage import Coverage, coverage_of
from metrics.figures.origins import expected_of
from metrics.figures.query import Groups, Query
from metrics.figures.reading import Reading
from metrics.figures.resolve import no_such_groups
from metrics.figures.scopes import AgencyScope, scopes
from metrics.figures.sums import READ_BY, whole_table
from schemas.masking import shown
from schemas.windows import EVER, Window

Counts = dict[str, int | None]  # by measure; None: the books do not have it yet
_AT_END_OF_DAY = "ask the indicators dossiers_open and dossiers_waiting with as_of"
COUNTED = [table for table in TABLES.values() if table.declared.at != "none"]


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Of one agency, category or day; `known` as of an indicator's groups."""

    group: str
    known: bool | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Raw counts of one kind of cell. `missing`: why some counts are absent."""

    table: Table
    window: Window
    coverage: Coverage
    whole: Counts
    groups: list[GroupCounts]
    missing: Name | None


def tables_of(query: Query, family: str | None, kind: str | None) -> list[Table]:
    """The kinds asked for; all of a family, or of all, where none is named.

    Raises: QueryError for one that there is not, and for another time than now where all of them
    are told as of now.
    """
    tables = [table for table in COUNTED if family in (None, table.family)]
    found = [table for table in tables if kind in (None, table.kind)]
    if not found:
        given = kind or ""
        known = dict.fromkeys(table.kind for table in tables)
        raise wrong("kind", f"{shown(given)} is no kind; {instead(given, known)}")
    if all(table.declared.at == "instant" for table in found):
        refuse_time(query, *found)
    return found


def refuse_time(query: Query, *tables: Table) -> None:
    """Raises: QueryError for another time than this instant, of which alone they are told."""
    dossiers = any(table.family == "dossiers" for table in tables)
    query.refuse_time(f"kind {tables[0].kind}", _AT_END_OF_DAY if dossiers else "")


def counts(reading: Reading, table: Table) -> KindFigures:
    """What a kind adds up to, and its groups."""
    query, measures = reading.query, table.declared.measures
    of_now = table.declared.at == "instant"
    absent = {one for one in reading.view.uncounted if one[:2] == (table.family, table.kind)}
    window = counted_window(reading, table)
    now_only = of_now and bool(query.time or query.as_of)
    today = reading.view.moment.today if of_now else None
    if now_only:
        absent = {(table.family, table.kind, measure) for measure in measures}
    whole = counted_sums(reading, table).get("", [0] * len(measures))
    no_groups = no_such_groups(reading, [table.family], query.by)
    return KindFigures(
        table=table,
        window=window,
        coverage=coverage_of(reading, expected_of([table.family]), window, on=today),
        whole=_named(table, whole, absent),
        groups=[] if now_only or no_groups else list(_groups(reading, table, absent)),
        missing=absence.NOW_ONLY if now_only else uncounted.why(absent) or no_groups,
    )


def _groups(
    reading: Reading, table: Table, absent: Collection[uncounted.MeasureKey]
) -> Iterator[GroupCounts]:
    by, measures = reading.query.by, table.declared.measures
    if by is None:
        return
    groups = counted_sums(reading, table, by)
    if table.declared.at == "stock" and by == "day":
        first = reading.window.first.isoformat() if reading.window.first else ""
        groups = running(groups, [day for day in groups if day >= first], [0] * len(measures))
    for group, sums in sorted(groups.items()):
        known = is_known(reading.view.directory, group, by, [table.family])
        yield GroupCounts(group, known, _named(table, sums, absent))


def _named(table: Table, sums: Sequence[int], absent: Collection[uncounted.MeasureKey]) -> Counts:
    named = zip(table.declared.measures, sums, strict=True)
    return {
        measure: None if (table.family, table.kind, measure) in absent else count
        for measure, count in named
    }


def counted_window(reading: Reading, table: Table) -> Window:
    """What is open is open, whenever it is due; what exists on a day began on any day before."""
    if table.declared.at == "stock":
        return Window(None, reading.window.last or reading.view.moment.today)
    return reading.window if table.declared.at == "day" else EVER


def counted_in(reading: Reading, table: Table) -> list[AgencyScope]:
    """Where the counts of a table are looked for; what stands on one day has the hierarchy of that
    day.
    """
    view, window = reading.view, counted_window(reading, table)
    days = Window(None, view.moment.today) if table.declared.at == "instant" else window
    parts = scopes(view.directory, reading.query, days)
    return parts if table.declared.at == "day" else [parts[-1]._replace(window=window)]


def counted_sums(reading: Reading, table: Table, by: Groups | None = None) -> Sums:
    """Sums of every measure, by the hierarchy of each day."""
    read = None if by is None else READ_BY[by]
    provider, source = reading.sums(None), whole_table(table)
    found: Sums = {}
    for part in counted_in(reading, table):
        _, groups = provider.sums(source, part.window, by=read, codes=part.codes)
        for group, vector in groups.items():
            name = group if read in (None, "day") else part.name(group)
            before = found.get(name)
            found[name] = vector if before is None else plus(before, vector)
    return found
