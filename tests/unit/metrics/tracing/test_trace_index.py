"""The index of facts: where they lie, whatever shares their hash; and what /metrics tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from facts import ms, told
from prometheus_client.parser import text_string_to_metric_families
from traces import Hub, Logged, empty_index, indexed

from metrics.api.questions import Questions
from metrics.lists.service import Service
from metrics.prometheus.table import METRICS
from metrics.tracing import index as indexing
from metrics.tracing.index import Fact, FactIndex
from metrics.tracing.service import Tracing
from ops.meanings import meanings
from schemas.settings import Settings
from serving.store.disposable import Snapshots, Untrusted
from serving.store.progress import Progress

QUESTIONS = cast(Questions, SimpleNamespace(catalogue={}, readers=None))


def at(
    offset: int, key: bytes | None = b"d", *, partition: int = 0, family: str = "dossiers"
) -> Logged:
    return Logged(f"lgsp.{family}", partition, offset, 1_000 + offset, key, b"")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[FactIndex]:
    made = empty_index(tmp_path, partitions=3)
    yield made
    made.close()


def found(
    index: FactIndex,
    key: bytes = b"d",
    family: str = "dossiers",
    after: Fact | None = None,
    limit: int = 9,
) -> list[Fact]:
    with Snapshots(index, "The index").snapshot() as db:
        return index.facts(db, family, key, after, limit)


def test_places_come_back_as_they_were_in_order_of_offset(index: FactIndex) -> None:
    indexed(
        index,
        [
            at(7),
            at(2, partition=2),
            at(1 << 40),
            at(2, b"other"),
            at(3, None),
            at(4, family="tasks"),
        ],
    )
    assert found(index) == [Fact(2, 2), Fact(0, 7), Fact(0, 1 << 40)]
    assert found(index, after=Fact(2, 2), limit=1) == [Fact(0, 7)]
    assert found(index, family="tasks") == [Fact(0, 4)]


def test_what_is_read_once_more_is_there_once(index: FactIndex, tmp_path: Path) -> None:
    indexed(index, [at(1), at(2)])
    index.close()
    again = FactIndex(index.path, index.topics.values(), 3)
    places = again.open("one", 0)
    assert (
        places[TopicPartition("lgsp.dossiers", 0)].next,
        places[TopicPartition("lgsp.dossiers", 0)].last_ms,
    ) == (3, 1_002)
    indexed(again, [at(2), at(3)])
    assert found(again) == [Fact(0, 1), Fact(0, 2), Fact(0, 3)]
    again.close()


@pytest.mark.parametrize(("cluster", "partitions"), [("another", 3), ("one", 4)])
def test_of_another_cluster_or_number_of_partitions_it_is_made_anew(
    index: FactIndex, cluster: str, partitions: int
) -> None:
    indexed(index, [at(1)])
    index.close()
    again = FactIndex(index.path, index.topics.values(), partitions)
    assert (again.open(cluster, 0), again.rebuilds, found(again)) == ({}, 1, [])
    again.close()


def test_a_deleted_file_is_noticed(index: FactIndex) -> None:
    index.path.unlink()
    with pytest.raises(Untrusted):
        indexed(index, [at(1)])


async def test_things_that_share_a_hash_do_not_share_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "hash_of", lambda key: 1)
    hub = Hub(tmp_path, ms("11-20 10:00"))
    hub.count(
        [
            told("dossier.received", f"11-03 09:0{number}", dossier_id=thing)
            for number, thing in enumerate("abacab")
        ]
    )
    async with hub.client() as client:
        offsets, after = [], ""
        while after is not None:
            page = (await client.get(f"/v1/dossiers/a?limit=2{after and f'&after={after}'}")).json()
            offsets += [fact["offset"] for fact in page["facts"]]
            after = page["next"]
        assert offsets == [0, 2, 4]
        assert (await client.get("/v1/dossiers/d")).status_code == 404
    hub.close()


def test_it_tells_how_far_and_how_large_it_is_and_nothing_where_lists_are_off(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path)
    tracing = Tracing(settings, meanings())
    held = cast(Any, tracing)
    held._index.open("one", 0)
    held._feed.progress = Progress(ready=True, percent=100.0, lag=7)
    samples = {
        one.name: one.value
        for family in text_string_to_metric_families(tracing.text())
        for one in family.samples
    }
    assert samples.keys() == {
        metric.name for metric in METRICS if metric.name.startswith("lgsp_facts_")
    }
    assert samples["lgsp_facts_size_bytes"] == sum(
        file.stat().st_size for file in tmp_path.glob("facts.sqlite*")
    )
    assert (
        samples["lgsp_facts_ready"],
        samples["lgsp_facts_lag_records"],
        samples["lgsp_facts_rebuilds_total"],
    ) == (1, 7, 1)
    assert tracing.traces(QUESTIONS, Service(settings, meanings(), QUESTIONS)) is not None
    off = settings.model_copy(update={"listing": False})
    for none in (Tracing(off, meanings()), Tracing(settings, ())):
        assert (none.feeds, none.text(), none.traces(QUESTIONS, Service(off, (), QUESTIONS))) == (
            [],
            "",
            None,
        )
