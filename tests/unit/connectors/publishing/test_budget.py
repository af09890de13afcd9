"""The bound on memory: nobody beyond it, nobody overtaken, nothing lost when a wait is
cancelled.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from connectors.publishing.budget import Budget


async def waits(task: asyncio.Task[None]) -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_who_does_not_fit_waits_until_enough_is_given_back() -> None:
    budget = Budget(100)
    await budget.take(70)
    second = asyncio.create_task(budget.take(40))
    assert await waits(second)
    budget.give(10)
    await second
    assert budget.used == 100


async def test_a_small_one_does_not_overtake_a_large_one() -> None:
    budget = Budget(100)
    await budget.take(60)
    large, small = asyncio.create_task(budget.take(90)), asyncio.create_task(budget.take(1))
    assert await waits(large)
    assert await waits(small)
    budget.give(60)
    await asyncio.gather(large, small)
    assert budget.used == 91


async def test_something_larger_than_the_bound_goes_alone() -> None:
    budget = Budget(100)
    await budget.take(1_000)
    other = asyncio.create_task(budget.take(1))
    assert await waits(other)
    budget.give(1_000)
    await other
    assert budget.used == 1


async def test_a_cancelled_wait_lets_those_behind_it_in() -> None:
    budget = Budget(100)
    await budget.take(50)
    large, small = asyncio.create_task(budget.take(90)), asyncio.create_task(budget.take(50))
    assert await waits(small)
    large.cancel()
    await small
    with pytest.raises(asyncio.CancelledError):
        await large
    assert (budget.used, budget.waiting) == (100, 0)


async def test_being_cancelled_when_just_let_in_holds_nothing() -> None:
    budget = Budget(100)
    await budget.take(100)
    waiting = asyncio.create_task(budget.take(60))
    assert await waits(waiting)
    budget.give(100)  # lets it in; the task has not run yet
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.used == 0


async def test_many_holders_never_exceed_the_bound_and_all_get_their_turn() -> None:
    budget, greatest, served = Budget(100), 0, 0
    chance = random.Random(7)

    async def hold(size: int) -> None:
        nonlocal greatest, served
        await budget.take(size)
        greatest = max(greatest, budget.used)
        await asyncio.sleep(0)
        served += 1
        budget.give(size)

    await asyncio.gather(*(hold(chance.randint(1, 100)) for _ in range(300)))
    assert served == 300
    assert greatest <= 100
    assert budget.used == 0
