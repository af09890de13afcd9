"""An account: one family's books within a ledger, and how far they have come. Pure of producers; the ledger commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from schemas.cells import Rules, applied_key, applied_row, cells_of
from schemas.errors import LedgerError
from schemas.states import applied_state
from schemas.topics import events_topic
from streams.books import Books, Changes, Row
from streams.families import Family


@dataclass(frozen=True, slots=True)
class Handed:
    """Records of one source in order of offset; `previous` is the offset handed before them (None: the first)."""

    records: list[Any]  # aiokafka's ConsumerRecord
    previous: int | None


class Account:
    """The books of one partition of one family."""

    def __init__(self, family: Family, partition: int) -> None:
        self.family = family
        self.source = TopicPartition(events_topic(family.name), partition)
        self.books = Books(family)
        self.next = 0  # offset of the next record to apply
        self.rules = family.rules  # that counted the published pages
        self._applied = applied_key(family.name)

    def __str__(self) -> str:
        return f"{self.source.topic}/{self.source.partition}"

    def put_page(self, key: bytes, value: bytes | None) -> None:
        """A page as Kafka holds it."""
        if key == self._applied:
            for _, applied in cells_of(key, value):
                self.next, self.rules = applied.get(0, 0), Rules(applied.get(1, 0), applied.get(2, 0))
        else:
            self.books.pages.put(key, value)

    def states(self, changes: Changes, offset: int) -> list[Row]:
        """What is written to the topic of states, and last how far they have come once the transaction is committed."""
        return [*changes.states, applied_state(offset)]

    def pages(self, changes: Changes, offset: int) -> list[Row]:
        """The same of the topic of cells."""
        return [*changes.pages, applied_row(self.family.name, offset, self.family.rules)]

    def check(self, group: str, committed: int) -> None:
        """Books and the group's offset are committed together; if they differ, somebody moved the offset by hand.

        Raises: LedgerError, since going on would leave a hole or hide one.
        """
        if committed != self.next:
            raise LedgerError(
                f"{self}: the books stand at offset {self.next}, but group {group} at {committed}. Set the group's offset back to "
                f"{self.next}, or delete the state topics and lgsp.cells to count everything from zero."
            )

    async def counted_anew(self) -> Changes:
        """What changes when today's rules count the states.

        Raises: LedgerError if the states lack what these rules need: only the events have it.
        """
        if self.rules.version < self.family.states_since and self.next:
            raise LedgerError(
                f"{self}: these books were kept by version {self.rules.version} of the rules, and version {self.family.version} needs "
                "what they did not keep. Start new books, which count everything from the first event, by a new name such as "
                "LGSP_APP_ID=lgsp-2 (docs/change-a-definition.md)."
            )
        published = dict(self.books.pages.items())
        await self.books.recount_pages()
        pages = dict(self.books.pages.items())
        gone: list[Row] = [(key, None) for key in published if key not in pages]
        return Changes(pages=[*gone, *(row for row in pages.items() if published.get(row[0]) != row[1])])

    def in_order(self, batches: Sequence[Handed]) -> list[Any]:
        """The records still to be applied; what was fetched again after a pause is in the books already.

        Raises: LedgerError where something lies between what was applied and these batches.
        """
        expected = self.next
        for batch in batches:
            if batch.previous is not None and batch.previous >= expected:
                raise LedgerError(f"{self}: a batch follows offset {batch.previous}, but the books stand at {expected}")
            expected = max(expected, batch.records[-1].offset + 1)
        records = [record for batch in batches for record in batch.records]
        if records[0].offset >= self.next:
            return records
        return [record for record in records if record.offset >= self.next]
