"""Letting go of partitions: others wait for it, so it has an end."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from schemas.settings import Settings
from streams import worker
from streams.worker import Ledgers


class Ended(Exception):
    """The process would have ended."""


@pytest.fixture
def ledgers(monkeypatch: pytest.MonkeyPatch) -> Ledgers:
    """Ledgers whose worker ends by an exception."""

    def die(error: Exception, what: str) -> NoReturn:
        raise Ended(f"{what}: {error}")

    monkeypatch.setattr(worker, "die", die)
    app: Any = SimpleNamespace(consumer_generation_id=1)
    return Ledgers(app, Settings(rebalance_timeout=1))


async def test_what_is_being_committed_is_finished(ledgers: Ledgers) -> None:
    ended = False

    async def commit() -> None:
        nonlocal ended
        await asyncio.sleep(0.01)
        ended = True

    ledgers._working[0] = asyncio.create_task(commit())
    await ledgers.finish()
    assert ended


async def test_a_commit_without_an_end_ends_the_worker(ledgers: Ledgers) -> None:
    """It would give its sign of life all the while, and everybody would wait for it."""
    ledgers._working[0] = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]
    with pytest.raises(
        Ended,
        match=r"could not be handed over: still not committed after 1 s \(is a broker away\?\)",
    ):
        await ledgers.finish()
    ledgers._working[0].cancel()


async def test_nothing_to_finish(ledgers: Ledgers) -> None:
    await ledgers.finish()
