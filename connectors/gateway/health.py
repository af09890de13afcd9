"""The gateway's own health: what each metric means and what to do about it. Drives /metrics and the
docs.
"""

from __future__ import annotations

from math import nan

from prometheus_client import CollectorRegistry, Counter, generate_latest

from schemas.clock import now_ms
from schemas.spaces import is_sandbox
from serving.spaces import SPACE
from serving.telemetry import Metric

_REQUESTS = Metric(
    "lgsp_gateway_requests_total",
    "counter",
    ("status",),
    "Requests to POST /v1/events by HTTP status.",
    "Many 503: look at Kafka; many 4xx: see lgsp_gateway_refused_total.",
)
_EVENTS = Metric(
    "lgsp_gateway_events_total",
    "counter",
    ("type",),
    "Events acknowledged by all in-sync replicas, by event type.",
    "A type that stands still in office hours: ask the agencies' systems.",
)
_SANDBOX_EVENTS = Metric(
    "lgsp_gateway_sandbox_events_total",
    "counter",
    ("type",),
    "Events of clients in the sandbox acknowledged by all in-sync replicas, by event type.",
    "Rising for weeks: somebody tries, and is not live; `lgsp client list` tells who.",
)
_REFUSED = Metric(
    "lgsp_gateway_refused_total",
    "counter",
    ("reason",),
    "Errors in refused items, and refused requests, by kind of error.",
    "A rise: `lgsp quarantine list` names source and reason; have its messages mended.",
)
_PERSONAL_NUMBERS = Metric(
    "lgsp_gateway_personal_numbers_total",
    "counter",
    ("done",),
    "Events of which an id or a reference looks like a citizen's number or a phone, warned"
    " of or refused.",
    "Above 0: have the source send its own codes; what is in already stays (docs/privacy.md).",
)
_CLIENT_REQUESTS = Metric(
    "lgsp_gateway_client_requests_total",
    "counter",
    ("client", "verdict"),
    "Requests by client and what became of them: accepted, refused, unknown, not_allowed,"
    " over_limit, unavailable. unknown is also the client of who did not say who it is, anybody"
    " that of open access.",
    "Many not_allowed: compare `lgsp client show` with what it sends; many over_limit: have it send"
    " slower, or raise its limits.",
)
CLIENTS_BY_STAGE = "lgsp_gateway_clients"
_CLIENTS = Metric(
    CLIENTS_BY_STAGE,
    "gauge",
    ("stage",),
    "Clients that are registered and not revoked, where access is required: sandbox (nothing of"
    " them is official), moving (they leave it, and get 503), live.",
    "moving for minutes: its `lgsp client live … --keep` stopped; run it again, it goes on.",
)
_PUBLISH_SECONDS = Metric(
    "lgsp_gateway_publish_seconds",
    "histogram",
    (),
    "Time from a parsed request until all its events are acknowledged.",
    "p99 above 0.3 s: the brokers' disks or the network are slow, or replicas are out of sync.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_BUFFER_BYTES = Metric(
    "lgsp_gateway_buffer_bytes",
    "gauge",
    (),
    "Bytes of requests and records in memory, of 2 x LGSP_PUBLISH_BUFFER.",
    "Near the bound: callers wait; Kafka is slow or the load is greater than one gateway carries.",
)
_WAITING_REQUESTS = Metric(
    "lgsp_gateway_waiting_requests",
    "gauge",
    (),
    "Requests that wait for room in the buffer.",
    "Above 0 for minutes: start another gateway, or look at Kafka.",
)
_KAFKA_UP = Metric(
    "lgsp_gateway_kafka_up",
    "gauge",
    (),
    "1 while Kafka acknowledges, 0 while it is away.",
    "0: every request gets 503; bring the brokers back, the gateway goes on by itself.",
)
_TOPIC_UP = Metric(
    "lgsp_gateway_topic_up",
    "gauge",
    ("topic",),
    "1 while a topic can be written, 0 while it is missing or refuses.",
    "0: requests that write to it get 503, others go on; the gateway's log says what is"
    " wrong with the topic.",
)
_UNKEPT = Metric(
    "lgsp_gateway_unkept_total",
    "counter",
    (),
    "Refused items and bodies not kept: lgsp.quarantine can't be written, or they are more"
    " than LGSP_QUARANTINE_RATE.",
    "Above 0: their senders were told, but nobody else can look at them; see"
    " lgsp_gateway_topic_up, then who sends them.",
)
_UNVAULTED = Metric(
    "lgsp_gateway_unvaulted_total",
    "counter",
    (),
    "Refused items and bodies that are noted, but not kept whole: lgsp.vault can't be written, the"
    " master key's file is gone, or they are more than LGSP_QUARANTINE_RATE.",
    "Above 0: those can't be replayed, their senders have to send them again; see"
    " lgsp_gateway_topic_up and the gateway's log.",
)
_WAITING_ENTRIES = Metric(
    "lgsp_quarantine_waiting_entries",
    "gauge",
    (),
    "Entries of the quarantine that wait and whose originals were kept, as of the last ten minutes"
    " or so.",
    "Many: `lgsp quarantine list --state waiting` names sources and reasons.",
)
_WAITING_SECONDS = Metric(
    "lgsp_quarantine_waiting_seconds",
    "gauge",
    (),
    "How long the oldest of them waits; 0 where none does. NaN until they were counted once.",
    "Above 7 days: its original goes after 14; have it mended and replay it, or drop it.",
)
GATEWAY_METRICS = (
    _REQUESTS,
    _EVENTS,
    _SANDBOX_EVENTS,
    _REFUSED,
    _PERSONAL_NUMBERS,
    _CLIENT_REQUESTS,
    _CLIENTS,
    _PUBLISH_SECONDS,
    _BUFFER_BYTES,
    _WAITING_REQUESTS,
    _KAFKA_UP,
    _TOPIC_UP,
    _UNKEPT,
    _UNVAULTED,
    _WAITING_ENTRIES,
    _WAITING_SECONDS,
)


_VERDICTS = {401: "unknown", 403: "not_allowed", 429: "over_limit"}


def verdict(status: int) -> str:
    """What became of a request, by its HTTP status."""
    if status < 300:
        return "accepted"
    return _VERDICTS.get(status) or ("refused" if status < 500 else "unavailable")


class Health:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = _REQUESTS.counter(self.registry)
        self.events = _EVENTS.counter(self.registry)
        self.sandbox_events = _SANDBOX_EVENTS.counter(self.registry)
        self.refused = _REFUSED.counter(self.registry)
        self.personal_numbers = _PERSONAL_NUMBERS.counter(self.registry)
        self.client_requests = _CLIENT_REQUESTS.counter(self.registry)
        self.clients = _CLIENTS.gauge(self.registry)
        self.publish_seconds = _PUBLISH_SECONDS.histogram(self.registry)
        self.buffer_bytes = _BUFFER_BYTES.gauge(self.registry)
        self.waiting_requests = _WAITING_REQUESTS.gauge(self.registry)
        self.kafka_up = _KAFKA_UP.gauge(self.registry)
        self.topic_up = _TOPIC_UP.gauge(self.registry)
        self.unkept = _UNKEPT.counter(self.registry)
        self.unvaulted = _UNVAULTED.counter(self.registry)
        self._waiting_entries = _WAITING_ENTRIES.gauge(self.registry)
        self._waiting_entries.set(nan)
        self._oldest: int | None = None
        self._counted = False
        _WAITING_SECONDS.gauge(self.registry).set_function(self._waiting_seconds)
        self.space = SPACE.gauge(self.registry)

    def events_of(self, space: str) -> Counter:
        """Where acknowledged events of a space are counted: tried ones are no real ones."""
        return self.sandbox_events if is_sandbox(space) else self.events

    def waiting(self, entries: int, oldest: int | None) -> None:
        """So many entries wait, the oldest since an instant (epoch ms)."""
        self._waiting_entries.set(entries)
        self._oldest, self._counted = oldest, True

    def _waiting_seconds(self) -> float:
        if not self._counted:
            return nan
        return 0.0 if self._oldest is None else max(0.0, (now_ms() - self._oldest) / 1000)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
