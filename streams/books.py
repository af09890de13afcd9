"""A partition's books in memory: its states and cells, and the fold of a batch of events into them.

Pure of Kafka: records come in, changes come out, and nothing is kept until the caller says that the changes are committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from schemas.cells import decode_vector, encode_vector
from schemas.errors import ContractError
from schemas.wire import Decoder
from streams.families import ALL, Contribution, Family

Row = tuple[bytes, bytes | None]
Deltas = dict[bytes, dict[int, int]]

SHARED = 16  # bytes; longer values are seldom equal


class Record(Protocol):
    """What the fold reads of a Kafka record; `timestamp` is the broker's append time in ms."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


@dataclass(slots=True)
class Refused:
    """A record that could not be taken in."""

    record: Record
    reason: str


@dataclass(slots=True)
class Changes:
    """What a batch does to the books, not yet done: absolute states and cells (None: the cell is gone), and refusals."""

    states: list[Row] = field(default_factory=list)
    cells: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    events: int = 0
    refused_run: int = 0  # undecodable records in a row at the end of the batch
    longest_run: int = 0


class Books:
    """States and cells of one partition of a family, both kept as the bytes that Kafka holds."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.states: dict[bytes, bytes] = {}
        self.cells: dict[bytes, bytes] = {}
        self.refused_run = 0
        self._shared: dict[bytes, bytes] = {}
        self._decode = Decoder(family.name)
        self._load = family.decoder()
        self._dump = msgspec.msgpack.Encoder().encode

    async def rebuild_cells(self, chunk: int = 20_000) -> None:
        """Cells anew from the states alone, letting the event loop run after every `chunk` states."""
        deltas: Deltas = {}
        counts, load = self.family.counts, self._load
        for done, row in enumerate(self.states.values(), 1):
            add(deltas, counts(load(row), ALL), 1)
            if done % chunk == 0:
                await asyncio.sleep(0)
        self.cells = {}
        for key, value in list(self._settle(deltas)):
            self.set_cell(key, value)

    def fold(self, records: Sequence[Record]) -> Changes:
        """What these records change. The books stay as they are until `keep`."""
        changes = Changes(events=len(records), refused_run=self.refused_run)
        deltas: Deltas = {}
        dump, states = self._dump, self.states
        for key, state in self._merge(records, changes).items():
            row, before = dump(state), states.get(key)
            if row != before:
                changes.states.append((key, row))
                self._count(deltas, before, state)
        changes.cells = list(self._settle(deltas))
        return changes

    def keep(self, changes: Changes) -> None:
        """The changes are committed: they are the books now."""
        for key, row in changes.states:
            self.set_state(key, row)
        for key, value in changes.cells:
            self.set_cell(key, value)
        self.refused_run = changes.refused_run

    def set_state(self, key: bytes, row: bytes | None) -> None:
        """The state as Kafka holds it; a tombstone takes it out."""
        if row is None:
            self.states.pop(key, None)
        else:
            self.states[key] = row

    def set_cell(self, key: bytes, value: bytes | None) -> None:
        """The cell as Kafka holds it; a tombstone takes it out. Most cells hold few small numbers: equal ones share their bytes."""
        if not value:
            self.cells.pop(key, None)
        else:
            self.cells[key] = value if len(value) > SHARED else self._shared.setdefault(value, value)

    def _count(self, deltas: Deltas, before: bytes | None, state: Any) -> None:
        """What the state counts for now, less what it counted for before."""
        counts = self.family.counts
        if before is None:
            add(deltas, counts(state, ALL), 1)
            return
        old_state = self._load(before)
        parts = self.family.touched(old_state, state)
        if parts:
            old, new = counts(old_state, parts), counts(state, parts)
            add(deltas, without(old, new), -1)
            add(deltas, without(new, old), 1)

    def _merge(self, records: Iterable[Record], changes: Changes) -> dict[bytes, Any]:
        dirty: dict[bytes, Any] = {}
        decode, merges, states = self._decode, self.family.merges, self.states
        load, new = self._load, self.family.state
        for record in records:
            key = record.key
            try:
                kind, fields = decode(record.value)
                if not key:
                    raise ContractError(f"{kind}: the record has no key, so it is about nothing")
            except ContractError as error:
                _refuse(changes, record, str(error))
                continue
            changes.refused_run = 0
            state = dirty.get(key)
            if state is None:
                row = states.get(key)
                dirty[key] = state = load(row) if row is not None else new()
            merges[kind](state, fields, record.timestamp)
        return dirty

    def _settle(self, deltas: Deltas) -> Iterable[Row]:
        """Absolute cells from the deltas, trailing zeros left out; None for a cell that is all zero."""
        cells = self.cells
        for key, delta in deltas.items():
            vector = decode_vector(cells.get(key))
            last = max(delta)
            if last >= len(vector):
                vector += [0] * (last + 1 - len(vector))
            for place, amount in delta.items():
                vector[place] += amount
            while vector and not vector[-1]:
                vector.pop()
            value = encode_vector(vector) if vector else None
            if value != cells.get(key):
                yield key, value


def add(deltas: Deltas, contributions: Iterable[Contribution], sign: int) -> None:
    """Add (or take away) what a state contributes."""
    for key, ones, sums in contributions:
        delta = deltas.get(key)
        if delta is None:
            deltas[key] = delta = {}
        for place in ones:
            delta[place] = delta.get(place, 0) + sign
        for place, amount in sums:
            delta[place] = delta.get(place, 0) + sign * amount


def without(these: list[Contribution], those: list[Contribution]) -> list[Contribution]:
    """These less those, each as often as it stands: two payments of one day are two."""
    rest = list(those)
    left = []
    for one in these:
        if one in rest:
            rest.remove(one)
        else:
            left.append(one)
    return left


def _refuse(changes: Changes, record: Record, reason: str) -> None:
    changes.refused.append(Refused(record, reason))
    changes.refused_run += 1
    changes.longest_run = max(changes.longest_run, changes.refused_run)
