"""A family's partition in memory: its states and pages of cells, and the fold of a batch of events
into them.

Pure of Kafka: records come in, changes come out, and nothing is kept until the caller says that the
changes are committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from schemas.cells.codec import CellPage, CellSums, decode_page, encode_page
from schemas.cells.pages import page_of
from schemas.errors import BooksError, ContractError
from schemas.masking import quoted
from schemas.states import MOST
from schemas.wire import Decoder
from streams.admission import Home, strange
from streams.compressed_map import CompressedMap
from streams.families import ALL, Contribution, Family
from streams.families.bounds import BoundedGroup, over

log = logging.getLogger(__name__)

_FEW = 64  # contributions of which it is quicker to look for the same ones than to add them all up

KeyValue = tuple[bytes, bytes | None]
CellDeltas = dict[bytes, CellSums]  # by cell's key
# state as it has become, and its row before the batch
MergedStates = dict[bytes, tuple[Any, bytes | None]]


class EventRecord(Protocol):
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
class RefusedRecord:
    """A record that could not be taken in."""

    record: EventRecord
    reason: str


@dataclass(slots=True)
class Changes:
    """What a batch changes, not yet done: absolute states and pages (None: the page is gone), and
    refusals.
    """

    states: list[KeyValue] = field(default_factory=list)
    pages: list[KeyValue] = field(default_factory=list)
    refused: list[RefusedRecord] = field(default_factory=list)
    # things that now first have more of a group than counts
    too_many: list[tuple[bytes, BoundedGroup]] = field(default_factory=list)
    events: int = 0
    refused_run: int = 0  # refused records in a row at the end of the batch
    longest_run: int = 0


class FamilyState:
    """States and pages of cells of one partition of a family, both kept as the bytes that Kafka
    holds.
    """

    def __init__(self, family: Family, home: Home | None = None) -> None:
        """`home` says which keys belong here; None: any."""
        self.family = family
        self.home = home if family.keyed else None
        self.states = CompressedMap()
        self.pages = CompressedMap()
        self.refused_run = 0
        self.lost: set[bytes] = set()  # things whose state somebody wrote over
        self._decode = Decoder(family.name)
        self._load = family.decoder()
        self._dump = msgspec.msgpack.Encoder().encode

    async def recount_pages(self, chunk: int = 20_000) -> list[bytes]:
        """Pages anew from the states alone, letting the event loop run after every `chunk` states.

        States under keys that no connector wrote here go; returns those keys.

        Raises: BooksError if a state is lost: its counts would go as well.
        """
        for key in self.lost:
            raise self._lost(key, "something else stands there")
        deltas: CellDeltas = {}
        strangers: list[bytes] = []
        for done, (key, row) in enumerate(self.states.items(), 1):
            if strange(key, self.home):
                strangers.append(key)
            else:
                add_contributions(deltas, self.family.counts(self._state(key, row), ALL), 1)
            if done % chunk == 0:
                await asyncio.sleep(0)
        for key in strangers:
            self.states.put(key, None)
        self.pages = CompressedMap()
        for key, value in list(self._settle(deltas)):
            self.pages.put(key, value)
        return strangers

    def _state(self, key: bytes, row: bytes) -> Any:
        """A state that Kafka holds.

        Raises: BooksError if somebody wrote something else in its place.
        """
        try:
            return self._load(row)
        except msgspec.DecodeError as error:
            raise self._lost(key, str(error)) from error

    def _lost(self, key: bytes, why: str) -> BooksError:
        return BooksError(
            f"{self.family.name}: what Kafka holds as the state of {quoted(key)} is none ({why})."
            " Find out who else writes to the topics of states; `lgsp mend --from-zero` counts"
            " everything again from the events."
        )

    def fold(self, records: Sequence[EventRecord]) -> Changes:
        """What these records change. Everything stays as it is until `keep`."""
        changes = Changes(events=len(records), refused_run=self.refused_run)
        deltas: CellDeltas = {}
        dump = self._dump
        # a row of so many bytes can't hold more entries: each has a key and a value
        least = 2 * min(MOST.values())
        for key, (state, before) in self._merge(records, changes).items():
            row = dump(state)
            if len(row) > least and over(self.family.groups, state):
                self._cut(key, state, before, changes)
                row = dump(state)
            if row != before:
                changes.states.append((key, row))
                self._count(deltas, before, state)
        changes.pages = list(self._settle(deltas))
        return changes

    def keep(self, changes: Changes) -> None:
        """The changes are committed: from now on this is how things are."""
        for key, row in changes.states:
            self.states.put(key, row)
        for key, value in changes.pages:
            self.pages.put(key, value)
        self.refused_run = changes.refused_run
        for key, group in changes.too_many:
            log.warning(
                "%s: %s has more than %s %s. They count nothing any more, and it is flagged"
                " too_many (docs/figures.md). Find out which system tells so many.",
                self.family.name,
                quoted(key),
                f"{MOST[group.name]:,}",
                group.holds,
            )

    def _cut(self, key: bytes, state: Any, before: bytes | None, changes: Changes) -> None:
        """Keep no more of the state than its family says. Once a batch, not once an event: the
        state is the same (families/bounds.py).
        """
        groups = self.family.groups
        known = [] if before is None else over(groups, self._load(before))
        changes.too_many += ((key, group) for group in over(groups, state) if group not in known)
        self.family.cut(state)

    def _count(self, deltas: CellDeltas, before: bytes | None, state: Any) -> None:
        """What the state counts for now, less what it counted for before."""
        counts = self.family.counts
        if before is None:
            add_contributions(deltas, counts(state, ALL), 1)
            return
        old_state = self._load(before)  # it was read for this batch already
        parts = self.family.touched(old_state, state)
        if parts:
            old, new = counts(old_state, parts), counts(state, parts)
            if len(old) + len(new) < _FEW:
                old, new = without_common(old, new), without_common(new, old)
            add_contributions(deltas, old, -1)
            add_contributions(deltas, new, 1)

    def _merge(self, records: Iterable[EventRecord], changes: Changes) -> MergedStates:
        dirty: MergedStates = {}
        decode, merges = self._decode, self.family.merges
        for record in records:
            key = record.key
            try:
                kind, fields = decode(record.value)
                if not key:
                    raise ContractError(f"{kind}: the record has no key, so it is about nothing")
                known = dirty.get(key)
                if known is None:
                    dirty[key] = known = self._known(key)
            except ContractError as error:
                _refuse(changes, record, str(error))
                continue
            changes.refused_run = 0
            merges[kind](known[0], fields, record.timestamp)
        return dirty

    def _known(self, key: bytes) -> tuple[Any, bytes | None]:
        """The state of a thing as it is kept, and its row.

        Raises: ContractError for a new thing under a key that no connector wrote here.
        """
        row = self.states.get(key)
        if row is not None:
            return self._state(key, row), row
        if why := strange(key, self.home):
            raise ContractError(why)
        if key in self.lost:
            raise self._lost(key, "something else stands there")
        return self.family.state(), None

    def _settle(self, deltas: CellDeltas) -> Iterable[KeyValue]:
        """The pages that the deltas change, as they become; None for a page that has no cells any
        more.
        """
        touched: defaultdict[bytes, CellPage] = defaultdict(dict)
        for key, delta in deltas.items():
            if any(delta.values()):
                page_key, name = page_of(key)
                touched[page_key][name] = delta
        for key, cells in touched.items():
            page = self._page(key)
            for name, delta in cells.items():
                _add_to(page, name, delta)
            yield key, encode_page(page) if page else None

    def _page(self, key: bytes) -> CellPage:
        """A page that Kafka holds.

        Raises: BooksError if somebody wrote something else in its place.
        """
        try:
            return decode_page(self.pages.get(key))
        except ContractError as error:
            raise BooksError(
                f"{error}. Find out who else writes to the topic of cells; `lgsp mend --from-zero`"
                " counts everything again from the events."
            ) from error


def _add_to(page: CellPage, name: str, delta: CellSums) -> None:
    """Add to a cell of a page; zeros and cells without counts are left out."""
    cell = page.get(name)
    if cell is None:
        page[name] = {index: amount for index, amount in delta.items() if amount}
        return
    for index, amount in delta.items():
        total = cell.get(index, 0) + amount
        if total:
            cell[index] = total
        else:
            cell.pop(index, None)
    if not cell:
        del page[name]


def add_contributions(deltas: CellDeltas, contributions: Iterable[Contribution], sign: int) -> None:
    """Add (or take away) what a state contributes."""
    for key, ones, sums in contributions:
        delta = deltas.get(key)
        if delta is None:
            deltas[key] = delta = {}
        for index in ones:
            delta[index] = delta.get(index, 0) + sign
        for index, amount in sums:
            delta[index] = delta.get(index, 0) + sign * amount


def without_common(these: list[Contribution], those: list[Contribution]) -> list[Contribution]:
    """These less those, each as often as it stands: two payments of one day are two."""
    rest = list(those)
    left = []
    for one in these:
        if one in rest:
            rest.remove(one)
        else:
            left.append(one)
    return left


def _refuse(changes: Changes, record: EventRecord, reason: str) -> None:
    changes.refused.append(RefusedRecord(record, reason))
    changes.refused_run += 1
    changes.longest_run = max(changes.longest_run, changes.refused_run)
