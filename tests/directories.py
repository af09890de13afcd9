"""The routes over a sample province and a few cells of its agencies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from agencies import Items, merged_communes
from cubes import NOW, Cell, at, counted, filled
from fastapi import FastAPI

from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from serving.directory.directory import Directory
from serving.store.progress import Progress

OLD = at("2025-06-20T08:00")


def heard(key: str, timestamp: int = NOW, **counts: int) -> Cell:
    cell = counted(key, **counts)
    cell.timestamp = timestamp
    return cell


# P.D sends under both its codes, T.1 until June, N.2 every day, N.1 only has open dossiers, X.9 is
# nobody's code; U.2 never sent anything
CELLS = [
    heard("dossiers|received|P.D|P1|20251103", received=3),
    heard("dossiers|closed|000.01.P|P1|20251103", closed=2),
    heard("dossiers|closed|000.01.P|P1|20251105", closed=2),
    heard("documents|sent|P.D|CV|20251106", documents=1),
    heard("dossiers|received|T.1|P1|20250610", OLD, received=1),
    heard("dossiers|received|N.2|P1|20251111", received=4),
    heard(f"dossiers|open|N.1|P1|{at('2025-11-20T17:00')}", open=2),
    heard("dossiers|received|X.9|P1|20251110", received=9),
    heard("inventory|agencies|U.2|commune|20150101", agencies=1, agencies_expected=1),
    # the hub's own, which is nobody's count
    heard("dossiers|applied|hub|-|0", offset=70, version=1),
]


class Asking:
    """Asks an application, one question at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url="http://hub"
        ) as client:
            return await client.get(path)


@contextmanager
def client(
    folder: Path, items: Items, declared: dict[str, Agency] | None = None
) -> Iterator[Asking]:
    cube = filled(folder, CELLS)
    directory, clock, progress = (
        Directory(items),
        (lambda: NOW),
        (lambda: Progress(ready=True, percent=100.0, partitions=1)),
    )
    questions = Views(
        Readers(cube),
        {},
        declared or {},
        progress=progress,
        clock=clock,
        directory=lambda: directory,
    )
    exporter = Exporter(cube, questions)
    app = create_app(questions, exporter, [directory_routes(questions)])
    yield Asking(app)
    cube.close()


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Asking]:
    with client(tmp_path, merged_communes()) as made:
        yield made
