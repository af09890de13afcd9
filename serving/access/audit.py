"""Records of `lgsp.audit`: who was refused for want of right, who opened a list or one thing, and
who changed a client. Never what was sent or answered.

What is the same is told once with how often: the first time at once, then every ten minutes. So a
flood of refusals is a few records an hour. Nothing waits for the topic: records wait in a bounded
memory, and what finds no room there is counted, and told as a record of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple
from uuid import uuid4

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from schemas.clock import now_ms
from schemas.errors import ContractError, NewerLayout
from serving.access.clients import NOBODY
from serving.telemetry import Metric

AuditKind = Literal["refused", "opened", "changed", "lost"]
AUDIT_KINDS: tuple[AuditKind, ...] = ("refused", "opened", "changed", "lost")
LAYOUT = 1  # of a record
WAITING = 10_000  # records in memory
FOLD_MS = 600_000
SEVERAL = "several"  # addresses
_STRANGERS = 500  # addresses of nobody known that are told apart within FOLD_MS
LONGEST_QUESTION = 300  # characters

_RECORDS = Metric(
    "lgsp_audit_records_total",
    "counter",
    (),
    "Audit records that this process has written to lgsp.audit.",
    "`lgsp audit` tells them.",
)
_DROPPED = Metric(
    "lgsp_audit_dropped_total",
    "counter",
    (),
    "Refusals and openings that are in no audit record, since too many waited.",
    "Above 0: Kafka was away for long, or somebody asks very much; `lgsp audit --kind lost`.",
)
_WAITING = Metric(
    "lgsp_audit_waiting",
    "gauge",
    (),
    "Audit records that wait for Kafka.",
    "Growing: Kafka does not answer, or refuses this process its topic lgsp.audit.",
)
AUDIT_METRICS = (_RECORDS, _DROPPED, _WAITING)


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record, as JSON. `first` and `last` (epoch ms) of `times` that it stands for.

    `door` is where: gateway, metrics or command; `what` the method and the address without what
    stands in it, or what was changed; `question` which list or thing was opened, of which agency.
    """

    id: str
    kind: AuditKind
    client: str
    door: str
    what: str
    first: int
    last: int
    times: int = 1
    status: int = 0  # of HTTP
    address: str = ""
    question: str = ""
    layout: int = LAYOUT


class AuditSubject(NamedTuple):
    """What records are folded by: of one of these there is one record at a time."""

    kind: AuditKind
    client: str
    door: str
    what: str
    status: int = 0
    address: str = ""
    question: str = ""


class Actor(NamedTuple):
    """Who changes a client: as whom, by which door, from where."""

    client: str
    door: str
    address: str = ""


def encode_audit(record: AuditRecord) -> bytes:
    """The value of its record."""
    return msgspec.json.encode(record)


def decode_audit(value: bytes) -> AuditRecord:
    """The record that a value is.

    Raises: ContractError; NewerLayout where a later version of the hub wrote it
    """
    try:
        record = msgspec.json.decode(value, type=AuditRecord)
    except msgspec.MsgspecError as error:
        raise ContractError(f"it is no audit record: {error}") from error
    if record.layout > LAYOUT:
        raise NewerLayout(f"a later version of the hub wrote it, in layout {record.layout}")
    return record


def change_record(by: Actor, what: str, client: str, now: int) -> AuditRecord:
    """That a client was changed."""
    return AuditRecord(
        id=uuid4().hex,
        kind="changed",
        client=by.client,
        door=by.door,
        what=what,
        first=now,
        last=now,
        address=by.address,
        question=f"client={client}",
    )


class _Times(NamedTuple):
    """How often something was since it was last told, and from when on that is told (epoch ms)."""

    due: int
    first: int
    last: int
    times: int


class AuditLog:
    """What waits to be written, of one process. `door` is what it is called in the records.

    Not for several threads.
    """

    def __init__(self, door: str, clock: Callable[[], int] = now_ms) -> None:
        self.door, self._clock = door, clock
        self._noted: dict[AuditSubject, _Times] = {}  # and not told yet
        self._told: OrderedDict[AuditSubject, int] = OrderedDict()  # when, epoch ms
        self._strangers: OrderedDict[str, int] = OrderedDict()  # addresses, and since when
        self._ready: list[AuditRecord] = []
        self._lost = 0
        self._registry = CollectorRegistry()
        self.written = _RECORDS.counter(self._registry)
        self._dropped = _DROPPED.counter(self._registry)
        _WAITING.gauge(self._registry).set_function(lambda: self.waiting)

    @property
    def waiting(self) -> int:
        """How many records wait."""
        return len(self._noted) + len(self._ready)

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def refused(self, client: str, what: str, status: int, address: str) -> None:
        """Somebody was refused for want of right."""
        if client == NOBODY:
            address = self._stranger(address)
        self._note(AuditSubject("refused", client, self.door, what, status, address))

    def opened(self, client: str, what: str, question: str, address: str) -> None:
        """A list or a thing was opened."""
        told = question[:LONGEST_QUESTION]
        self._note(AuditSubject("opened", client, self.door, what, 200, address, told))

    def take(self, *, everything: bool = False) -> list[AuditRecord]:
        """The records that are to be written now (at the process's end: everything); who can't
        write them gives them back.
        """
        now = self._clock()
        for subject, times in list(self._noted.items()):
            if everything or times.due <= now:
                self._tell(subject, times, now)
        if self._lost:
            self._ready.append(self._loss(now))
            self._lost = 0
        taken, self._ready = self._ready, []
        return taken

    def give_back(self, records: list[AuditRecord]) -> None:
        """What could not be written is written first, the next time."""
        self._drop(sum(one.times for one in records[WAITING:]))
        self._ready = records[:WAITING] + self._ready

    def _note(self, subject: AuditSubject) -> None:
        now = self._clock()
        known = self._noted.get(subject)
        if known is not None:
            self._noted[subject] = known._replace(last=now, times=known.times + 1)
        elif self.waiting >= WAITING:
            self._drop(1)
        else:
            told = self._told.get(subject)
            due = now if told is None else told + FOLD_MS
            self._noted[subject] = _Times(due, now, now, 1)

    def _stranger(self, address: str) -> str:
        """The address of nobody known, or of many of them together."""
        now = self._clock()
        while self._strangers and next(iter(self._strangers.values())) + FOLD_MS <= now:
            self._strangers.popitem(last=False)
        if address not in self._strangers:
            if len(self._strangers) >= _STRANGERS:
                return SEVERAL
            self._strangers[address] = now
        return address

    def _tell(self, subject: AuditSubject, times: _Times, now: int) -> None:
        del self._noted[subject]
        _, first, last, count = times
        self._ready.append(
            AuditRecord(id=uuid4().hex, first=first, last=last, times=count, **subject._asdict())
        )
        self._told.pop(subject, None)
        self._told[subject] = now
        if len(self._told) > WAITING:
            self._told.popitem(last=False)

    def _drop(self, times: int) -> None:
        if times:
            self._dropped.inc(times)
            self._lost += times

    def _loss(self, now: int) -> AuditRecord:
        return AuditRecord(
            id=uuid4().hex,
            kind="lost",
            client=NOBODY,
            door=self.door,
            what="refusals and openings that found no room",
            first=now,
            last=now,
            times=self._lost,
        )
