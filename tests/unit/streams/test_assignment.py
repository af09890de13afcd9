"""Every partition has a worker, whatever the group's leader knows of the topics."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.cluster import ClusterMetadata

from schemas.kafka.clients import METADATA_MS
from schemas.settings import Settings
from schemas.topics import events_topic
from streams.batches import QuickFetch
from streams.families import FAMILIES
from streams.worker import worker_app

TOPICS = {events_topic(family) for family in FAMILIES}


def given(members: int, partitions: int, tmp_path: Any) -> list[set[tuple[str, int]]]:
    """By member: what the worker's own assignor gives it where the leader's client has heard of no
    topic.
    """
    app = worker_app(Settings(data=tmp_path, partitions=partitions))
    joined = {f"member-{number}": app.assignor.metadata(TOPICS) for number in range(members)}
    assigned = app.assignor.assign(ClusterMetadata(), joined)
    return [
        {(topic, number) for topic, numbers in one.assignment for number in numbers}
        for one in assigned.values()
    ]


def test_a_leader_that_knows_no_topic_gives_out_all_partitions(tmp_path: Any) -> None:
    """Case: a broker was killed; the first to join again had heard of no topic, and for good nobody
    kept anything.
    """
    one, other = given(2, 5, tmp_path)
    assert one | other == {(topic, number) for topic in TOPICS for number in range(5)}
    assert not one & other


def test_a_number_goes_to_one_worker_with_all_its_topics(tmp_path: Any) -> None:
    for kept in given(3, 8, tmp_path):
        numbers = {number for _, number in kept}
        assert numbers
        assert kept == {(topic, number) for topic in TOPICS for number in numbers}


async def test_the_worker_joins_with_that_assignor_and_forgets_who_led_what(tmp_path: Any) -> None:
    """Faust takes another assignor where an app has no standby replicas."""
    app = worker_app(Settings(data=tmp_path))
    made: AIOKafkaConsumer = QuickFetch(app.consumer)._create_worker_consumer(app.transport)
    assert made._partition_assignment_strategy == [app.assignor]
    assert made._client._metadata_max_age_ms == METADATA_MS
