"""When clients' keys end, as Prometheus is told: in time to make new ones."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest

from schemas.clock import now_ms
from serving.access.audit import AUDIT_METRICS
from serving.access.clients import Client
from serving.telemetry import Metric

KEY_EXPIRY = Metric(
    "lgsp_client_key_expiry_seconds",
    "gauge",
    ("client",),
    "Time until the first of a client's valid keys ends; less than 0 where all have ended. No"
    " sample of a client that is revoked or has no keys, nor while access is open.",
    "Below 30 days: `lgsp client rotate`, and give the client its new key before the old one ends.",
)
ACCESS_METRICS = (KEY_EXPIRY, *AUDIT_METRICS)


def expiry_text(clients: Iterable[Client], now: int | None = None) -> str:
    """The metric in Prometheus' text format at an instant (epoch ms), of now unless told."""
    registry, at = CollectorRegistry(), now_ms() if now is None else now
    gauge = KEY_EXPIRY.gauge(registry)
    for client in clients:
        if (seconds := client.ends_in(at)) is not None:
            gauge.labels(client.name).set(seconds)
    return generate_latest(registry).decode()
