"""The processes that answer over HTTP: what they spare their answers."""

from __future__ import annotations

import gc

import pytest

from connectors.gateway import server as gateway
from metrics import server as metrics
from serving.http import spare_collections


@pytest.fixture(autouse=True)
def as_before() -> object:
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.freeze()
    gc.set_threshold(*thresholds)


def test_what_stays_is_passed_over_and_an_answer_ends_before_a_collection() -> None:
    spare_collections(metrics._COLLECTED)
    assert gc.get_freeze_count() > 1_000
    before = gc.get_stats()
    rows = [{"id": str(number), "counts": {"closed": 1}, "dates": {}} for number in range(10_000)]
    assert len(rows) == 10_000
    assert [one["collections"] for one in gc.get_stats()] == [one["collections"] for one in before]


def test_what_requests_of_the_gateway_leave_is_collected_before_it_is_much() -> None:
    """In a soak its memory grew by a quarter, for want of a collection."""
    spare_collections(gateway._COLLECTED)
    before = gc.get_stats()[0]["collections"]
    for _ in range(20_000):
        cycle: list[object] = []
        cycle.append(cycle)
    assert gc.get_stats()[0]["collections"] - before in (1, 2)
