"""The hub's own heartbeat: the newest one of each partition, so that its age is the freshness of everything behind it."""

from __future__ import annotations

from schemas.states import Heartbeat
from streams.families.base import ALL, Contribution, Family, Fields


def heartbeat(state: Heartbeat, fields: Fields, _: int) -> None:
    """The newest stays."""
    state.occurred_at = max(state.occurred_at, fields["occurred_at"])


def counts(state: Heartbeat, _parts: int = ALL) -> list[Contribution]:
    """One cell; its only measure is the time itself, one per Kafka partition."""
    return [(b"heartbeats|beat|hub|-|0", (), ((0, state.occurred_at),))] if state.occurred_at else []


FAMILY = Family(name="heartbeats", version=1, state=Heartbeat, merges={"hub.heartbeat": heartbeat}, counts=counts, recounted=False)
