"""Gateways are killed at random while packets come: source, hub and figures agree, whatever was
sent again.
"""

from __future__ import annotations

import asyncio
import os
import time
from random import Random

import httpx
import pytest
from harness import Hub, until
from opencps import OpenCps, Row, figures, lives, with_jumps
from packet_hubs import answers, counted, gateway_at, http_line, ready

from ops.kafka.ports import free_port

LONG = os.environ.get("FAULTS") == "long"
KILLS = 20 if LONG else 3
DOSSIERS = 240 if LONG else 45
SYSTEMS = 3
TIMES = 12  # that somebody looks after what was given up


@pytest.mark.faults
async def test_what_packets_said_is_counted_once_however_often_the_gateway_is_killed(
    hub: Hub,
) -> None:
    """Two gateways, and each call of a system goes to one of them by chance."""
    ports = {"gateway-1": hub.settings.gateway_port, "gateway-2": free_port()}
    for name, port in ports.items():
        hub.service(name, "gateway", LGSP_GATEWAY_PORT=str(port))
    for name in ("worker", "metrics"):
        hub.service(name, name)
    addresses = [gateway_at(hub, port) for port in ports.values()]
    await asyncio.to_thread(until, lambda: all(map(answers, addresses)))
    random = Random(11)
    told = [
        [with_jumps(random, life) for life in lives(DOSSIERS // SYSTEMS, seed=number)]
        for number in range(1, SYSTEMS + 1)
    ]
    async with httpx.AsyncClient(timeout=15) as client:
        systems = [
            OpenCps(
                http_line(client, lambda: random.choice(addresses)),
                time.monotonic,
                lambda: asyncio.sleep(0.5),
                user=f"sample-{number}",
            )
            for number in range(SYSTEMS)
        ]
        sending = [
            asyncio.create_task(_send(system, rows))
            for system, rows in zip(systems, told, strict=True)
        ]
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.5, 4.0))
            if all(task.done() for task in sending):
                break
            await asyncio.to_thread(hub.kill, random.choice([*ports]))
        await asyncio.gather(*sending)
    tries = sum(system.tries for system in systems)
    assert tries > sum(len(life) for rows in told for life in rows), "no call met a kill"
    verdicts = await hub.settle()
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    await asyncio.to_thread(until, lambda: ready(hub))
    wanted = figures(life for rows in told for life in rows)
    await asyncio.to_thread(until, lambda: counted(hub, wanted) == wanted, 30)


async def _send(system: OpenCps, told: list[list[Row]]) -> None:
    """Rows by turns. What is given up is put into the queue again by somebody at the system."""
    for number in range(max(map(len, told))):
        rows = [life[number] for life in told if number < len(life)]
        for _ in range(TIMES):
            await system.send(rows)
            assert system.lost == []
            rows, system.given_up = system.given_up, []
        assert rows == [], "the gateway did not come back"
