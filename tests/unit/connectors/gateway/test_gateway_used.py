"""When keys were last used is noted beside requests, whatever Kafka says to it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from connectors.gateway import used
from connectors.gateway.access import GatewayAccess
from connectors.gateway.used import keep_noting, note_used
from schemas.settings import Settings


class Producer:
    """Keeps what it is given; fails as it is told."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, bytes, bytes]] = []
        self.failures: list[BaseException] = []
        self.opened = 0

    def __call__(self, _: Settings) -> Producer:
        self.opened += 1
        return self

    async def __aenter__(self) -> Producer:
        if self.failures:
            raise self.failures.pop(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Any:
        self.notes.append((topic, key, value))


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Producer:
    made = Producer()
    monkeypatch.setattr(used, "producer", made)
    monkeypatch.setattr(used, "EVERY_SECONDS", 0.0)
    return made


def using(access: GatewayAccess, at: int) -> None:
    access.give_back({("shop", "key"): at})


async def test_of_many_uses_the_last_is_noted_and_of_none_nothing(producer: Producer) -> None:
    access = GatewayAccess()
    for at in range(100):
        access._used["shop", "key"] = at
    await note_used(Settings(space="training"), access)
    assert producer.notes == [("training.lgsp.clients.used", b"shop/key", b"99")]
    await note_used(Settings(), access)
    assert producer.opened == 1


@pytest.mark.parametrize("failure", [KafkaConnectionError(), OSError("gone"), ValueError("ours")])
async def test_what_fails_is_noted_with_the_next_and_at_the_end(
    producer: Producer, failure: Exception
) -> None:
    access = GatewayAccess()
    using(access, 1)
    producer.failures = [failure]
    noting = asyncio.create_task(keep_noting(Settings(), access))
    for _ in range(1_000):
        if producer.notes:
            break
        await asyncio.sleep(0)
    assert producer.notes == [("lgsp.clients.used", b"shop/key", b"1")]
    using(access, 2)
    noting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await noting
    assert producer.notes[-1] == ("lgsp.clients.used", b"shop/key", b"2")
