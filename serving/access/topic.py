"""The register in Kafka, read and changed by whoever manages clients: the command line and the
gateway.

Two may change it at the same moment. Each does so in a transaction of the same name, begun before
it reads: Kafka lets the later one win and refuses the other, which reads again and does its change
on top. So nobody's change is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import consumer, producer, unavailable
from schemas.kafka.reading import ConsumedRecord, read_to_end
from schemas.settings import Settings
from schemas.topics import clients_topic, clients_used_topic
from serving.access.clients import Client, encode_client
from serving.access.register import applied

_Made = TypeVar("_Made")
_TRIES = 10
_TRANSACTION_MS = 10_000
_PATIENCE_SECONDS = 60.0  # for one change
Change = Callable[[Mapping[str, Client]], tuple[Client, _Made]]


async def read_clients(settings: Settings) -> dict[str, Client]:
    """Every client that is registered at this moment, by name.

    Raises: KafkaUnavailable
    """
    clients: dict[str, Client] = {}
    applied(clients, await _records(settings, clients_topic(settings.space)))
    return clients


async def read_used(settings: Settings) -> dict[str, int]:
    """When each key was last used (epoch ms, to about a minute), by its id.

    Raises: KafkaUnavailable
    """
    used: dict[str, int] = {}
    for record in await _records(settings, clients_used_topic(settings.space)):
        value = (record.value or b"").decode("ascii", "replace")
        if value.isdecimal():
            identity = (record.key or b"").decode("utf-8", "replace").rpartition("/")[2]
            used[identity] = max(int(value), used.get(identity, 0))
    return used


async def change_client(settings: Settings, change: Change[_Made]) -> tuple[Client, _Made]:
    """Register what `change` makes of the clients that there are; returns the same. It is called
    again where somebody else changed a client meanwhile.

    Raises: KafkaUnavailable; whatever `change` raises
    """
    topic = clients_topic(settings.space)
    for _ in range(_TRIES):
        try:
            async with (
                asyncio.timeout(_PATIENCE_SECONDS),
                producer(
                    settings, transactional_id=topic, transaction_timeout_ms=_TRANSACTION_MS
                ) as sender,
            ):
                client, made = change(await read_clients(settings))
                await _write(sender, topic, client)
                return client, made
        except ProducerFenced:
            continue
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(
                f"Kafka at {settings.bootstrap} did not confirm the change"
                f" ({str(error) or type(error).__name__}): look with `lgsp client list` whether it"
                " is there, else do it again."
            ) from error
    raise KafkaUnavailable(
        "Others changed the register of clients at the same moment, again and again: nothing was"
        " changed here, do it once more."
    )


async def _write(sender: AIOKafkaProducer, topic: str, client: Client) -> None:
    async with sender.transaction():
        await sender.send_and_wait(
            topic, encode_client(client), key=client.name.encode(), partition=0
        )


async def _records(settings: Settings, topic: str) -> list[ConsumedRecord]:
    partition, found = TopicPartition(topic, 0), list[ConsumedRecord]()
    try:
        async with consumer(settings) as reader:
            reader.assign([partition])
            async for _, records in read_to_end(reader, partition):
                found += records
    except (KafkaError, OSError) as error:
        raise unavailable(settings) from error
    return found
