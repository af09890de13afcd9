"""A one-stop system at a whole hub: what it knows itself, the facts and the figures are one; and
any gateway process knows at once what another one took in, also after a restart.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from harness import Hub, broker, hub_on_broker, until
from opencps import PROCEDURE, OpenCps, figures, lives
from packet_hubs import answers, counted, gateway_at, http_line, look_up, ready

from ops.kafka.ports import free_port

__all__ = ["broker", "hub_on_broker"]  # fixtures


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


async def test_sixty_dossiers_are_the_figures_that_their_system_knows(
    hub: Hub, client: httpx.AsyncClient
) -> None:
    for name in ("gateway", "worker", "metrics"):
        hub.service(name, name)
    until(lambda: answers(gateway_at(hub)))
    told = lives(60)
    seconds = itertools.count()
    system = OpenCps(
        http_line(client, lambda: gateway_at(hub)), lambda: float(next(seconds)), _moment
    )
    for number in range(max(map(len, told))):
        await system.send(life[number] for life in told if number < len(life))
    assert (system.lost, system.given_up) == ([], [])
    verdicts = await hub.settle()
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    until(lambda: ready(hub))
    wanted = figures(told)
    until(lambda: counted(hub, wanted) == wanted, 30)


async def test_another_gateway_knows_at_once_and_so_does_one_that_starts_anew(
    hub: Hub, client: httpx.AsyncClient
) -> None:
    ports = {"one": hub.settings.gateway_port, "two": free_port()}
    for name, port in ports.items():
        hub.service(name, "gateway", LGSP_GATEWAY_PORT=str(port))
    one, two = (gateway_at(hub, port) for port in ports.values())
    until(lambda: answers(one) and answers(two))
    line = http_line(client, lambda: one)
    system = OpenCps(line, lambda: 0.0, _moment)
    for life in lives(20, seed=4):
        row = life[-1]
        await system.send([row])
        assert (
            await look_up(client, two, system._session, row.dossier_id)
            == row.packet(0)["TrangThaiHoSo"]
        )
    hub.kill("two")
    (hub.settings.data / f"packets-{ports['two']}.sqlite").unlink()
    until(lambda: answers(two))
    for life in lives(20, seed=4):
        found = await look_up(client, two, system._session, life[-1].dossier_id)
        assert found == str(life[-1].status)
    assert await look_up(client, two, system._session, f"{PROCEDURE}-0") is None


async def _moment() -> None:
    await asyncio.sleep(0.2)


def test_what_is_compared_is_something() -> None:
    assert Counter(figures(lives(60))).total() > 150
