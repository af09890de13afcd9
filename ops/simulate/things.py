"""Stories of things: every decided fact is written down twice, as the event that agencies report
and as a plain fact for the truth.

The truth (`truth.py`) is counted from the plain facts alone, never from events or the hub's own
rules in code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from random import Random
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from schemas.events import Event

FOREVER = 1 << 62
_Value = TypeVar("_Value")
_occurred = attrgetter("occurred")


class ReportedEvent(NamedTuple):
    """An event, and when it is reported (epoch ms)."""

    at: int
    event: Event


class StatedFact(NamedTuple, Generic[_Value]):
    """Something that happened, and when the hub is told of it (epoch ms)."""

    occurred: int
    reported: int
    value: _Value


class FactGroup(list[StatedFact[_Value]]):
    """Facts of one group about a thing, in the order in which they were first told, and what was
    said of each since.
    """

    # by the index of the fact, seldom: what was said of it later, of which the last that is known
    # is true; None: it never happened
    _versions: dict[int, list[StatedFact[_Value | None]]] | None = None

    def add(self, occurred: int, reported: int, value: _Value) -> None:
        """One more fact."""
        self.append(StatedFact(occurred, reported, value))

    def put_right(self, index: int, occurred: int, reported: int, value: _Value | None) -> None:
        """Say a fact anew, as a whole; None: it never happened."""
        if self._versions is None:
            self._versions = {}
        version = StatedFact(occurred, reported, value)
        self._versions.setdefault(index % len(self), []).append(version)

    def was_put_right(self, index: int) -> bool:
        """Whether anything was said of a fact since."""
        return self._versions is not None and index in self._versions

    def at(self, index: int, before: int = FOREVER) -> StatedFact[_Value] | None:
        """A fact as it was put right by what was reported before an instant; None if it was not, or
        never happened.
        """
        for version in reversed((self._versions or {}).get(index, [])):
            if version.reported < before:
                occurred, reported, value = version
                return None if value is None else StatedFact(occurred, reported, value)
        fact = self[index]
        return fact if fact.reported < before else None

    @property
    def last(self) -> StatedFact[_Value] | None:
        """The fact that was told last, as it was put right."""
        return self.at(len(self) - 1) if self else None

    def known(self, before: int = FOREVER) -> list[StatedFact[_Value]]:
        """What is true of them by what was reported before an instant, in the order told."""
        if self._versions is None:
            return [fact for fact in self if fact.reported < before]
        all_ = (self.at(index, before) for index in range(len(self)))
        return [fact for fact in all_ if fact is not None]


class Teller(Protocol):
    """How facts reach the hub."""

    backfill: bool

    def event_id(self) -> str:
        """A fresh id."""

    def delay(self, agency: str) -> int:
        """Milliseconds between a fact and the agency's report of it."""


class PromptTeller:
    """Reports at once: what is late was decided before it is told."""

    def __init__(self, rng: Random, *, backfill: bool = False) -> None:
        self.rng = rng
        self.backfill = backfill

    def event_id(self) -> str:
        """A fresh id."""
        return fresh_id(self.rng)

    def delay(self, agency: str) -> int:
        """None."""
        return 0


def fresh_id(rng: Random) -> str:
    """An id shaped like a UUID, from the seeded generator."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def latest(facts: Sequence[StatedFact[_Value]]) -> StatedFact[_Value] | None:
    """The fact that occurred last."""
    if len(facts) > 1:
        return max(facts, key=_occurred)
    return facts[0] if facts else None


def latest_value(facts: Iterable[StatedFact[_Value]], before: int) -> _Value | None:
    """The value of the fact that occurred last among those reported before an instant."""
    fact = latest([fact for fact in facts if fact.reported < before])
    return fact.value if fact else None


class SimulatedThing:
    """The facts about one thing, told as events of a source. `origin` is that source."""

    __slots__ = ("events", "source", "teller", "thing_id")
    origin: ClassVar[str] = ""

    def __init__(self, thing_id: str, teller: Teller, source: str = "") -> None:
        self.thing_id = thing_id
        self.teller = teller
        self.source = source or self.origin
        self.events: list[ReportedEvent] = []

    @property
    def newest(self) -> Event:
        """The event of the fact that was stated last."""
        return self.events[-1].event

    def tell(
        self,
        event: type[Event],
        at: int,
        agency: str,
        *,
        source: str = "",
        floor: int = 0,
        told_at: int = 0,
        **fields: Any,
    ) -> int:
        """Write the event down; returns when it is reported: at `told_at` if that is given, else
        never before `floor`.
        """
        reported = told_at or max(at + self.teller.delay(agency), floor)
        told = event(
            event_id=self.teller.event_id(),
            source=source or self.source,
            agency=agency,
            occurred_at=at,
            backfill=self.teller.backfill,
            **{event.key: self.thing_id},
            **fields,
        )
        self.events.append(ReportedEvent(reported, told))
        return reported
