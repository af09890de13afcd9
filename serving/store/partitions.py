"""The partitions of topics, as Kafka has them."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


async def partitions_of(
    client: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, list[TopicPartition]]:
    """The partitions of each topic in order; none of one that was made a moment ago.

    Raises: KafkaError
    """
    found: dict[str, list[TopicPartition]] = {}
    for topic in await client.describe_topics([*topics]):
        name = topic["topic"]
        numbers = sorted(one["partition"] for one in topic["partitions"])
        found[name] = [TopicPartition(name, number) for number in numbers]
    return found
