"""Sums by agency and procedure of what flows stay those of the cells, however the cells change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from cubes import NOW, Cell, FedCube
from flows import flow_cells, made

from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import Readers, Sums
from metrics.cube.tables import TABLES
from schemas.windows import EVER, Window

FLOW = TABLES["dossiers", "flow"]
WINDOWS = (
    EVER,
    Window(None, date(2025, 1, 17)),
    Window(date(2024, 12, 15), date(2025, 3, 14)),
    Window(date(2024, 1, 1), date(2025, 12, 31)),
)


def summed(cells: list[Cell], window: Window) -> dict[tuple[str, str], list[int]]:
    """By agency and procedure, of the cells themselves."""
    first, last = (day.strftime("%Y%m%d") for day in window.bounds)
    found: dict[tuple[str, str], list[int]] = {}
    for one in cells:
        _, _, agency, procedure, at = one.key.split("|")
        if first <= at <= last:
            sums = found.setdefault((agency, procedure), [0] * len(FLOW.declared.measures))
            for place, count in one.counts.items():
                sums[place] += count
    return found


@pytest.mark.parametrize("window", WINDOWS)
def test_pairs_are_the_sums_of_their_cells(tmp_path: Path, window: Window) -> None:
    """Dossiers that came, went, and came otherwise; in three months, and in two years."""
    before, after = flow_cells(made(3, 120)), flow_cells(made(4, 120))
    gone = {one.key for one in before} - {one.key for one in after}
    cube = FedCube(tmp_path / "cube.sqlite")
    cube.open("one", NOW)
    cube.say(before, {0: 1})
    cube.say([*(Cell(key, {}) for key in sorted(gone)), *after], {0: 2})
    expected = summed(after, window)
    with Readers(cube).snapshot() as snapshot:
        ranges = cover_days(window)
        assert snapshot.pairs(FLOW, ranges, measures=FLOW.declared.measures) == expected
        for agency in ("A", "X.1"):
            codes = frozenset([agency])
            of_one = {pair: sums for pair, sums in expected.items() if pair[0] == agency}
            measures = FLOW.declared.measures
            assert snapshot.pairs(FLOW, ranges, codes=codes, measures=measures) == of_one
            by_procedure: Sums = {procedure: sums for (_, procedure), sums in of_one.items()}
            found = snapshot.sums(FLOW, ranges, by="category", codes=codes)
            assert found == dict(sorted(by_procedure.items()))
    cube.close()


def test_pairs_of_what_is_gone_are_gone(tmp_path: Path) -> None:
    cells = flow_cells(made(5, 40))
    cube = FedCube(tmp_path / "cube.sqlite")
    cube.open("one", NOW)
    cube.say(cells, {0: 1})
    cube.say([Cell(one.key, {}) for one in cells], {0: 2})
    rows = cube._db.execute(f"SELECT count(*) FROM {FLOW.pair_sums}").fetchone()
    assert rows == (0,)
    cube.close()
