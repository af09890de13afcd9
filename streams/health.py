"""The worker's own health, for Prometheus: one place for every metric, with what it means and what
to do.
"""

from __future__ import annotations

from serving.spaces import SPACE
from serving.telemetry import Metric
from streams.family_state import Changes

_EVENTS = Metric(
    "lgsp_worker_events_total",
    "counter",
    ("family",),
    "Events applied to the books.",
    "Stands still only when nothing comes in.",
)
_BATCHES = Metric(
    "lgsp_worker_batches_total",
    "counter",
    ("family",),
    "Batches applied.",
    "Events per batch grow under load.",
)
_TRANSACTIONS = Metric(
    "lgsp_worker_transactions_total",
    "counter",
    (),
    "Kafka transactions committed; each takes what waits of every family.",
    "Standing still while events come in: see the worker's log.",
)
_STATES = Metric(
    "lgsp_worker_states_written_total",
    "counter",
    ("family",),
    "States written: events that said something new.",
    "Far fewer than events: somebody sends again what is known.",
)
_PAGES = Metric(
    "lgsp_worker_pages_written_total",
    "counter",
    ("family",),
    "Pages of cells written to lgsp.cells.",
    "lgsp_cube_records_total follows it.",
)
_REFUSED = Metric(
    "lgsp_worker_refused_total",
    "counter",
    ("family",),
    "Records refused because no connector wrote them so.",
    "Above 0: find who writes them.",
)
_QUARANTINE_FAILED = Metric(
    "lgsp_worker_quarantine_failed_total",
    "counter",
    (),
    "Refused records that lgsp.quarantine did not take and only the log names.",
    "Above 0: look at the topic.",
)
_TOO_MANY = Metric(
    "lgsp_worker_too_many_total",
    "counter",
    ("family", "group"),
    "Things of which more was told of a group than counts: the log names them.",
    "Above 0: find the system that does it.",
)
_SECONDS = Metric(
    "lgsp_worker_transaction_seconds",
    "histogram",
    (),
    "Time to fold what waits and commit it.",
    "Above 1 s: look at the broker's disk.",
    (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
_PARTITIONS = Metric(
    "lgsp_worker_partitions",
    "gauge",
    (),
    "Partition numbers whose books this worker keeps.",
    "0 for long means it is not needed.",
)
WORKER_METRICS = (
    _EVENTS,
    _BATCHES,
    _TRANSACTIONS,
    _STATES,
    _PAGES,
    _REFUSED,
    _QUARANTINE_FAILED,
    _TOO_MANY,
    _SECONDS,
    _PARTITIONS,
)

PARTITIONS = _PARTITIONS.gauge()
SPACE_OF_WORKER = SPACE.gauge()
QUARANTINE_FAILED = _QUARANTINE_FAILED.counter()
_events, _batches = _EVENTS.counter(), _BATCHES.counter()
_transactions, _seconds = _TRANSACTIONS.counter(), _SECONDS.histogram()
_states, _pages = _STATES.counter(), _PAGES.counter()
_refused, _too_many = _REFUSED.counter(), _TOO_MANY.counter()


def transaction_committed(seconds: float) -> None:
    """Count one transaction."""
    _transactions.inc()
    _seconds.observe(seconds)


def batch_applied(family: str, changes: Changes) -> None:
    """Count what one family had in a transaction."""
    _events.labels(family).inc(changes.events)
    _batches.labels(family).inc()
    _states.labels(family).inc(len(changes.states))
    _pages.labels(family).inc(len(changes.pages))
    _refused.labels(family).inc(len(changes.refused))
    for _, group in changes.too_many:
        _too_many.labels(family, group.name).inc()
