"""The gateway's own health, as one table: what each metric means and what to do about it. Drives
/metrics and the docs.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from serving.telemetry import Metric

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "lgsp_gateway_requests_total",
            "counter",
            ("status",),
            "Requests to POST /v1/events by HTTP status.",
            "Many 503: look at Kafka; many 4xx: see lgsp_gateway_refused_total.",
        ),
        Metric(
            "lgsp_gateway_events_total",
            "counter",
            ("type",),
            "Events acknowledged by all in-sync replicas, by event type.",
            "A type that stands still in office hours: ask the agencies' systems.",
        ),
        Metric(
            "lgsp_gateway_refused_total",
            "counter",
            ("reason",),
            "Errors in refused items, and refused requests, by kind of error.",
            "A rise: `lgsp quarantine list` names source and reason; have its messages mended.",
        ),
        Metric(
            "lgsp_gateway_personal_numbers_total",
            "counter",
            ("done",),
            "Events of which an id or a reference looks like a citizen's number or a phone, warned"
            " of or refused.",
            "Above 0: have the source send its own codes; what is in already stays"
            " (docs/privacy.md).",
        ),
        Metric(
            "lgsp_gateway_publish_seconds",
            "histogram",
            (),
            "Time from a parsed request until all its events are acknowledged.",
            "p99 above 0.3 s: the brokers' disks or the network are slow, or replicas are out of"
            " sync.",
        ),
        Metric(
            "lgsp_gateway_buffer_bytes",
            "gauge",
            (),
            "Bytes of requests and records in memory, of 2 x LGSP_PUBLISH_BUFFER.",
            "Near the bound: callers wait; Kafka is slow or the load is greater than one gateway"
            " carries.",
        ),
        Metric(
            "lgsp_gateway_waiting_requests",
            "gauge",
            (),
            "Requests that wait for room in the buffer.",
            "Above 0 for minutes: start another gateway, or look at Kafka.",
        ),
        Metric(
            "lgsp_gateway_kafka_up",
            "gauge",
            (),
            "1 while Kafka acknowledges, 0 while it is away.",
            "0: every request gets 503; bring the brokers back, the gateway goes on by itself.",
        ),
        Metric(
            "lgsp_gateway_topic_up",
            "gauge",
            ("topic",),
            "1 while a topic can be written, 0 while it is missing or refuses.",
            "0: requests that write to it get 503, others go on; the gateway's log says what is"
            " wrong with the topic.",
        ),
        Metric(
            "lgsp_gateway_unkept_total",
            "counter",
            (),
            "Refused items and bodies not kept: lgsp.quarantine can't be written, or they are more"
            " than LGSP_QUARANTINE_RATE.",
            "Above 0: their senders were told, but nobody else can look at them; see"
            " lgsp_gateway_topic_up, then who sends them.",
        ),
    )
}


class Health:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("lgsp_gateway_requests_total")
        self.events = self._counter("lgsp_gateway_events_total")
        self.refused = self._counter("lgsp_gateway_refused_total")
        self.personal_numbers = self._counter("lgsp_gateway_personal_numbers_total")
        declared = METRICS["lgsp_gateway_publish_seconds"]
        self.publish_seconds = Histogram(
            declared.name, declared.help, registry=self.registry, buckets=_SECONDS
        )
        self.buffer_bytes = self._gauge("lgsp_gateway_buffer_bytes")
        self.waiting_requests = self._gauge("lgsp_gateway_waiting_requests")
        self.kafka_up = self._gauge("lgsp_gateway_kafka_up")
        self.topic_up = self._gauge("lgsp_gateway_topic_up")
        self.unkept = self._counter("lgsp_gateway_unkept_total")

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str) -> Counter:
        declared = METRICS[name]
        return Counter(declared.name, declared.help, declared.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        declared = METRICS[name]
        return Gauge(declared.name, declared.help, declared.labels, registry=self.registry)
