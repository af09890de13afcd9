"""The register in Kafka, read and changed by whoever manages clients: the command line and the
gateway.

Two may change it at the same moment. Each does so in a transaction of the same name, begun before
it reads: Kafka lets the later one win and refuses the other, which reads again and does its change
on top. So nobody's change is lost.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import consumer, producer, unavailable
from schemas.kafka.reading import ConsumedRecord, read_between, read_to_end
from schemas.settings import Settings
from schemas.topics import audit_topic, clients_topic, clients_used_topic
from serving.access.audit import Actor, AuditRecord, change_record, encode_audit
from serving.access.clients import Client, encode_client
from serving.access.register import applied

log = logging.getLogger(__name__)

_Made = TypeVar("_Made")
_TRIES = 20
_APART_SECONDS = 0.1
_TRANSACTION_MS = 10_000
_CLOCKS_MS = 600_000  # by which the broker's clock may be another
_PATIENCE_SECONDS = 60.0  # for one attempt
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
    topic, begun = clients_topic(settings.space), now_ms()
    unsure: tuple[AuditRecord, Client, _Made] | None = None
    for attempt in range(_TRIES):
        # those that met go on apart, or they would fence one another for ever
        await asyncio.sleep(random.uniform(0, _APART_SECONDS * attempt))
        try:
            async with (
                asyncio.timeout(_PATIENCE_SECONDS),
                producer(
                    settings, transactional_id=topic, transaction_timeout_ms=_TRANSACTION_MS
                ) as sender,
            ):
                # no transaction of before is under way any more: it is there, or never will be
                if unsure is not None and await _is_written(settings, unsure[0], begun):
                    return unsure[1:]
                client, made = change(await read_clients(settings))
                record = change_record(by, what, client.name, now_ms())
                unsure = record, client, made
                if await _commit(sender, settings, client, record):
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
        "Others changed the register of clients at the same moment, again and again: look with"
        " `lgsp client list` whether the change is there, else do it once more."
    )


async def _commit(
    sender: AIOKafkaProducer, settings: Settings, client: Client, record: AuditRecord
) -> bool:
    """Write a client with the record of its change; whether Kafka confirmed it. Where somebody else
    begins at the same moment it may answer with an error, whatever became of the transaction.

    Raises: ProducerFenced
    """
    topic, audited = clients_topic(settings.space), audit_topic(settings.space)
    try:
        async with sender.transaction():
            sent = [
                await sender.send(to, value, key=key.encode(), partition=0)
                for to, key, value in (
                    (topic, client.name, encode_client(client)),
                    (audited, record.client, encode_audit(record)),
                )
            ]
            await asyncio.gather(*sent)
    except ProducerFenced:
        raise
    except KafkaError as error:
        log.info("Kafka did not confirm the change of %s: %s", client.name, error)
        return False
    return True


async def _is_written(settings: Settings, record: AuditRecord, since: int) -> bool:
    """Whether a record, and the change with it, was committed; not before an instant (epoch ms)."""
    partition = TopicPartition(audit_topic(settings.space), 0)
    async with consumer(settings) as reader:
        reader.assign([partition])
        end = (await reader.end_offsets([partition]))[partition]
        found = (await reader.offsets_for_times({partition: since - _CLOCKS_MS}))[partition]
        if found is None:
            return False
        async for records in read_between(reader, partition, found.offset, end):
            if any(one.value == encode_audit(record) for one in records):
                return True
    return False


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
