"""Gateway and broker are killed under load: what got a 202 is counted, exactly once, whatever was
sent again.
"""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from harness import FREEZE, Hub
from load import Load, known_dossiers, things


def thaw_later(pid: int) -> None:
    """Freeze a process for longer than the session timeout, without waiting."""
    os.kill(pid, signal.SIGSTOP)
    asyncio.get_running_loop().call_later(FREEZE, os.kill, pid, signal.SIGCONT)


@pytest.mark.faults
async def test_what_got_a_202_is_counted_once(hub: Hub) -> None:
    """The gateway is killed and frozen, the broker killed, a worker killed; clients send again what
    was not accepted.
    """
    hub.service("gateway", "gateway")
    for name in ("worker-1", "worker-2"):
        hub.service(name, "worker")
    async with Load(hub) as load:
        await asyncio.sleep(5)
        hub.kill("gateway")
        await asyncio.sleep(3)
        await asyncio.to_thread(kill_broker, hub)
        await asyncio.sleep(3)
        gateway = hub.services["gateway"].process
        assert gateway is not None
        thaw_later(gateway.pid)
        hub.kill("worker-1")
        await load.until_accepted(100)
    assert max(load.attempts) > 1, "no batch met a fault, so nothing was tested"
    verdicts = await hub.settle()
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    assert await known_dossiers(hub) == load.dossiers
    assert things(verdicts) == len(load.dossiers)


def kill_broker(hub: Hub) -> None:
    """kill -9 of Kafka, and start it again on its data."""
    pid = hub.broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    hub.broker.wait()
    hub.broker.stop()  # lets go of its folder
    hub.broker.start()
