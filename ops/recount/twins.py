"""Ids that are two things in the books and would be one today, for a character that nobody sees.

They were taken in before ids had one canonical form, and keep counting as they are. Whoever knows
what they stand for sends the facts of one of them again under the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.recount.published import records
from schemas.ids import canonical
from schemas.kafka.clients import consumer
from schemas.settings import Settings
from schemas.states import APPLIED_KEY
from schemas.topics import state_topic

Twins = dict[str, list[str]]  # canonical form -> the ids that have it, more than one


async def twins_of(settings: Settings, family: str) -> Twins:
    """The ids of a family's things that have one canonical form."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    plain: set[str] = set()
    async with consumer(settings) as reader:
        for partition in range(settings.partitions):
            keys = await _keys(
                reader, TopicPartition(state_topic(family, settings.books), partition)
            )
            for key in keys:
                form = _form(key)
                if form is None or form == key:
                    plain.add(key)
                else:
                    found[form].add(key)
    return _several(found, plain)


async def _keys(reader: AIOKafkaConsumer, topic: TopicPartition) -> set[str]:
    keys: set[str] = set()
    async for record in records(reader, topic):
        if record.key and record.key != APPLIED_KEY:
            key = record.key.decode(errors="replace")
            (keys.add if record.value else keys.discard)(key)
    return keys


def _form(key: str) -> str | None:
    try:
        return canonical(key)
    except ValueError:
        return None


def _several(found: Mapping[str, set[str]], plain: set[str]) -> Twins:
    twins = {form: sorted(ids | ({form} & plain)) for form, ids in found.items()}
    return {form: ids for form, ids in twins.items() if len(ids) > 1}
