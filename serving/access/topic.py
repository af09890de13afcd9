"""The register in Kafka, read and changed by whoever manages clients: the command line and the
gateway.

Two may change it at the same moment. Each does so in a transaction of the same name, begun before
it reads: Kafka lets the later one win and refuses the other, which reads again and does its change
on top. So nobody's change is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerFenced

from schemas.clock import now_ms
from schemas.errors import HubError, KafkaUnavailable
from schemas.kafka.clients import consumer, producer, unavailable
from schemas.kafka.reading import ConsumedRecord, read_to_end
from schemas.settings import Settings
from schemas.topics import audit_topic, clients_topic, clients_used_topic
from serving.access.audit import Actor, change_record, encode_audit
from serving.access.clients import Client, encode_client
from serving.access.register import applied

_Made = TypeVar("_Made")
_TRIES = 10
_TRANSACTION_MS = 10_000
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


async def change_client(
    settings: Settings, change: Change[_Made], by: Actor, what: str
) -> tuple[Client, _Made]:
    """Register what `change` makes of the clients that there are; returns the same. It is called
    again where somebody else changed a client meanwhile. Who did what to the client is in the
    audit, or nothing was changed.

    Raises: KafkaUnavailable; whatever `change` raises
    """
    topic, audited = clients_topic(settings.space), audit_topic(settings.space)
    for _ in range(_TRIES):
        try:
            async with producer(
                settings, transactional_id=topic, transaction_timeout_ms=_TRANSACTION_MS
            ) as sender:
                client, made = change(await read_clients(settings))
                record = change_record(by, what, client.name, now_ms())
                async with sender.transaction():
                    await _write(sender, topic, client.name, encode_client(client))
                    await _write(sender, audited, by.client, encode_audit(record))
                return client, made
        except ProducerFenced:
            continue
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(
                f"Kafka at {settings.bootstrap} did not confirm the change ({error}): look with"
                " `lgsp client list` whether it is there, else do it again."
            ) from error
    raise HubError(
        "Others changed the register of clients at the same moment, again and again: nothing was"
        " changed here, do it once more."
    )


async def _write(sender: AIOKafkaProducer, topic: str, key: str, value: bytes) -> None:
    await sender.send_and_wait(topic, value, key=key.encode(), partition=0)


async def _records(settings: Settings, topic: str) -> list[ConsumedRecord]:
    partition, found = TopicPartition(topic, 0), list[ConsumedRecord]()
    try:
        async with consumer(settings) as reader:
            reader.assign([partition])
            async for _, records in read_to_end(reader, partition):
                found += records
    except KafkaConnectionError as error:
        raise unavailable(settings) from error
    return found
