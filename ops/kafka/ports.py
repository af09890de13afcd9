"""TCP ports for servers of this machine."""

from __future__ import annotations

import random
import socket

from schemas.errors import EnvironmentBroken
from schemas.listening import LOOPBACK

_QUIET = range(15_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nobody listens on just now; not twice the same.

    It is below those that the kernel gives to clients. One of those could be given to a client that
    tries to reach the very broker that is away: it would then reach itself, and the broker could
    not come back.
    """
    for port in random.sample(_QUIET, len(_QUIET)):
        if port not in _given and _can_be_had(port):
            _given.add(port)
            return port
    raise EnvironmentBroken("No TCP port from 15,000 to 32,000 is free: what runs on this machine?")


def _can_be_had(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
