"""The plain fold: events one by one into fresh states, and what those count for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.progress import Progress

from ops.recount.published import records
from ops.recount.verdict import Verdict, VerdictCells
from schemas.cells.codec import CellSums
from schemas.cells.pages import parse_key
from schemas.errors import ContractError
from schemas.wire import Decoder
from streams.admission import Home, strange
from streams.families import ALL, Family

_States = dict[bytes, Any]


async def fold(
    reader: AIOKafkaConsumer,
    family: Family,
    source: TopicPartition,
    home: Home,
    applied: int,
    verdict: Verdict,
    progress: Progress | None,
) -> _States:
    """The states that the events before `applied` give; counts events, those refused and those
    behind in the verdict.
    """
    decode, states = Decoder(family.name), dict[bytes, Any]()
    task = (
        progress.add_task(f"{family.name}/{source.partition}", total=applied) if progress else None
    )
    reader.assign([source])  # asks for its topic; the question for offsets would find out later
    verdict.begins = (await reader.beginning_offsets([source]))[source]
    async for record in records(reader, source):
        if record.offset >= applied:
            verdict.behind += 1
            continue
        verdict.events += 1
        if progress and task is not None and record.offset % 1_000 == 0:
            progress.update(task, completed=record.offset)
        try:
            kind, fields = decode(record.value)
            state = _state(states, record.key, family, home)
        except ContractError:
            verdict.refused += 1  # in quarantine, with its reason
        else:
            family.merges[kind](state, fields, record.timestamp)
    if progress and task is not None:
        progress.update(task, completed=applied)
    for state in states.values():
        family.cut(state)
    return states


def _state(states: _States, key: bytes | None, family: Family, home: Home) -> Any:
    if not key:
        raise ContractError("the record is about nothing")
    if key not in states:
        if why := strange(key, home if family.keyed else None):
            raise ContractError(why)
        states[key] = family.state()
    return states[key]


def count(family: Family, states: _States) -> VerdictCells:
    """The cells that states count in."""
    cells: dict[bytes, CellSums] = defaultdict(lambda: defaultdict(int))
    for state in states.values():
        for key, ones, amounts in family.counts(state, ALL):
            for measure in ones:
                cells[key][measure] += 1
            for measure, amount in amounts:
                cells[key][measure] += amount
    found: VerdictCells = {}
    for key, sums in cells.items():
        if left := {measure: amount for measure, amount in sums.items() if amount}:
            found[parse_key(key)] = left
    return found
