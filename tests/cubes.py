"""Cells by hand, and a cube fed with them, for tests of what is read from it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from metrics.api.answers import answer_indicators
from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.api.parameters import IndicatorParameters
from metrics.catalogue.indicators import load_indicators
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from schemas.cells.applied import CellsStanding, CountingRules, applied_row
from schemas.cells.codec import CellPage, encode_page
from schemas.cells.kinds import CELL_KINDS
from schemas.cells.pages import page_of
from schemas.clock import ZONE, now_ms, to_ms
from schemas.spreadsheets import MARK
from serving.directory.directory import Directory
from serving.store.progress import Progress

INDICATORS = load_indicators()


@dataclass
class Record:
    """A record of lgsp.cells."""

    key: bytes | None
    value: bytes | None
    partition: int = 0
    offset: int = 0
    timestamp: int = 0


@dataclass
class Cell:
    """A cell as it becomes; without counts it is gone."""

    key: str
    counts: dict[int, int]
    partition: int = 0
    offset: int = 0
    timestamp: int = 0

    @property
    def record(self) -> Record:
        """A page that has this cell only."""
        return Pages().records([self])[0]


class Pages:
    """The pages of a topic as workers keep them: a cell that changes is published with its whole
    page.
    """

    def __init__(self) -> None:
        self._pages: dict[tuple[int, bytes], CellPage] = {}

    def records(self, cells: Iterable[Cell]) -> list[Record]:
        """The pages with each of these cells, one after the other."""
        found = []
        for one in cells:
            key, name = page_of(one.key.encode())
            page = self._pages.setdefault((one.partition, key), {})
            page.pop(name, None)
            if one.counts:
                page[name] = one.counts
            found.append(
                Record(
                    key,
                    encode_page(page) if page else None,
                    one.partition,
                    one.offset,
                    one.timestamp,
                )
            )
        return found


class FedCube(Cube):
    """A cube that can be told cells."""

    def __init__(self, path: Path, clock: Callable[[], int] = now_ms) -> None:
        super().__init__(path, clock)
        self._pages = Pages()

    def say(self, cells: Iterable[Cell], positions: dict[int, int]) -> None:
        """Apply the pages of these cells."""
        self.apply(self._pages.records(cells), positions)


def at(text: str) -> int:
    """Epoch ms of a time in the province's zone."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


NOW = at("2025-11-12T10:00")  # a Wednesday


def cell(key: str, *counts: int, partition: int = 0, offset: int = 0, timestamp: int = NOW) -> Cell:
    """A cell by its counts in order; without any it is gone."""
    return Cell(
        key,
        {place: count for place, count in enumerate(counts) if count},
        partition,
        offset,
        timestamp,
    )


def counted(key: str, *, partition: int = 0, **counts: int) -> Cell:
    """A cell by the names of its measures."""
    family, kind = key.split("|")[:2]
    measures = CELL_KINDS[family][kind].measures
    assert counts.keys() <= set(measures)
    return cell(key, *(counts.get(measure, 0) for measure in measures), partition=partition)


def by_rules(family: str, version: int, *, partition: int = 0, calendar: int = 0) -> Record:
    """The page that says by which rules a family's cells of a partition were counted."""
    return Record(
        *applied_row(family, CellsStanding(9, CountingRules(version, calendar))), partition
    )


def filled(folder: Path, cells: Iterable[Cell]) -> FedCube:
    """A new cube that holds these cells, of one partition."""
    cube = FedCube(folder / "cube.sqlite")
    cube.open("one", NOW)
    cube.say(cells, {0: 1})
    return cube


# Agency A receives and closes a little, B closes most, C only appears with open dossiers.
PROVINCE = [
    counted("dossiers|received|A|P1|20251103", received=10, received_online=6, received_counter=4),
    counted("dossiers|received|A|P2|20251112", received=3, received_online=1, received_post=2),
    counted("dossiers|received|A|P1|20241230", received=5, received_counter=5),
    counted(
        "dossiers|closed|A|P1|20251001",
        closed=1,
        finished=1,
        finished_online=1,
        on_time=1,
        results=1,
        results_digitised=1,
    ),
    counted(
        "dossiers|closed|B|P1|20251110",
        closed=6,
        finished=5,
        withdrawn=1,
        finished_online=2,
        on_time=4,
        early=1,
        late=2,
        results=5,
        results_digitised=2,
        moved=3,
        moved_electronically=2,
        reports=6,
        lag_seconds=660,
        lag_le_1=2,
        lag_le_60=2,
        lag_le_300=1,
        lag_more=1,
    ),
    counted(
        "dossiers|closed|B|P1|20251110",
        partition=1,
        closed=3,
        finished=3,
        finished_online=0,
        on_time=3,
        results=3,
        reports=3,
        lag_seconds=9,
        lag_le_5=3,
    ),
    counted(
        "dossiers|closed|B|P2|20251112",
        closed=2,
        finished=2,
        finished_online=2,
        on_time=1,
        late=1,
        results=2,
        results_digitised=2,
    ),
    counted(
        "dossiers|closed|A|P1|20241231",
        closed=4,
        finished=4,
        finished_online=1,
        on_time=4,
        results=4,
    ),
    counted(
        "dossiers|paid|B|P1|20251111",
        transactions=4,
        transactions_online=1,
        amount=200_000,
        amount_online=50_000,
    ),
    counted(
        "dossiers|rated|B|P1|20251112", ratings=5, satisfied=4, ratings_agency=9, satisfied_agency=1
    ),
    counted(f"dossiers|open|A|P1|{at('2025-11-11T17:00')}", open=4, waiting=1),
    counted(f"dossiers|open|A|P2|{at('2025-11-12T10:00')}", open=2),
    counted(f"dossiers|open|B|P1|{at('2025-11-12T09:59:59.999')}", partition=1, open=1),
    counted(f"dossiers|open|B|P1|{at('2025-11-13T10:00')}", open=3, waiting=1),
    counted(f"dossiers|open|B|P1|{at('2025-11-13T10:00:00.001')}", open=7),
    counted("dossiers|open|C|P9|0", open=8),
    counted(
        "documents|sent|A|CV|20251105", documents=8, electronic=7, signed=6, electronic_signed=5
    ),
    cell("heartbeats|beat|hub|-|0", NOW - 1500),
    cell("heartbeats|beat|hub|-|0", NOW - 400, partition=1),
]


def province(folder: Path) -> FedCube:
    """A cube that holds them, of two partitions."""
    cube = FedCube(folder / "cube.sqlite")
    cube.open("one", NOW)
    cube.say(PROVINCE, {0: 40, 1: 7})
    return cube


@contextmanager
def questions_about(
    cells: Iterable[Cell],
    now: int = NOW,
    directory: Directory | None = None,
    rules: Iterable[Record] = (),
) -> Iterator[Views]:
    """What can be asked of a cube that holds these cells, counted by these rules."""
    with TemporaryDirectory() as folder:
        cube, progress, known = (
            FedCube(Path(folder) / "cube.sqlite"),
            Progress(ready=True, percent=100.0, partitions=1),
            directory or Directory(),
        )
        cube.open("one", now)
        cube.say(cells, {0: 1})
        cube.apply(rules, {0: 2})
        yield Views(
            Readers(cube),
            INDICATORS,
            {},
            progress=lambda: progress,
            clock=lambda: now,
            directory=lambda: known,
        )
        cube.close()


def answer(views: Views, id_: str, **asked: str) -> IndicatorAnswer:
    """One indicator, asked with parameters as in the address (`from_` for `from`)."""
    parameters = {name.rstrip("_"): value for name, value in asked.items()}
    (found,) = answer_indicators(views, IndicatorParameters.model_validate(parameters), id_)
    return found


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file, which begins with its byte order mark."""
    assert text.startswith(MARK)
    return list(csv.DictReader(StringIO(text.removeprefix(MARK))))


def groups(found: IndicatorAnswer) -> dict[str, tuple[int | None, int | None]]:
    return {group.group: (group.numerator, group.denominator) for group in found.groups}


def share(found: IndicatorAnswer) -> tuple[int | None, int | None]:
    return found.numerator, found.denominator
