"""A family within a ledger: its states and cells, what Kafka holds of them, and how far they have
come. Pure of producers; the ledger commits.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from schemas.cells.applied import (
    CellsStanding,
    CountingRules,
    applied_key,
    applied_row,
    read_applied_page,
)
from schemas.errors import BooksError, ContractError, LedgerError, NewerLayout
from schemas.masking import quoted
from schemas.quarantine import Stray
from schemas.spaces import OFFICIAL
from schemas.states import applied_state, read_applied
from schemas.topics import events_topic
from streams.admission import Home, looks_like_page, looks_like_state, strange
from streams.families import Family
from streams.family_state import Changes, EventRecord, FamilyState, KeyValue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records of one source in order of offset; `previous` is the offset fetched before them (None:
    these are the first).
    """

    records: list[Any]  # aiokafka's ConsumerRecord
    previous: int | None


class FamilyPartition:
    """One partition of one family. `partitions` says how many there are; None: keys are not asked
    where they belong.
    """

    def __init__(
        self,
        family: Family,
        partition: int,
        partitions: int | None = None,
        space: str = OFFICIAL,
    ) -> None:
        self.family = family
        self.source = TopicPartition(events_topic(family.name, space), partition)
        self.family_state = FamilyState(family, Home(partition, partitions) if partitions else None)
        self.next = 0  # offset of the next record to apply
        self.rules: CountingRules | None = (
            None  # that counted the published pages; None: there are none
        )
        # the same offset as the states' topic says it; None: it does not
        self.states_next: int | None = None
        self.junk: list[Stray] = []  # what somebody else wrote among states and pages
        self._applied = applied_key(family.name)
        self._applied_value: bytes | None = None
        self._damaged_states: set[bytes] = set()
        self._damaged_pages: set[bytes] = set()

    def __str__(self) -> str:
        return f"{self.source.topic}/{self.source.partition}"

    def put_states(self, topic: str, records: Sequence[EventRecord]) -> None:
        """Rows as Kafka holds them; what is none is passed over, and what stood before it stays.

        So is a deletion, but of what no connector wrote: workers delete nothing else.
        """
        put, damaged = self.family_state.states.put, self._damaged_states
        for record in records:
            key, row = record.key, record.value
            if not key:
                self._mark(topic, record)
            elif looks_like_state(row) if row else strange(key, self.family_state.home):
                put(key, row)
                damaged.discard(key)  # a worker has written it again
            else:
                self._pass_over(topic, record)
                damaged.add(key)

    def put_pages(self, topic: str, records: Sequence[EventRecord]) -> None:
        """The same of pages.

        Raises: BooksError if a later version of the hub wrote them.
        """
        put, damaged, applied = self.family_state.pages.put, self._damaged_pages, self._applied
        for record in records:
            key, page = record.key, record.value
            assert key is not None, "it was shared out by its key"
            if key == applied:
                self._put_applied(topic, record)
            elif page and not looks_like_page(page):
                self._pass_over(topic, record)
                damaged.add(key)
            else:
                put(key, page)
                damaged.discard(key)

    def _mark(self, topic: str, record: EventRecord) -> None:
        try:
            self.states_next = read_applied(record.value or b"").next
        except ValueError:  # msgspec's errors are
            self._pass_over(topic, record)

    def _put_applied(self, topic: str, record: EventRecord) -> None:
        try:
            standing = read_applied_page(record.value)
        except NewerLayout as error:
            raise BooksError(f"{self}: {error} {_NEWER}") from error
        except ContractError:
            self._pass_over(topic, record)
            return
        self.next, self.rules, self.family_state.refused_run = standing
        self._applied_value = record.value

    def _pass_over(self, topic: str, record: EventRecord) -> None:
        origin = f"kafka:{topic}/{self.source.partition}/{record.offset}"
        self.junk.append(
            Stray(
                origin,
                f"no worker of the hub wrote this under {quoted(record.key)}",
                record.value or b"",
            )
        )

    def states(self, changes: Changes, offset: int) -> list[KeyValue]:
        """What is written to the topic of states, and last how far they have come once the
        transaction is committed.
        """
        return [*changes.states, applied_state(offset)]

    def pages(self, changes: Changes, offset: int) -> list[KeyValue]:
        """The same of the topic of cells."""
        return [*changes.pages, self._applied_row(offset, changes.refused_run)]

    def _applied_row(self, offset: int, refused_run: int) -> tuple[bytes, bytes]:
        return applied_row(self.family.name, CellsStanding(offset, self.family.rules, refused_run))

    async def settled(self) -> Changes | None:
        """What has to be published before the first fact is applied; None: nothing.

        Pages that other rules counted are counted anew, and so are all if any was damaged. What
        stands in the place of a damaged state or page is written again, and so is how far they have
        come where an earlier version of the hub said it.

        Raises: BooksError where the pages must be counted anew and a state is lost.
        """
        self.family_state.lost = {
            key
            for key in self._damaged_states
            if key not in self.family_state.states and not strange(key, self.family_state.home)
        }
        if self.rules is None:
            return None
        changes = Changes(states=self._restored(), refused_run=self.family_state.refused_run)
        if self._damaged_pages or self.rules != self.family.rules:
            await self._count_anew(changes)
        said = (
            self.states_next is not None
            and self._applied_value
            == self._applied_row(self.next, self.family_state.refused_run)[1]
        )
        return None if said and not changes.states and not changes.pages else changes

    def _restored(self) -> list[KeyValue]:
        """States that somebody wrote over, as they were before."""
        rows = ((key, self.family_state.states.get(key)) for key in self._damaged_states)
        return [(key, row) for key, row in rows if row is not None]

    async def _count_anew(self, changes: Changes) -> None:
        log.warning("%s: %s: counting anew", self, self._why_anew())
        published = dict(self.family_state.pages.items())
        for key in await self.family_state.recount_pages():
            log.warning("%s: no connector wrote %s here; it no longer counts", self, quoted(key))
            changes.states.append((key, None))
        pages = dict(self.family_state.pages.items())
        for key in published.keys() | self._damaged_pages:
            if key not in pages:
                changes.pages.append((key, None))
        for key, page in pages.items():
            if published.get(key) != page or key in self._damaged_pages:
                changes.pages.append((key, page))

    def _why_anew(self) -> str:
        if self.rules == self.family.rules:
            return "somebody else wrote among the pages"
        return f"the rules changed from {self.rules} to {self.family.rules}"

    def in_order(self, batches: Sequence[Fetched]) -> list[Any]:
        """The records still to be applied; what was fetched again after a pause is applied
        already.

        Raises: LedgerError where something lies between what was applied and these batches.
        """
        if not self.family.recounted:
            # only the newest matters, and the oldest may be gone
            return [record for batch in batches for record in batch.records]
        expected = self.next
        for batch in batches:
            if batch.previous is not None:
                self._check_follows(batch, batch.previous, expected)
            expected = max(expected, batch.records[-1].offset + 1)
        records = [record for batch in batches for record in batch.records]
        if records[0].offset >= self.next:
            return records
        return [record for record in records if record.offset >= self.next]

    def _check_follows(self, batch: Fetched, previous: int, expected: int) -> None:
        if previous >= expected:
            raise LedgerError(
                f"{self}: a batch follows offset {previous}, but the books stand at {expected}"
            )
        first = batch.records[0].offset
        if first <= previous:
            raise LedgerError(
                f"{self}: offset {first} comes after offset {previous}: was the topic deleted and"
                " made again?"
            )


_NEWER = "A newer worker kept these books: stop this one, and start that version again."
