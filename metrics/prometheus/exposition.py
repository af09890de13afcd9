"""The text format that metrics are told in: Prometheus' exposition format 0.0.4.

It is written here rather than by the client library because a scrape holds some ten thousand
samples and is part of the time until a fact is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from serving.telemetry import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def head(metric: Metric) -> str:
    """The two lines in front of a metric's samples."""
    return f"# HELP {metric.name} {metric.means}\n# TYPE {metric.name} {metric.type}\n"


def sample(metric: Metric, values: Sequence[str], number: float, suffix: str = "") -> str:
    """One line: `values` are those of the labels."""
    return f"{metric.name}{suffix}{labelled(metric.labels, values)} {written(number)}\n"


def labelled(names: Sequence[str], values: Sequence[str]) -> str:
    """The labels in braces, escaped."""
    if not names:
        return ""
    return (
        "{"
        + ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, values, strict=True))
        + "}"
    )


def written(number: float) -> str:
    """A number as the format wants it."""
    return "+Inf" if number == inf else repr(number)


def escaped(value: str) -> str:
    """A label's value as the format wants it."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def block(metric: Metric, samples: Iterable[tuple[Sequence[str], float | None]]) -> str:
    """A metric's head and samples; nothing for a number that is None, nor a head without
    samples.
    """
    lines = [sample(metric, values, number) for values, number in samples if number is not None]
    return head(metric) + "".join(lines) if lines else ""


def summary(metric: Metric, samples: Iterable[tuple[Sequence[str], int, float]]) -> str:
    """A summary's head and, for each (labels, count, sum), its two samples."""
    lines = [
        sample(metric, values, count, "_count") + sample(metric, values, total, "_sum")
        for values, count, total in samples
    ]
    return head(metric) + "".join(lines) if lines else ""
