"""A system that speaks as OpenCPS does: sixty dossiers through their lives, and the facts come to
the figures that it knows.
"""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import httpx
import pytest
from gateways import Remembers, publisher
from opencps import OpenCps, Row, Version, figures, lives, with_jumps
from packet_doors import OneStop, packets_of

from schemas.cells.kinds import CELL_KINDS
from schemas.wire import Decoder, encode
from streams.families import FAMILIES

__all__ = ["publisher"]  # fixture

FAMILY, DECODE = FAMILIES["dossiers"], Decoder("dossiers")
WANTED = {
    "received": ("received",),
    "refused": ("refused",),
    "reopened": ("reopened",),
    "open": ("open", "waiting"),
    "closed": (
        "closed",
        "finished",
        "withdrawn",
        "stopped",
        "on_time",
        "late",
        "no_due",
        "asked_for_papers",
    ),
}


def counted(publisher: Remembers) -> Counter[str]:
    """What the facts count for, by measure."""
    states: dict[str, Any] = {}
    for event in publisher.events:
        kind, fields = DECODE(encode(event))
        state = states.setdefault(event.thing, FAMILY.state())
        FAMILY.merges[kind](state, fields, 1)
    found: Counter[str] = Counter()
    for state in states.values():
        for key, ones, _ in FAMILY.counts(state, -1):
            kind = key.decode().split("|")[1]
            names = CELL_KINDS["dossiers"][kind].measures
            found.update(names[one] for one in ones if names[one] in WANTED.get(kind, ()))
    return found


class Line:
    """The way to the gateway, which now and then loses a request or its answer."""

    def __init__(self, system: OneStop, losing: float = 0.0) -> None:
        self._system, self._losing, self._random = system, losing, Random(3)

    async def ask(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, str]:
        if self._random.random() < self._losing:
            raise OSError("the request was lost")
        content = json.dumps(body, ensure_ascii=False).encode()
        answer: httpx.Response = await self._system.http.post(
            path, content=content, headers=headers
        )
        if self._random.random() < self._losing:
            raise OSError("the answer was lost")
        return answer.status_code, answer.text


async def no_pause() -> None:
    pass


async def send(
    publisher: Remembers, rows: list[list[Row]], *, losing: float = 0.0, **options: Any
) -> OpenCps:
    """Dossiers one after the other by turns, as a queue has them."""
    seconds = iter(range(10**9))  # a second a call, so that sessions come to their end
    line = Line(OneStop(publisher), losing)
    system = OpenCps(line.ask, lambda: float(next(seconds)), no_pause, **options)
    for number in range(max(map(len, rows))):
        await system.send([life[number] for life in rows if number < len(life)])
    return system


@pytest.mark.parametrize(("user", "version"), [("sample", "newest"), ("text", "stored")])
async def test_sixty_dossiers_through_their_lives(
    publisher: Remembers, user: str, version: Version
) -> None:
    told = lives(60)
    system = await send(publisher, told, user=user, version=version)
    assert (system.lost, system.given_up) == ([], [])
    assert system.tries == sum(map(len, told))
    assert counted(publisher) == figures(told)
    assert {"late", "on_time", "no_due", "waiting", "refused", "reopened"} <= figures(told).keys()


async def test_states_jump_and_calls_fail(publisher: Remembers) -> None:
    random = Random(5)
    told = [with_jumps(random, life) for life in lives(60, seed=2)]
    system = await send(publisher, told, losing=0.05)
    assert (system.lost, system.given_up) == ([], [])
    assert system.tries > sum(map(len, told)), "no call failed, so nothing was tested"
    assert counted(publisher) == figures(told)


async def test_the_success_of_another_version_is_a_failure(publisher: Remembers) -> None:
    """Which is why it is a setting of the client."""
    system = await send(publisher, lives(1), version="stored")
    assert system.given_up


async def test_sending_all_of_it_again_makes_no_fact(publisher: Remembers) -> None:
    told = [life[-1:] for life in lives(60)]
    await send(publisher, told)
    events, records = len(publisher.events), len(packets_of(publisher))
    await send(publisher, told)
    assert (len(publisher.events), len(packets_of(publisher))) == (events, records)
