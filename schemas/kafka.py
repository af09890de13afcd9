"""The Kafka connection: consumers and producers with the hub's settings, and the topics made at start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, KafkaError, TopicAlreadyExistsError

from schemas.errors import KafkaUnavailable, SettingsError
from schemas.settings import Settings
from schemas.topics import Topic, topics_of

# Kafka 4 answers NOT_ENOUGH_REPLICAS to old-protocol transactional produces while the previous marker is being written;
# aiokafka retries, and would log each one.
logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)

COORDINATOR_TRIES = 100
READ_AT_ONCE = 10_000  # records; what is read at once is memory that a process keeps


def consumer(settings: Settings, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that reads only what was committed, from the beginning, and commits nothing by itself."""
    chosen: dict[str, Any] = {"isolation_level": "read_committed", "enable_auto_commit": False, "auto_offset_reset": "earliest",
                              "max_partition_fetch_bytes": 4 << 20, "metadata_max_age_ms": 60_000}  # fmt: skip
    return AIOKafkaConsumer(*topics, bootstrap_servers=settings.bootstrap, **(chosen | options))


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas."""
    chosen: dict[str, Any] = {"acks": "all", "enable_idempotence": True, "max_batch_size": 1 << 20}
    return AIOKafkaProducer(bootstrap_servers=settings.bootstrap, **(chosen | options))


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client.

    Raises: KafkaUnavailable when no broker answers.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=20_000)
    try:
        await client.start()
    except KafkaConnectionError as error:
        raise unavailable(settings) from error
    try:
        yield client
    finally:
        await client.close()


def unavailable(settings: Settings) -> KafkaUnavailable:
    """The one sentence for a broker that does not answer."""
    return KafkaUnavailable(f"No Kafka answers at {settings.bootstrap}: start one with `lgsp kafka`, or set LGSP_KAFKA_SERVERS.")


async def ensure_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing; returns their names.

    Raises: SettingsError when a topic exists with another number of partitions: books would be split differently.
    """
    async with admin(settings) as client:
        existing = {found["topic"]: len(found["partitions"]) for found in await client.describe_topics() or [] if not found["error_code"]}
        topics = topics_of(settings)
        for topic in topics:
            _check_partitions(topic, existing.get(topic.name), settings)
        missing = [topic for topic in topics if topic.name not in existing]
        for topic in missing:
            await _create(client, topic, settings)
        return [topic.name for topic in missing]


async def make_topic(settings: Settings, topic: Topic) -> None:
    """Make one topic, unless another process just did.

    Raises: KafkaUnavailable
    """
    async with admin(settings) as client:
        await _create(client, topic, settings)


def _check_partitions(topic: Topic, found: int | None, settings: Settings) -> None:
    wanted = topic.partition_count(settings)
    if found is not None and found != wanted:
        raise SettingsError(
            f"Topic {topic.name} has {found} partitions and the settings say {wanted}: set LGSP_PARTITIONS={found}, "
            "or start with a fresh LGSP_DATA (the number is fixed once the topics exist)."
        )


async def _create(client: AIOKafkaAdminClient, topic: Topic, settings: Settings) -> None:
    new = NewTopic(topic.name, topic.partition_count(settings), settings.replication_factor, topic_configs=topic.config(settings))
    try:
        answer = await client.create_topics([new])
    except TopicAlreadyExistsError:
        return  # another process of the hub was quicker
    except KafkaError as error:
        raise KafkaUnavailable(f"Topic {topic.name} could not be made ({error}): is the cluster healthy?") from error
    for _, code, message in cast("Any", answer).topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise KafkaUnavailable(f"Topic {topic.name} could not be made (error {code}: {message}): does the cluster have enough brokers?")


async def committed_offsets(settings: Settings, group: str, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Where a consumer group stands on each of these partitions; 0 where it never committed.

    Raises: KafkaUnavailable when no broker coordinates the group within some seconds.
    """
    async with admin(settings) as client:
        for _ in range(COORDINATOR_TRIES):
            try:
                found = await client.list_consumer_group_offsets(group, partitions=partitions)
                return {partition: max(0, found[partition].offset) if partition in found else 0 for partition in partitions}
            except GroupCoordinatorNotAvailableError:  # the broker makes its offsets topic at the first question
                await asyncio.sleep(0.1)
    raise KafkaUnavailable(f"No broker at {settings.bootstrap} coordinates group {group}: is the cluster healthy?")


async def read_to_end(reader: AIOKafkaConsumer, *partitions: TopicPartition) -> AsyncIterator[tuple[TopicPartition, list[Any]]]:
    """Records of assigned partitions, a partition at a time in its order, from their beginnings up to the ends as they are now."""
    left = await reader.end_offsets(partitions)
    await reader.seek_to_beginning(*partitions)
    while left := {partition: end for partition, end in left.items() if await reader.position(partition) < end}:
        for partition, records in (await reader.getmany(*left, timeout_ms=500, max_records=READ_AT_ONCE)).items():
            yield partition, records
