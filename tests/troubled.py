"""A cube that was fed, whose disk or file may fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from cubes import NOW, FedCube, cell

from metrics.cube.cube import Cube
from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import Readers
from metrics.cube.tables import TABLES
from schemas.windows import EVER

FIRST = cell("dossiers|received|A|P1|20251103", 5)


@pytest.fixture
def cube(tmp_path: Path) -> Iterator[FedCube]:
    made = FedCube(tmp_path / "cube.sqlite")
    made.open("one", NOW)
    made.say([FIRST], {0: 1})
    yield made
    made.close()


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"error {code}")
    error.sqlite_errorcode = code
    return error


def received(readers: Readers) -> int:
    with readers.snapshot() as snapshot:
        return snapshot.total(TABLES["dossiers", "received"], cover_days(EVER), ["received"])[0]


def connection(cube: Cube) -> sqlite3.Connection:
    assert cube._connection is not None
    return cube._connection


def fail(code: int) -> NoReturn:
    raise failure(code)
