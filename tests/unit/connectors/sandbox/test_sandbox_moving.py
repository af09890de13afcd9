"""Which records of the sandbox are moved for a client, and at which moment they are looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from connectors.packets.states import PacketRecord, encode_record, record_key
from connectors.sandbox import moving
from connectors.sandbox.moving import Moving
from connectors.sandbox.writer import CLIENT_HEADER, without_client, written_by
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings

RECORDS, FACTS = TopicPartition("records", 0), TopicPartition("facts", 0)


def kept(client: str, version: int, dossier: str = "D") -> Any:
    record = PacketRecord(client, dossier, version)
    return SimpleNamespace(key=record_key(client, dossier), value=encode_record(record))


def test_of_each_dossier_the_newest_record_stands_and_of_two_alike_the_first() -> None:
    run, versions = Moving(Settings(), "shop", 1), dict[bytes, int]()
    told = [kept("shop", 1), kept("shop", 2), kept("shop", 2), kept("shop", 1), kept("shop", 3)]
    assert [run._stands(one, versions) for one in told] == [True, True, False, False, True]
    assert run._stands(kept("shop", 1, "E"), versions)


def test_records_of_others_and_of_nobody_are_left() -> None:
    run = Moving(Settings(), "shop", 1)
    shop = kept("shop", 1)
    for other in (
        kept("shop-2", 1),
        kept("sho", 1),
        SimpleNamespace(key=None, value=shop.value),
        SimpleNamespace(key=shop.key, value=None),
        SimpleNamespace(key=shop.key, value=b"\xc1"),
    ):
        assert not run._stands(other, {})


def test_a_fact_is_its_clients_by_the_header_and_has_none_afterwards() -> None:
    heads = [("ce_id", b"1"), (CLIENT_HEADER, b"shop")]
    assert written_by("shop", heads)
    assert not written_by("sho", heads)
    assert not written_by("shop", heads[:1])
    assert without_client(heads) == heads[:1]


class Writes:
    """A Kafka to which a gateway writes a record of a client between two questions, so often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *writers: str) -> None:
        self.writers = list(writers)
        self.records: list[Any] = []
        self.asked = 0
        monkeypatch.setattr(moving, "_PAUSE_SECONDS", 0)
        monkeypatch.setattr(moving, "read_between", self.read_between)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        if partitions == [FACTS] and self.writers:
            self.records.append(kept(self.writers.pop(0), 1))
        return {one: len(self.records) if one == RECORDS else 7 for one in partitions}

    async def read_between(self, _: Any, partition: TopicPartition, start: int, end: int) -> Any:
        yield self.records[start:end]


async def test_the_ends_are_those_of_a_moment_at_which_no_record_of_the_client_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a record could be moved without facts that were told before it, or the other way."""
    kafka: Any = Writes(monkeypatch, "shop", "shop", "other")
    ends = await Moving(Settings(), "shop", 1)._cut(kafka, [RECORDS], [FACTS])
    assert ends == {RECORDS: 2, FACTS: 7}, "what another client keeps does not matter"
    assert kafka.asked == 9


async def test_a_gateway_that_never_hears_of_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka: Any = Writes(monkeypatch, *["shop"] * 1_000)
    with pytest.raises(KafkaUnavailable, match="has not heard yet"):
        await Moving(Settings(), "shop", 1)._cut(kafka, [RECORDS], [FACTS])
