"""The processes that answer over HTTP: what they spare their answers."""

from __future__ import annotations

import gc

import pytest

from serving import spare_collections


@pytest.fixture(autouse=True)
def as_before() -> object:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_stays_is_passed_over_and_an_answer_ends_before_a_collection() -> None:
    spare_collections()
    assert gc.get_freeze_count() > 1_000
    before = gc.get_stats()
    rows = [{"id": str(number), "counts": {"closed": 1}, "dates": {}} for number in range(10_000)]
    assert len(rows) == 10_000
    assert [one["collections"] for one in gc.get_stats()] == [one["collections"] for one in before]
