"""The connections of one server: how many there may be, which one makes room, how long each may
take; and what every limit met.

A connection that waits for its client (nothing asked yet, half a head, half a body, idle between
requests) makes room for a new one when there is none left, the one that waits longest first. So a
crowd that keeps connections open and says nothing keeps out nobody who asks at once.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol, get_args

from prometheus_client import CollectorRegistry, generate_latest

from serving.telemetry import Metric

log = logging.getLogger(__name__)

# of the descriptors that a process may have: for Kafka, SQLite and the rest of what it opens
KEPT_FILES = 128
MOST_FILES = 1 << 16
# of answers that wait in memory for their clients, of all connections together
UNSENT_BYTES = 64 << 20
LOG_SECONDS = 60.0
AT_ONCE = 4  # requests sent ahead that begin in one turn of the loop

LimitName = Literal[
    "connections", "evicted", "head_size", "head_time", "no_http", "pipelined", "unread"
]
WORDS: dict[LimitName, str] = {
    "connections": "there was no room for another connection",
    "evicted": "a connection that waited for its client made room for another",
    "head_size": "a request's head was too large",
    "head_time": "a request did not arrive in time",
    "no_http": "something came that is not HTTP",
    "pipelined": "requests were sent before the one in front was answered, and waited",
    "unread": "an answer was not read, and its connection closed",
}


_LIMITED = Metric(
    "lgsp_http_limited_total",
    "counter",
    ("reason",),
    "Connections and requests that met a limit of the server: "
    + ", ".join(f"`{reason}`" for reason in get_args(LimitName))
    + ".",
    "A rise: the log names the address; mend or block that client. connections: raise"
    " LGSP_CONNECTIONS if the clients are honest.",
)
_OPEN = Metric(
    "lgsp_http_connections",
    "gauge",
    (),
    "Open connections to this port.",
    "Near lgsp_http_connections_limit for minutes: clients open one a request, or somebody holds"
    " them open.",
)
_LIMIT = Metric(
    "lgsp_http_connections_limit",
    "gauge",
    (),
    "Most connections at once: LGSP_CONNECTIONS, less where the process may open few files.",
    "Less than LGSP_CONNECTIONS: raise the process's limit of open files (ulimit -n).",
)
CONNECTION_METRICS = (_LIMITED, _OPEN, _LIMIT)


class Connection(Protocol):
    """What the connections need of one."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    @property
    def unsent(self) -> int:
        """Bytes of its answer that wait for the client."""

    def check(self, now: float) -> None:
        """End if the client took too long."""

    def drop(self) -> None:
        """End at once, whatever is under way."""


class Connections:
    """All of one server. `wanted` are the most at once; there are fewer where the process may not
    open so many files.
    """

    def __init__(
        self, wanted: int, files: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        files = raise_open_files() if files is None else files
        self.limit = most(wanted, files)
        # accepted in one go, before any can be refused
        self.backlog = max(16, min(1024, files - self.limit))
        self.clock = clock
        self._open: set[Connection] = set()
        # those that wait for their clients, in order of since when
        self._waiting: dict[Connection, None] = {}
        # connections whose next request was sent ahead
        self._turns: deque[Callable[[], None]] = deque()
        self._turning = False
        self._said: dict[LimitName, tuple[float, int]] = {}  # when, and how often since
        self.registry = CollectorRegistry()
        self.limited = _LIMITED.counter(self.registry)
        for reason in get_args(LimitName):
            self.limited.labels(reason)
        _OPEN.gauge(self.registry).set_function(lambda: len(self._open))
        _LIMIT.gauge(self.registry).set(self.limit)

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    def enter(self, connection: Connection) -> bool:
        """Whether there is room for it, which another may have had to make."""
        if len(self._open) >= self.limit and not self._make_room():
            self.met("connections", connection.address)
            return False
        self._open.add(connection)
        self.waits(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)
        self.goes_on(connection)

    def waits(self, connection: Connection) -> None:
        """From now on it waits for its client."""
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._waiting[connection] = None

    def goes_on(self, connection: Connection) -> None:
        """It no longer waits for its client."""
        self._waiting.pop(connection, None)

    def in_turn(self, go_on: Callable[[], None]) -> None:
        """Go on with a request that was sent ahead, soon.

        The loop accepts one connection a turn. If all of a crowd that sends ahead went on at once,
        turns would be long, and who comes anew would wait for as many of them as there are before
        it.
        """
        self._turns.append(go_on)
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(min(AT_ONCE, len(self._turns))):
            loop.call_soon(self._turns.popleft())
        self._turning = bool(self._turns)
        if self._turning:
            loop.call_soon(self._turn)

    def sweep(self) -> None:
        """End those whose clients take too long; where unread answers fill the memory, those that
        have most of it.
        """
        now = self.clock()
        for connection in list(self._open):
            connection.check(now)
        unsent = sorted(((one.unsent, id(one), one) for one in self._open), reverse=True)
        total = sum(size for size, _, _ in unsent)
        for size, _, connection in unsent:
            if total <= UNSENT_BYTES:
                break
            total -= size
            self.met("unread", connection.address)
            connection.drop()

    def met(self, reason: LimitName, address: str) -> None:
        """Count that a limit was met, and say so, but seldom."""
        self.limited.labels(reason).inc()
        now = self.clock()
        when, since = self._said.get(reason, (now - LOG_SECONDS, 0))
        if now - when < LOG_SECONDS:
            self._said[reason] = when, since + 1
            return
        self._said[reason] = now, 0
        more = f" (and {since:,} times more since this was last said)" if since else ""
        # which honest clients may do too
        level = logging.INFO if reason == "pipelined" else logging.WARNING
        log.log(
            level,
            "From %s: %s%s; lgsp_http_limited_total counts them.",
            address,
            WORDS[reason],
            more,
        )

    def _make_room(self) -> bool:
        longest = next(iter(self._waiting), None)
        if longest is None:
            return False
        self.met("evicted", longest.address)
        self.leave(longest)
        longest.drop()
        return True


def raise_open_files() -> int:
    """Let this process open as many files as it is allowed to; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    # some systems allow less than they say, and some containers no change at all
    except (ValueError, OSError):
        return soft
    return wanted


def most(wanted: int, files: int) -> int:
    """The most connections of a process that may open so many files."""
    return max(1, min(wanted, max(files - KEPT_FILES, files // 2)))
