"""The exporter over a cube, in a world that a test may change, and how its text is read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cubes import INDICATORS, NOW
from prometheus_client.parser import text_string_to_metric_families

from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from serving.directory.directory import Directory
from serving.store.progress import Progress
from serving.telemetry import Metric

Samples = dict[tuple[str, ...], float]


@pytest.fixture
def world() -> SimpleNamespace:
    progress = Progress(ready=True, percent=100.0, lag=3, partitions=2)
    return SimpleNamespace(
        now=NOW, progress=progress, lag={}, indicators=dict(INDICATORS), directory=Directory()
    )


@pytest.fixture
def exporter(cube: Cube, world: SimpleNamespace) -> Exporter:
    views = Views(
        Readers(cube),
        world.indicators,
        {},
        progress=lambda: world.progress,
        clock=lambda: world.now,
        directory=lambda: world.directory,
    )
    return Exporter(cube, views, worker_lag=lambda: world.lag)


def samples(text: str, metric: Metric) -> Samples:
    found: Samples = {}
    # to parse all of it takes long
    of_it = "".join(f"{line}\n" for line in text.splitlines() if metric.name in line)
    for family in text_string_to_metric_families(of_it):
        for sample in family.samples:
            if sample.name == metric.name:
                assert tuple(sample.labels) == metric.labels
                labels = tuple(sample.labels.values())
                assert labels not in found
                found[labels] = sample.value
    return found
