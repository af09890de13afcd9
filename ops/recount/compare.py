"""The recount: what the events say beside what was published of them, partition by partition."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import product
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.progress import Progress

from ops.recount.fold import count, fold
from ops.recount.published import Pages, States, pages_of, states_of
from ops.recount.verdict import Verdict
from schemas.kafka.clients import consumer
from schemas.kafka.reading import committed_offsets
from schemas.settings import Settings
from schemas.topics import cells_topic, events_topic, state_topic
from streams.admission import Home
from streams.families import Family, families

_TRIES, _PAUSE = 4, 0.5  # of a look at offsets, and the seconds between two

_Offsets = Mapping[TopicPartition, int | None]


async def recount(settings: Settings, progress: Progress | None = None) -> list[Verdict]:
    """Recount every partition of every family whose events are kept for ever. The topics must be
    there.
    """
    counted = {name: family for name, family in families(settings).items() if family.recounted}
    order, verdicts = list(counted), []
    group = await _group(settings, counted)
    async with consumer(settings, max_partition_fetch_bytes=8 << 20) as reader:
        for partition in range(settings.partitions):
            one = _Partition(reader, settings, partition, group, progress)
            await one.read_pages()
            for family in counted.values():
                verdicts.append(await one.settled(family))
    await _compare_later(settings, counted, verdicts)
    return sorted(verdicts, key=lambda verdict: (order.index(verdict.family), verdict.partition))


async def _group(
    settings: Settings, counted: Mapping[str, Family]
) -> dict[TopicPartition, int | None]:
    numbers = range(settings.partitions)
    sources = [_source(settings, name, number) for name, number in product(counted, numbers)]
    return await committed_offsets(settings, settings.books, sources)


def _source(settings: Settings, family: str, number: int) -> TopicPartition:
    """The partition of events."""
    return TopicPartition(events_topic(family, settings.space), number)


class _Partition:
    """The recount of one partition number, family after family."""

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        settings: Settings,
        number: int,
        group: _Offsets,
        progress: Progress | None,
    ) -> None:
        self._reader, self._settings, self._number = reader, settings, number
        self._group, self._progress = group, progress
        self._cells = TopicPartition(cells_topic(settings.books), number)
        self._pages: Mapping[bytes, Pages] = {}

    async def read_pages(self) -> None:
        """Read the pages of all families, which lie in one topic."""
        self._pages = await pages_of(self._reader, self._cells)

    async def settled(self, family: Family) -> Verdict:
        """The recount, once more where offsets don't fit: the parts of a transaction become
        readable one after another.
        """
        for _ in range(_TRIES):
            verdict = await self._recount(family)
            if not verdict.faults:
                break
            await asyncio.sleep(_PAUSE)
            await self.read_pages()
        return verdict

    async def _recount(self, family: Family) -> Verdict:
        """Compare cells, states and offsets of a family with what its events say."""
        verdict = Verdict(family.name, self._number)
        source, pages = (
            _source(self._settings, family.name, self._number),
            self._pages.get(family.name.encode(), Pages()),
        )
        topic = TopicPartition(state_topic(family.name, self._settings.books), self._number)
        published = await states_of(self._reader, topic, pages.applied)
        home = Home(self._number, self._settings.partitions)
        verdict.applied = pages.applied
        if pages.rules is not None and pages.rules != family.rules:
            verdict.rules = pages.rules, family.rules
        states = await fold(
            self._reader, family, source, home, pages.applied, verdict, self._progress
        )
        verdict.things = len(states)
        self._compare_cells(family, states, pages, verdict)
        verdict.states = differing(family, states, published)
        verdict.faults = _faults(verdict, published.stand, self._group[source])
        verdict.junk = pages.junk + published.junk
        return verdict

    def _compare_cells(
        self, family: Family, states: dict[bytes, Any], pages: Pages, verdict: Verdict
    ) -> None:
        published, counted = pages.cells(self._cells), count(family, states)
        verdict.cells = len(published)
        for key in sorted(published.keys() | counted.keys()):
            if published.get(key, {}) != counted.get(key, {}):
                verdict.differences.append((key, published.get(key, {}), counted.get(key, {})))


def differing(family: Family, states: dict[bytes, Any], published: States) -> list[bytes]:
    """Keys of things whose published state is another, or is there without any event, or is not
    there.
    """
    load, dump = family.decoder(), msgspec.msgpack.encode
    wrong = published.rows.keys() ^ states.keys()
    for key in states.keys() & published.rows.keys():
        try:
            state = load(published.rows[key])
        except msgspec.DecodeError:
            wrong.add(key)
            continue
        # workers of before there were bounds kept all, and it is cut with the next fact
        family.cut(state)
        if state != load(dump(states[key])):
            wrong.add(key)
    return sorted(wrong)


def _faults(verdict: Verdict, stand: int, committed: int | None) -> list[str]:
    """What does not fit together of the offsets that cells, states, the group and the log say."""
    applied, found = verdict.applied, []
    if stand != applied:
        found.append(
            f"the cells stand for the events before offset {applied}, and the states for those"
            f" before {stand}"
        )
    if committed is not None and committed > applied:
        found.append(
            f"the group goes on from offset {committed}, and the cells stand for the events before"
            f" {applied} only"
        )
    if verdict.begins > applied:
        found.append(
            f"the log begins at offset {verdict.begins}: facts from {applied} on were deleted"
            " before they were counted"
        )
    return found


async def _compare_later(
    settings: Settings, counted: Mapping[str, Family], verdicts: list[Verdict]
) -> None:
    """Workers may go on while the recount reads: the group's offset, asked before and afterwards,
    must be behind and then ahead.
    """
    for attempt in range(_TRIES):
        group = await _group(settings, counted)
        behind = {
            (one.family, one.partition): committed
            for one in verdicts
            if (committed := group[_source(settings, one.family, one.partition)]) is not None
            and committed < one.applied
        }
        if not behind:
            return
        if attempt < _TRIES - 1:
            await asyncio.sleep(_PAUSE)
    for verdict in verdicts:
        committed = behind.get((verdict.family, verdict.partition))
        if committed is not None:
            said = (
                f"the group goes on from offset {committed}, and the events before"
                f" {verdict.applied} are counted already"
            )
            verdict.faults.append(said)
