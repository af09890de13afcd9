"""The cube: a disposable SQLite file with the newest page of every agency's day, its cells, the
sums over them, and how far `lgsp.cells` was read.

One thread writes (serving/store/follower.py); readers have connections of their own (snapshot.py).
Figures and offsets change in one SQLite transaction. Whenever the file cannot be trusted it is
deleted and made anew from the topic.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

from metrics.cube.tables import TABLES, cube_layout, cube_statements
from schemas.cells.applied import is_applied
from schemas.cells.codec import CellSums
from schemas.cells.pages import CellKey, cells_of_page
from schemas.clock import LATEST_MS, as_date, now_ms
from schemas.errors import ContractError
from schemas.families import PROCEDURE_FAMILIES
from schemas.kafka.reading import ConsumedRecord
from serving.store.disposable import DisposableFile, Position

log = logging.getLogger(__name__)

_NOT_KNOWN = "-"  # the category of what was told without one
_LARGEST = 1 << 62  # beyond it SQLite could not hold a sum of two

_Row = tuple[int | str, ...]
_PageKey = tuple[int, bytes]  # partition, key


@dataclass(slots=True)
class CubeStats:
    """Counted since this process started."""

    records: int = 0
    unreadable: int = 0
    batches: int = 0
    apply_seconds: float = 0.0


class Cube(DisposableFile):
    """The writing side. Every method raises Untrusted when only a rebuild helps, and StorageTrouble
    when waiting does.
    """

    name = "cube"
    cache_kib = 65_536

    def __init__(self, path: Path, clock: Callable[[], int] = now_ms) -> None:
        super().__init__(
            path,
            cube_statements(),
            cube_layout(),
            [one for table in TABLES.values() for one in table.create_temporary],
        )
        self._clock = clock
        # bumped after each commit that touched the kind
        self.versions: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.stats = CubeStats()

    def _read_positions(self) -> dict[Any, Position]:
        rows = self._db.execute("SELECT partition, next, last, last_ms FROM offsets")
        return {partition: Position(*stored) for partition, *stored in rows}

    def _emptied(self) -> None:
        self._changed(TABLES)

    def apply(self, records: Iterable[ConsumedRecord], positions: Mapping[int, int]) -> None:
        """Apply records (in order within a partition) and remember `positions`, the next offset of
        each partition, in one transaction.
        """
        started = perf_counter()
        self.check()
        batch = _Batch(self._clock())
        for record in records:
            batch.newest[record.partition, record.key or b""] = record
            batch.last[record.partition] = record
            batch.records += 1
        with self._guarded("write", positions):
            rows = batch.rows(self._page)
            with self._db:
                self._write(rows, batch, positions)
        self._written(positions)
        self._changed(rows)
        self._report(batch)
        self.stats.records += batch.records
        self.stats.batches += 1
        self.stats.apply_seconds += perf_counter() - started

    def _page(self, place: _PageKey) -> bytes | None:
        found: tuple[bytes] | None = self._db.execute(
            "SELECT value FROM pages WHERE partition = ? AND key = ?", place
        ).fetchone()
        return found[0] if found is not None else None

    def _write(
        self,
        rows: Mapping[tuple[str, str], list[_Row]],
        batch: _Batch,
        positions: Mapping[int, int],
    ) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for kind, found in rows.items():
            self._settle(kind, found)
        kept = ((*place, value) for place, value in batch.pages.items() if value)
        self._db.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", kept)
        gone = (place for place, value in batch.pages.items() if not value)
        self._db.executemany("DELETE FROM pages WHERE partition = ? AND key = ?", gone)
        for table, newest in (("agencies", batch.agencies), ("procedures", batch.procedures)):
            self._db.executemany(
                f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT DO UPDATE SET newest_ms ="
                " max(newest_ms, excluded.newest_ms)",
                newest.items(),
            )
        self._db.executemany(
            "INSERT INTO offsets VALUES (?, ?, -1, -1, 1, 0) ON CONFLICT DO UPDATE SET next ="
            " excluded.next",
            positions.items(),
        )
        self._db.executemany(
            "UPDATE offsets SET last = ?, last_ms = ?, whole = ?, heard_ms = max(heard_ms, ?) WHERE"
            " partition = ?",
            (
                (
                    record.offset,
                    record.timestamp,
                    is_applied(record.key),
                    batch.heard_ms(record),
                    partition,
                )
                for partition, record in batch.last.items()
            ),
        )

    def _settle(self, kind: tuple[str, str], rows: list[_Row]) -> None:
        table, execute = TABLES[kind], self._db.execute
        self._db.executemany(table.insert, rows)
        for statement in table.settle:
            execute(statement)
        gone = [row[:4] for row in rows if not any(row[4:])]
        if gone:
            self._db.executemany(table.delete, gone)
            for statement in table.sweep:
                execute(statement)
        execute(table.forget)

    def _changed(self, kinds: Iterable[tuple[str, str]]) -> None:
        for kind in kinds:
            self.versions[kind] += 1

    def _report(self, batch: _Batch) -> None:
        if batch.unreadable:
            self.stats.unreadable += len(batch.unreadable)
            log.error(
                "%d records of lgsp.cells are no pages and were left out, the first: %s",
                len(batch.unreadable),
                batch.unreadable[0],
            )


class _Batch:
    """Of a batch, the newest record of each key (a page's counts are absolute, so only that one
    matters).
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.records = 0
        self.newest: dict[_PageKey, ConsumedRecord] = {}
        self.last: dict[int, ConsumedRecord] = {}
        self.pages: dict[_PageKey, bytes | None] = {}
        self.agencies: dict[str, int] = {}  # when a count of each last changed
        self.procedures: dict[str, int] = {}
        self.unreadable: list[str] = []

    def rows(
        self, page_before: Callable[[_PageKey], bytes | None]
    ) -> dict[tuple[str, str], list[_Row]]:
        """Rows of the cells that differ from before, by (family, kind): at, agency, category,
        partition and every measure.

        A cell that is gone is all zero.
        """
        found: defaultdict[tuple[str, str], list[_Row]] = defaultdict(list)
        for place, record in self.newest.items():
            try:
                old, new = (
                    dict(cells_of_page(place[1], page_before(place))),
                    dict(cells_of_page(place[1], record.value)),
                )
                changed = [
                    (key, _vector(key, new.get(key, {})))
                    for key in old | new
                    if old.get(key) != new.get(key)
                ]
            except ContractError as error:
                self.unreadable.append(
                    f"partition {record.partition}, offset {record.offset}: {error}"
                )
                continue
            self.pages[place] = record.value
            for key, vector in changed:
                found[key.family, key.kind].append(
                    (key.at, key.agency, key.category, record.partition, *vector)
                )
                self._hear(key, self.heard_ms(record))
        return found

    def heard_ms(self, record: ConsumedRecord) -> int:
        """When a record was written; now at the latest, or one clock that ran ahead would make
        everything look fresh for as long.
        """
        return min(record.timestamp, self._now_ms)

    def _hear(self, key: CellKey, at_ms: int) -> None:
        if not TABLES[key.family, key.kind].heard:
            return
        self.agencies[key.agency] = max(at_ms, self.agencies.get(key.agency, 0))
        if key.family in PROCEDURE_FAMILIES and key.category != _NOT_KNOWN:
            self.procedures[key.category] = max(at_ms, self.procedures.get(key.category, 0))


def _vector(key: CellKey, sums: CellSums) -> list[int]:
    """Every measure of the kind (a newer worker's further measures are not known here).

    Raises: ContractError for a cell that no worker can have counted.
    """
    declared = TABLES[key.family, key.kind].declared
    least = -_LARGEST if declared.signed else 0
    if sums and not least <= min(sums.values()) <= max(sums.values()) < _LARGEST:
        raise ContractError(f"{'|'.join(map(str, key))} counts {sums}, which no figure can be")
    if not _sensible(declared.at, key.at):
        raise ContractError(f"{'|'.join(map(str, key))} has an `at` that is no {declared.at}")
    return [sums.get(place, 0) for place in range(len(declared.measures))]


@lru_cache(maxsize=65_536)
def _sensible(shape: str, at: int) -> bool:
    if shape in ("day", "stock"):
        with suppress(ValueError):
            return as_date(at).year >= 1900
        return False
    return 0 <= at <= LATEST_MS if shape == "instant" else at == 0
