"""How the packets' door is, for Prometheus: what each metric means and what to do about it. Drives
/metrics and the docs.
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from connectors.packets.keeping import PacketsTaken
from serving.telemetry import Metric

_ANSWERS = Metric(
    "lgsp_gateway_packets_total",
    "counter",
    ("service", "answer"),
    "Requests of one-stop systems by service (login too) and answer: done, items (some were"
    " refused), or the kind of refusal.",
    "Many but done: docs/packets.md says what each means; `lgsp quarantine list` what was refused.",
)
_FACTS = Metric(
    "lgsp_gateway_packet_facts_total",
    "counter",
    ("type",),
    "Facts that packets came to, acknowledged by all in-sync replicas, by event type.",
    "A type that stands still in office hours: ask the agencies' systems.",
)
PACKET_METRICS = (_ANSWERS, _FACTS)


class PacketTally:
    """The metrics of one door, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = _ANSWERS.counter(self.registry)
        self._facts = _FACTS.counter(self.registry)

    def answered(self, service: str, answer: str) -> None:
        """One more answer. Only words of the hub's own come here."""
        self._answers.labels(service, answer).inc()

    def took(self, taken: PacketsTaken) -> None:
        """What a request came to."""
        for kind, count in Counter(event.type for event in taken.events).items():
            self._facts.labels(kind).inc(count)

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry).decode()
