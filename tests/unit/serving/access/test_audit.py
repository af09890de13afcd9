"""Audit records: what is the same is one record, no flood is more than a few, and what is lost is
told.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka.errors import KafkaTimeoutError

from schemas.errors import ContractError, NewerLayout
from schemas.settings import Settings
from schemas.topics import AUDIT, BY_NAME
from serving.access import auditing
from serving.access.audit import (
    FOLD_MS,
    SEVERAL,
    WAITING,
    Actor,
    AuditLog,
    AuditRecord,
    change_record,
    decode_audit,
    encode_audit,
)
from serving.access.auditing import keep_auditing, write_audit
from serving.access.clients import NOBODY


class Audit:
    """A log whose clock is the test's."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.log = AuditLog("gateway", lambda: self.now)

    def take(self, **chosen: Any) -> list[AuditRecord]:
        return self.log.take(**chosen)

    def metric(self, name: str) -> float:
        return float(self.log._registry.get_sample_value(name) or 0)


@pytest.fixture
def audit() -> Audit:
    return Audit()


def test_a_refusal_is_told_at_once_and_the_same_again_every_ten_minutes(audit: Audit) -> None:
    for _ in range(3):
        audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.7")
    (one,) = audit.take()
    assert (one.kind, one.client, one.status, one.times) == ("refused", "shop", 403, 3)
    for _ in range(1_000_000 // 1000):
        audit.now += 100
        audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.7")
        assert audit.take() == []
    audit.now = one.last + FOLD_MS
    (again,) = audit.take()
    assert (again.times, again.first, again.last) == (1_000, 1_000_100, 1_100_000)
    assert audit.take() == []


def test_what_differs_in_anything_is_a_record_of_its_own(audit: Audit) -> None:
    audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.7")
    audit.log.refused("shop", "POST /v1/events", 429, "203.0.113.7")
    audit.log.refused("other", "POST /v1/events", 403, "203.0.113.7")
    audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.8")
    audit.log.opened("shop", "GET /v1/dossiers", "agency=A", "203.0.113.7")
    audit.log.opened("shop", "GET /v1/dossiers", "agency=B", "203.0.113.7")
    assert len(audit.take()) == 6


def test_at_the_end_everything_is_told(audit: Audit) -> None:
    audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.7")
    audit.take()
    audit.log.refused("shop", "POST /v1/events", 403, "203.0.113.7")
    assert audit.take() == []
    (left,) = audit.take(everything=True)
    assert left.times == 1


def test_a_flood_from_many_addresses_is_one_record_of_several(audit: Audit) -> None:
    for number in range(3_000):
        audit.log.refused(NOBODY, "POST /v1/events", 401, f"2001:db8::{number:x}")
    taken = audit.take()
    assert len(taken) == 501
    (others,) = (one for one in taken if one.address == SEVERAL)
    assert others.times == 2_500
    assert sum(one.times for one in taken) == 3_000
    audit.now += FOLD_MS
    audit.log.refused(NOBODY, "POST /v1/events", 401, "2001:db8::ffff")
    assert audit.take()[0].address == "2001:db8::ffff"


def test_what_finds_no_room_is_counted_and_told(audit: Audit) -> None:
    for number in range(WAITING + 7):
        audit.log.opened("shop", "GET /v1/dossiers/{id}", f"id=SAMPLE-{number}", "203.0.113.7")
    assert audit.metric("lgsp_audit_dropped_total") == 7
    assert audit.metric("lgsp_audit_waiting") == WAITING
    *opened, lost = audit.take()
    assert (len(opened), lost.kind, lost.times) == (WAITING, "lost", 7)
    # written, there is room again, however many different ones there were
    for number in range(WAITING):
        audit.log.opened("shop", "GET /v1/dossiers/{id}", f"id=OTHER-{number}", "203.0.113.7")
    assert len(audit.take()) == WAITING
    assert audit.metric("lgsp_audit_dropped_total") == 7


def test_what_could_not_be_written_is_written_first_and_bounded(audit: Audit) -> None:
    audit.log.refused("shop", "POST /v1/events", 403, "")
    first = audit.take()
    audit.log.refused("other", "POST /v1/events", 403, "")
    audit.log.give_back(first)
    assert [one.client for one in audit.take()] == ["shop", "other"]
    audit.log.give_back(first * (WAITING + 5))
    assert audit.metric("lgsp_audit_dropped_total") == 5
    assert [one.kind for one in audit.take()].count("lost") == 1


def test_a_record_is_read_as_it_was_written_and_others_are_not_guessed_at() -> None:
    record = change_record(Actor("operator", "gateway", "203.0.113.7"), "added", "shop", 5)
    assert decode_audit(encode_audit(record)) == record
    assert (record.kind, record.question) == ("changed", "client=shop")
    with pytest.raises(ContractError):
        decode_audit(b"{}")
    with pytest.raises(NewerLayout):
        decode_audit(encode_audit(msgspec.structs.replace(record, layout=2)))


def test_the_topic_keeps_400_days_by_the_brokers_clock() -> None:
    config = BY_NAME[AUDIT].config(Settings())
    assert config["retention.ms"] == str(400 * 86_400_000)
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert BY_NAME[AUDIT].about_access  # in no backup


class Sender:
    """A producer that loses some."""

    def __init__(self, lost: set[int]) -> None:
        self.lost, self.sent = lost, list[AuditRecord]()
        self._count = 0

    async def __aenter__(self) -> Sender:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Any:
        future = asyncio.get_running_loop().create_future()
        assert (topic, partition) == (AUDIT, 0)
        self._count += 1
        if self._count in self.lost:
            future.set_exception(KafkaTimeoutError())
        else:
            self.sent.append(decode_audit(value))
            future.set_result(None)
        return future


async def test_every_confirmation_is_looked_at(audit: Audit) -> None:
    sender: Any = Sender({2})
    for client in ("a", "b", "c"):
        audit.log.refused(client, "POST /v1/events", 403, "")
    with pytest.raises(Exception, match="1 of 3 were not confirmed"):
        await write_audit(Settings(), sender, audit.log)
    assert [one.client for one in sender.sent] == ["a", "c"]
    assert audit.metric("lgsp_audit_records_total") == 2
    await write_audit(Settings(), sender, audit.log)
    assert [one.client for one in sender.sent] == ["a", "c", "b"]


async def test_it_goes_on_after_anything_and_tells_the_rest_at_the_end(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender({1})
    monkeypatch.setattr(auditing, "producer", lambda _: sender)
    pauses = SimpleNamespace(next=lambda: 0, succeeded=lambda: None)
    monkeypatch.setattr(auditing, "Pauses", lambda: pauses)
    audit.log.refused("shop", "POST /v1/events", 403, "")
    task = asyncio.create_task(keep_auditing(Settings(), audit.log))
    for _ in range(1_000):
        await asyncio.sleep(0)
        if audit.metric("lgsp_audit_records_total"):
            break
    assert [one.client for one in sender.sent] == ["shop"]
    audit.log.refused("shop", "POST /v1/events", 403, "")  # not due yet
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [one.times for one in sender.sent] == [1, 1]
