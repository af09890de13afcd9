"""The hub's own heartbeat: when the newest one of each partition was heard, so that its age is the
freshness of everything behind it.

Heard by the broker: a gateway whose clock runs ahead would otherwise make everything look fresh
until its time has come.
"""

from __future__ import annotations

from schemas.states import Heartbeat
from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family


def heartbeat(state: Heartbeat, _: Fields, broker_ms: int) -> None:
    """The newest stays."""
    state.heard = max(state.heard, broker_ms)


def counts(state: Heartbeat, _parts: int = ALL) -> list[Contribution]:
    """One cell; its only measure is the time itself, one per Kafka partition."""
    return [(b"heartbeats|beat|hub|-|0", (), ((0, state.heard),))] if state.heard else []


FAMILY = Family(
    name="heartbeats",
    version=2,
    state=Heartbeat,
    merges={"hub.heartbeat": heartbeat},
    counts=counts,
    recounted=False,
    keyed=False,
)
