"""How every process of the hub logs: one line a message to stderr; and while Kafka is away one line says so, not thousands.

aiokafka repeats itself at every attempt, a hundred times a second. What it and the hub's own attempts say (`repeats`) is held back
until Kafka was asked: if it does not answer, absence.py has said that already; if it does, the message is told, and again only seldom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from logging.config import dictConfig
from typing import Any

from schemas.absence import Absence
from schemas.settings import Settings

FIRST_SECONDS, LONGEST_SECONDS = 10.0, 600.0
REPEATS: dict[str, object] = {"repeats": True}  # as `extra` of a log call: it says so at every attempt


def set_up(settings: Settings, name: str, *, aiokafka: str = "WARNING") -> None:
    """Log as this process, whose `name` its lines bear. `aiokafka`: the least severe of its messages to be considered."""
    dictConfig(configuration(settings, name, aiokafka=aiokafka))


def configuration(settings: Settings, name: str, *, aiokafka: str = "WARNING") -> dict[str, Any]:
    """The same, for those who call `logging.config.dictConfig` themselves."""
    quiet = {"faust": "WARNING", "mode": "WARNING", "asyncio": "WARNING", "uvicorn": "WARNING", "aiokafka": aiokafka}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s"}},
        "filters": {"held": {"()": Held, "absence": Absence.of(settings.bootstrap)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["held"]}},
        "root": {"level": settings.log_level, "handlers": ["stderr"]},
        "loggers": {logger: {"level": level} for logger, level in quiet.items()},
    }


class Seldom:
    """The same thing at most once in so many seconds, each time twice as long, and with it how often it was left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, object], tuple[float, float, int]] = {}  # when, for how long, and how often it was left out since

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether it is said; it then tells how often it was left out."""
        what, now = (record.name, record.msg), self._clock()
        when, seconds, left_out = self._said.get(what, (now, 0.0, 0))
        if now - when < seconds:
            self._said[what] = when, seconds, left_out + 1
            return False
        forgotten = not seconds or now - when > 2 * seconds
        seconds = FIRST_SECONDS if forgotten else min(2 * seconds, LONGEST_SECONDS)
        self._said[what] = now, seconds, 0
        if left_out:
            record.msg = f"{record.msg} (and {left_out:,} more like it)"
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
