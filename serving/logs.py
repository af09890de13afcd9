"""How every process of the hub logs: one line a message to stderr; and while Kafka is away one line
says so, not thousands.

aiokafka repeats itself at every attempt, a hundred times a second. What it and the hub's own
attempts say (`repeats`) is held back until Kafka was asked. If it does not answer, absence.py has
said that already; if it does, the message is told once it has lasted, and then seldom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from logging.config import dictConfig
from typing import Any, NamedTuple

from schemas.settings import Settings
from serving.absence import Absence

FIRST_SECONDS, LONGEST_SECONDS = 10.0, 600.0
# what single connections are told: counted and said once a minute by the server itself
CLIENTS = "uvicorn.error.requests"
_FORGOTTEN_SECONDS = 60.0  # without being heard
# as `extra` of a log call: it says so at every attempt
REPEATS: dict[str, object] = {"repeats": True}


def set_up(settings: Settings, name: str, *, aiokafka: str = "WARNING") -> None:
    """Log as this process, whose `name` its lines bear. `aiokafka`: the least severe of its
    messages to be considered.
    """
    dictConfig(configuration(settings, name, aiokafka=aiokafka))


def configuration(settings: Settings, name: str, *, aiokafka: str = "WARNING") -> dict[str, Any]:
    """The same, for those who call `logging.config.dictConfig` themselves."""
    quiet = {
        "faust": "WARNING",
        "mode": "WARNING",
        "asyncio": "WARNING",
        "aiokafka": aiokafka,
        # named here, since a configuration resets what it does not name below `uvicorn`
        "uvicorn": "WARNING",
        CLIENTS: "ERROR",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s"}
        },
        "filters": {"held": {"()": Held, "absence": Absence.of(settings)}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["held"]}
        },
        "root": {"level": settings.log_level, "handlers": ["stderr"]},
        "loggers": {logger: {"level": level} for logger, level in quiet.items()},
    }


class _Repetition(NamedTuple):
    """Of the same thing: when it was last heard, until when it is not said, for how long then, and
    how often it was left out.
    """

    heard: float
    until: float
    seconds: float
    left_out: int


class Seldom:
    """The same thing once it has lasted, then at most once in so many seconds, each time twice as
    long, with how often it was left out.

    What mends itself sooner is not said: a group that is being made has no coordinator for a
    moment. An exception is said at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, object], _Repetition] = {}

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether it is said; it then tells how often it was left out."""
        what, now = (record.name, record.msg), self._clock()
        last = self._last.get(what)
        if last is None or now - last.heard > _FORGOTTEN_SECONDS:
            until = now if record.exc_info else now + FIRST_SECONDS
            last = _Repetition(now, until, FIRST_SECONDS, 0)
        if now < last.until:
            self._last[what] = last._replace(heard=now, left_out=last.left_out + 1)
            return False
        longer = min(2 * last.seconds, LONGEST_SECONDS)
        self._last[what] = _Repetition(now, now + last.seconds, longer, 0)
        if last.left_out:
            record.msg = f"{record.msg} (and {last.left_out:,} more like it)"
        return True


class Held(logging.Filter):
    """For a handler: holds back what repeats itself until it is known whether Kafka answers."""

    def __init__(self, absence: Absence, seldom: Seldom | None = None) -> None:
        super().__init__()
        self._absence, self._seldom = absence, seldom or Seldom()
        self._waiting: dict[tuple[str, object], logging.LogRecord] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said now; what is held is said later, or never."""
        if record.threadName == Absence.THREAD and not hasattr(record, "looked_at"):
            return record.name == Absence.LOGGER  # not what aiokafka says of its question
        if record.levelno < logging.WARNING or not _repeats(record):
            return True
        if getattr(record, "looked_at", False):
            return self._seldom.admits(record)
        with self._lock:
            self._waiting.setdefault((record.name, record.msg), record)
        self._absence.suspect(self._settle)
        return False

    def _settle(self, away: bool) -> None:
        """Kafka was asked: say what was held if it is not away."""
        with self._lock:
            waiting, self._waiting = [*self._waiting.values()], {}
        for record in () if away else waiting:
            record.looked_at = True
            logging.getLogger(record.name).handle(record)


def _repeats(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "aiokafka" or getattr(record, "repeats", False)
