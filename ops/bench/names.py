"""What can be measured, and at which size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

WHOLE_JOB_EVENTS = 1_300_000  # of the whole job: a year of a small province, its documents included
MEASUREMENTS: dict[str, str] = {
    "job": "whole job of one worker, beside plain decoding",
    "takeover": "load of the books of a million dossiers, and their memory",
    "failover": "a worker killed, until another one goes on",
    "gateway": "events taken in over HTTP on one core",
    "packets": "dossiers of one-stop systems taken in on one core, and looked up",
    "latency": "from accepted to visible in the API and /metrics",
    "api": "figures, lists and /metrics of a whole province's year over HTTP",
    "soak": "half an hour under a steady stream: what grows with time",
}
ASKED_FOR = frozenset({"soak"})  # measured only where it is named


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. The figures of the README are those of the whole scale."""

    events: int  # of the whole job
    books: int  # dossiers of the take-over
    history: int  # events in the books of the fail-over
    kills: int
    gateway_events: int
    packets: int  # dossiers that one-stop systems send
    looked_up: int  # of those
    probes: int
    warm: float  # seconds of load before them
    province: int  # dossiers of the year that the API tells
    asked: int  # answers with every indicator
    held: int  # events that the hub holds when the soak begins
    soak: float  # seconds of it

    @classmethod
    def of(cls, events: int) -> Self:
        """The scale that belongs to so many events of the whole job; from `WHOLE_JOB_EVENTS` on the
        whole one.
        """
        share = min(1.0, events / WHOLE_JOB_EVENTS)
        return cls(
            events=events,
            books=max(600, round(1_000_000 * share)),
            history=max(500, round(100_000 * share)),
            kills=max(1, round(3 * share)),
            gateway_events=max(1_000, round(200_000 * share)),
            packets=max(200, round(20_000 * share)),
            looked_up=max(20, round(1_000 * share)),
            probes=max(10, round(150 * share) * 2),
            warm=60 * share,
            province=max(300, round(300_000 * share)),
            asked=max(2, round(200 * share)),
            held=round(900_000 * share),
            soak=max(3, 1_800 * share),
        )

    @property
    def whole(self) -> bool:
        """Whether the figures may be held against what is needed."""
        return self.events >= 1_000_000
