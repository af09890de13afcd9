"""One run of `lgsp mend`: look, ask, put right, look again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import click
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape

from ops.kafka.group import require_no_worker, set_group
from ops.kafka.topics import delete_topics
from ops.mend.standings import Positions, standings_table
from schemas.errors import BooksError, HubError
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.topics import topics_of
from streams.checks import require_consistent, rules_faults, torn_parts
from streams.families import families
from streams.family_partition import FamilyPartition
from streams.ledger import Ledger
from streams.takeover import fence, load_partitions, positions_of


def run_mend(settings: Settings, *, from_zero: bool, skip_missing: bool, yes: bool) -> int:
    """Show how everything stands, then mend what was asked for; exit code 0 once all of it fits
    together, 1 if it does not.

    Raises: HubError where it would do harm, or Kafka does not do its part.
    """
    try:
        return asyncio.run(
            Mending(settings, Console()).run(
                from_zero=from_zero, skip_missing=skip_missing, yes=yes
            )
        )
    except KafkaError as error:
        raise HubError(
            f"Kafka did not do its part ({error}): nothing of the last step may have happened; try"
            " again."
        ) from error


class Mending:
    """One run of the command."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings, self._console = settings, console
        self._parts: list[FamilyPartition] = []
        self._places: Positions = {}

    async def run(self, *, from_zero: bool, skip_missing: bool, yes: bool) -> int:
        """Raises: HubError while a worker runs, for books that a newer version keeps, or if facts
        would be lost unasked.
        """
        await ensure_topics(self._settings)
        await self._look()
        self._console.print(standings_table(self._parts, self._places, self._settings.books))
        if not from_zero and not self._faults():
            return self._say()
        await require_no_worker(self._settings, self._console, "then mend")
        await self._look_alone()
        # those that are outdated are what counting from zero is for
        if newer := list(rules_faults(self._parts)):
            raise HubError(" ".join(newer))
        if from_zero:
            self._require_whole_log(skip_missing)
            self._confirm(
                yes,
                f"Delete the states and cells of {self._settings.books} and count everything again"
                " from the first event?",
            )
            await self._delete_books()
            await self._look_alone()
        if skip_missing and self._gaps():
            self._confirm(
                yes,
                "Let the books go on behind the facts that are gone? Figures hold them only if they"
                " are sent again.",
            )
            await self._skip(self._gaps())
            await self._look_alone()
        await self._align()
        return self._say()

    def _faults(self) -> str | None:
        """What workers would refuse."""
        try:
            require_consistent(self._parts, self._places, self._settings.books)
        except BooksError as error:
            return str(error)
        return None

    async def _look_alone(self) -> None:
        """Look once nobody can write any more: a worker that was frozen is fenced, and transactions
        under way are over.
        """
        ledgers = [
            Ledger(partition, self._settings) for partition in range(self._settings.partitions)
        ]
        try:
            await fence(ledgers)
        finally:
            for ledger in ledgers:
                await ledger.close()
        await self._look()

    async def _look(self) -> None:
        partitions = range(self._settings.partitions)
        counted = families(self._settings).values()
        with self._console.status("Reading states and cells …"):
            self._parts = [
                FamilyPartition(family, partition, len(partitions), self._settings.space)
                for partition in partitions
                for family in counted
            ]
            await load_partitions(self._settings, self._parts)
            self._places = await positions_of(self._settings, [part.source for part in self._parts])

    def _gaps(self) -> dict[TopicPartition, int]:
        """Where the log begins behind books that are whole: the offsets to go on from."""
        whole = [
            part for part in self._parts if part.family.recounted and not list(torn_parts([part]))
        ]
        begins = {part.source: self._places[part.source].begins for part in whole}
        return {
            part.source: begins[part.source] for part in whole if begins[part.source] > part.next
        }

    def _require_whole_log(self, skip_missing: bool) -> None:
        """States may hold facts that the log has no more: whoever deletes those states has to
        know.
        """
        counted = [part for part in self._parts if part.family.recounted]
        cut = [
            f"{part} begins at offset {self._places[part.source].begins}"
            for part in counted
            if self._places[part.source].begins
        ]
        if cut and not skip_missing:
            raise HubError(
                f"The log has lost facts: {', '.join(cut)}. What was told before that, only the"
                " states still hold, and to count everything again would lose it for good. If that"
                " is meant, say --from-zero --skip-missing."
            )

    def _confirm(self, yes: bool, question: str) -> None:
        if not yes:
            click.confirm(question, abort=True)

    async def _delete_books(self) -> None:
        if self._settings.topics == "check":
            raise HubError(
                "LGSP_TOPICS is `check`: whoever keeps the topics deletes and makes those of states"
                " and cells; then mend again."
            )
        names = [topic.name for topic in topics_of(self._settings) if topic.owner == "streams"]
        with self._console.status("Deleting states and cells …"):
            await delete_topics(self._settings, names)
            await ensure_topics(self._settings)
            await set_group(self._settings, dict.fromkeys(self._places, 0))

    async def _skip(self, gaps: Mapping[TopicPartition, int]) -> None:
        for partition in {source.partition for source in gaps}:
            ledger = Ledger(partition, self._settings)
            try:
                await fence([ledger])
                await load_partitions(self._settings, list(ledger.by_topic.values()))
                await ledger.settle(self._places)
                await ledger.skip_to(
                    {
                        source: offset
                        for source, offset in gaps.items()
                        if source.partition == partition
                    }
                )
            finally:
                await ledger.close()

    async def _align(self) -> None:
        """Set the group's offsets to where the books stand, where only those differ."""
        whole = [part for part in self._parts if not list(torn_parts([part]))]
        moved = {
            part.source: part.next
            for part in whole
            if self._places[part.source].committed not in (None, part.next)
        }
        if not moved:
            return
        await set_group(self._settings, moved)
        places = ", ".join(
            f"{source.topic}/{source.partition} to {offset}" for source, offset in moved.items()
        )
        self._console.print(f"The group's offsets were set to where the books stand: {places}.")
        await self._look()

    def _say(self) -> int:
        if faults := self._faults():
            self._console.print(f"[bold red]Not mended:[/] {escape(faults)}", highlight=False)
            return 1
        self._console.print(
            "Books, group and log fit together. Once workers have caught up, `lgsp recount` proves"
            " the figures."
        )
        return 0
