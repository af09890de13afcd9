"""Consumers, producers and admin clients with the hub's settings."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
)

from schemas.errors import KafkaUnavailable
from schemas.settings import Settings

# Kafka 4 answers NOT_ENOUGH_REPLICAS to old-protocol transactional produces while the previous
# marker is being written; aiokafka retries, and would log each one.
logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)

# How long a client may believe what it heard of who leads what. aiokafka asks anew where a fetch or
# a send is refused, but not where the question for a partition's first offset is, nor after an
# answer that failed: it would go on asking the wrong broker for minutes.
METADATA_MS = 5_000
# How long a broker may hold back the fetch of a partition that was read to its end. The next one's
# has to wait for it: half a second for each stood still where many are read one after the other.
_FETCH_WAIT_MS = 20
ADMIN_MS = 20_000  # whatever the other requests' patience: a busy cluster makes a topic in seconds


def consumer(settings: Settings, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that reads only what was committed, from the beginning, and commits nothing by
    itself.
    """
    chosen: dict[str, Any] = {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": 4 << 20,
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
        "metadata_max_age_ms": METADATA_MS,
        "request_timeout_ms": int(settings.request_timeout * 1000),
    }
    return AIOKafkaConsumer(*topics, bootstrap_servers=settings.bootstrap, **(chosen | options))


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer to read something with and be done, closed whatever happens: one that can't start
    too, which else complains of it in a log where nobody knows what that means.

    Raises: KafkaUnavailable when Kafka does not answer, at the start or inside.
    """
    reader = consumer(settings)
    try:
        await reader.start()
        yield reader
    except (KafkaError, OSError) as error:
        raise unavailable(settings) from error
    finally:
        await reader.stop()


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas."""
    chosen: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "max_batch_size": 1 << 20,
        "metadata_max_age_ms": METADATA_MS,
        "request_timeout_ms": int(settings.request_timeout * 1000),
    }
    return AIOKafkaProducer(bootstrap_servers=settings.bootstrap, **(chosen | options))


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client.

    Raises: KafkaUnavailable when no broker answers, at the start or inside.
    """
    client = AIOKafkaAdminClient(
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=ADMIN_MS,
        metadata_max_age_ms=METADATA_MS,
    )
    try:
        await client.start()
        yield client
    # a broker can go at any moment
    except (KafkaConnectionError, NodeNotReadyError, RequestTimedOutError) as error:
        raise unavailable(settings) from error
    finally:
        await client.close()


def unavailable(settings: Settings) -> KafkaUnavailable:
    """The one sentence for a broker that does not answer."""
    return KafkaUnavailable(
        f"No Kafka answers at {settings.bootstrap}: start one with `lgsp kafka`, or set"
        " LGSP_KAFKA_SERVERS."
    )
