"""The worker's own health, for Prometheus: one place for every metric, with what it means and what
to do.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from streams.family_state import Changes

EVENTS = Counter(
    "lgsp_worker_events_total",
    "Events applied to the books; stands still only when nothing comes in.",
    ["family"],
)
BATCHES = Counter(
    "lgsp_worker_batches_total", "Batches applied; events per batch grow under load.", ["family"]
)
TRANSACTIONS = Counter(
    "lgsp_worker_transactions_total",
    "Kafka transactions committed; each takes what waits of every family.",
)
STATES = Counter(
    "lgsp_worker_states_written_total",
    "States written: events that said something new.",
    ["family"],
)
PAGES = Counter(
    "lgsp_worker_pages_written_total", "Pages of cells written to lgsp.cells.", ["family"]
)
REFUSED = Counter(
    "lgsp_worker_refused_total",
    "Records refused because no connector wrote them so: find who writes them.",
    ["family"],
)
QUARANTINE_FAILED = Counter(
    "lgsp_worker_quarantine_failed_total",
    "Refused records that lgsp.quarantine did not take and only the log names: look at the topic.",
)
TOO_MANY = Counter(
    "lgsp_worker_too_many_total",
    "Things of which more was told of a group than counts: the log names them; find the system that"
    " does it.",
    ["family", "group"],
)
SECONDS = Histogram(
    "lgsp_worker_transaction_seconds",
    "Time to fold what waits and commit it; above 1 s look at the broker's disk.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
PARTITIONS = Gauge(
    "lgsp_worker_partitions",
    "Partition numbers whose books this worker keeps; 0 for long means it is not needed.",
)


def transaction_committed(seconds: float) -> None:
    """Count one transaction."""
    TRANSACTIONS.inc()
    SECONDS.observe(seconds)


def batch_applied(family: str, changes: Changes) -> None:
    """Count what one family had in a transaction."""
    EVENTS.labels(family).inc(changes.events)
    BATCHES.labels(family).inc()
    STATES.labels(family).inc(len(changes.states))
    PAGES.labels(family).inc(len(changes.pages))
    REFUSED.labels(family).inc(len(changes.refused))
    for _, group in changes.too_many:
        TOO_MANY.labels(family, group.name).inc()
