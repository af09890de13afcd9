"""How a process says which space it is of: a header of every answer over HTTP, and a metric."""

from __future__ import annotations

from serving.telemetry import Metric

SPACE_HEADER = "LGSP-Space"
SPACE = Metric(
    "lgsp_space_info",
    "gauge",
    ("space",),
    "1 under the name of the space that the process is of: official, simulated or another.",
    "Two names in one Prometheus: graphs mix real and made-up figures; give each space its own.",
)
