"""What Kafka answers while brokers come and go: an error is never taken for an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupLoadInProgressError,
    KafkaError,
    NodeNotReadyError,
    NotCoordinatorForGroupError,
    RequestTimedOutError,
)
from aiokafka.structs import OffsetAndMetadata

from schemas.errors import KafkaUnavailable
from schemas.kafka import clients, reading
from schemas.settings import Settings

ONE, TWO = TopicPartition("lgsp.dossiers", 0), TopicPartition("lgsp.dossiers", 1)
OFFSETS = {ONE: OffsetAndMetadata(7, ""), TWO: OffsetAndMetadata(-1, "")}


class Answering:
    """An admin client with these answers, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def list_consumer_group_offsets(self, *_: object, **__: object) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, KafkaError):
            raise answer
        return answer


async def asked(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> dict[TopicPartition, int | None]:
    """The offsets of both partitions as these answers tell."""

    @asynccontextmanager
    async def admin(_: Settings) -> AsyncIterator[Answering]:
        yield Answering(*answers)

    monkeypatch.setattr(reading, "admin", admin)
    return await reading.committed_offsets(Settings(), "lgsp", [ONE, TWO])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {ONE: OffsetAndMetadata(7, "")},
        GroupLoadInProgressError(),
        NotCoordinatorForGroupError(),
        NodeNotReadyError(),
    ],
)
async def test_offsets_that_are_not_told_are_asked_again(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """aiokafka makes no error of one that concerns the whole group: it then has no partition in its
    answer.
    """
    assert await asked(monkeypatch, answer, OFFSETS) == {ONE: 7, TWO: None}


async def test_a_group_that_nobody_coordinates_is_no_group_without_offsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "COORDINATOR_TRIES", 2)
    with pytest.raises(KafkaUnavailable, match=r"No broker at .* coordinates group lgsp"):
        await asked(monkeypatch, {}, {})


@pytest.mark.parametrize("error", [NodeNotReadyError(), RequestTimedOutError()])
async def test_a_broker_that_goes_meanwhile_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    class Client:
        def __init__(self, **_: object) -> None: ...
        async def start(self) -> None: ...
        async def close(self) -> None: ...

    monkeypatch.setattr(clients, "AIOKafkaAdminClient", Client)
    with pytest.raises(KafkaUnavailable, match=r"No Kafka answers at 127\.0\.0\.1:9092"):
        async with clients.admin(Settings()):
            raise error


async def test_no_client_believes_for_minutes_who_leads_a_partition() -> None:
    """Case: two of three brokers came back, and a worker asked the same wrong one 97 times for a
    first offset.
    """
    settings = Settings()
    made = [clients.consumer(settings)._client, clients.producer(settings).client]
    async with not_started() as admin:
        made.append(admin._client)
    assert [client._metadata_max_age_ms for client in made] == [clients.METADATA_MS] * 3


@asynccontextmanager
async def not_started() -> AsyncIterator[Any]:
    """The hub's admin client, but it connects to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients.AIOKafkaAdminClient, "start", nothing)
        patch.setattr(clients.AIOKafkaAdminClient, "close", nothing)
        async with clients.admin(Settings()) as client:
            yield client


async def nothing(self: Any) -> None:
    """Neither connects nor closes."""
