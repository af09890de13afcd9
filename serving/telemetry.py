"""How each metric of the hub's processes is declared: what it means, and what to do about it.

Declarations make the metrics of the client library (or a text, where a scrape has to be quick) and
docs/metrics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's declaration. `do`: what an operator does when it is not as it should be.

    `buckets` are the upper bounds of a histogram's classes, in its unit.
    """

    name: str
    type: Literal["counter", "gauge", "histogram", "summary"]
    labels: tuple[str, ...]
    means: str
    do: str
    buckets: tuple[float, ...] = ()

    @property
    def help(self) -> str:
        """The help text of the client library's metrics."""
        return f"{self.means} {self.do}"

    def counter(self, registry: CollectorRegistry = REGISTRY) -> Counter:
        """The client library's counter, kept in a registry."""
        return Counter(self.name, self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry = REGISTRY) -> Gauge:
        """The client library's gauge, kept in a registry."""
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry = REGISTRY) -> Histogram:
        """The client library's histogram, kept in a registry."""
        return Histogram(self.name, self.help, self.labels, registry=registry, buckets=self.buckets)
