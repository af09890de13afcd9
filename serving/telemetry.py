"""How a metric that prometheus_client keeps is declared: what it means, and what to do about it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A metric's declaration."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    means: str
    do: str

    @property
    def help(self) -> str:
        """The help text in /metrics."""
        return f"{self.means} {self.do}"
