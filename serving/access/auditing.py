"""Writes audit records into `lgsp.audit`, in the background: no request waits for it."""

from __future__ import annotations

import asyncio
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.kafka.clients import producer
from schemas.pauses import Pauses
from schemas.settings import Settings
from schemas.spaces import hub_of
from schemas.topics import audit_topic
from serving.access.audit import AuditLog, AuditRecord, encode_audit
from serving.logs import REPEATS

log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0


async def keep_auditing(settings: Settings, audit: AuditLog) -> None:
    """Write until cancelled, and all that is left once more then. What Kafka did not take is tried
    again, under the same id.
    """
    pauses = Pauses()
    try:
        while True:
            try:
                async with producer(settings) as sender:
                    while True:
                        await write_audit(settings, sender, audit)
                        pauses.succeeded()
                        await asyncio.sleep(_EVERY_SECONDS)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("Audit records are written later: %s", error, extra=REPEATS)
            except Exception:  # nobody awaits this task before the end
                log.exception("Audit records are written later, for an unforeseen reason")
            await asyncio.sleep(pauses.next())
    finally:
        await _write_the_rest(settings, audit)


async def write_audit(
    settings: Settings,
    sender: AIOKafkaProducer,
    audit: AuditLog,
    *,
    everything: bool = False,
) -> None:
    """Write what is to be written now.

    Raises: KafkaError; what was not confirmed is given back
    """
    records = audit.take(everything=everything)
    if not records:
        return
    left = records
    try:
        async with asyncio.timeout(settings.request_timeout * 2):
            left = await _unconfirmed(settings, sender, records)
    finally:
        audit.written.inc(len(records) - len(left))
        audit.give_back(left)
    if left:
        raise KafkaError(f"{len(left):,} of {len(records):,} were not confirmed")


async def _unconfirmed(
    settings: Settings, sender: AIOKafkaProducer, records: list[AuditRecord]
) -> list[AuditRecord]:
    topic = audit_topic(hub_of(settings.space))
    sent = [
        await sender.send(topic, encode_audit(one), key=one.client.encode(), partition=0)
        for one in records
    ]
    results = await asyncio.gather(*sent, return_exceptions=True)
    return [
        record
        for record, result in zip(records, results, strict=True)
        if isinstance(result, BaseException)
    ]


async def _write_the_rest(settings: Settings, audit: AuditLog) -> None:
    try:
        async with asyncio.timeout(settings.publish_timeout), producer(settings) as sender:
            await write_audit(settings, sender, audit, everything=True)
    except (KafkaError, OSError, TimeoutError) as error:
        log.error("%d audit records could not be written at the end: %s", audit.waiting, error)
