"""How far what follows topics is, as people and machines are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a follower is. `ready`: everything that stood in Kafka when it began is in its
    store.
    """

    ready: bool = False
    percent: float = 0.0
    lag: int | None = None  # records not yet applied; None: not known (no Kafka)
    partitions: int = 0  # of its topics; 0: not known yet
    doing: str = "waiting for Kafka"
