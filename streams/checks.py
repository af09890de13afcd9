"""What must hold before books may go on: nothing is written, and no fact applied, until all of it
does.

Books, the group's offset and the log of events are three things that others can touch. Where they
don't fit together, going on would leave a hole or hide one; the worker stops and names every
partition that is wrong, and the command that mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from schemas.errors import BooksError
from streams.family_partition import FamilyPartition


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """A partition of events as Kafka tells it: its log from `begins` up to `ends`, and the group's
    offset (None: it has none).
    """

    begins: int
    ends: int
    committed: int | None


def require_consistent(
    parts: Sequence[FamilyPartition], positions: Mapping[TopicPartition, SourcePosition], group: str
) -> None:
    """Raises: BooksError naming everything that is wrong with any of these books."""
    for faults in (
        rules_faults(parts),
        outdated_faults(parts),
        standing_faults(parts, positions, group),
        log_faults(parts, positions),
    ):
        if found := list(faults):
            raise BooksError(" ".join(found))


def rules_faults(parts: Iterable[FamilyPartition]) -> Iterator[str]:
    """Books that a newer worker kept, or one with other office hours."""
    for part in parts:
        theirs, ours = part.rules, part.family.rules
        if theirs is None:
            continue
        if theirs.version > ours.version:
            yield (
                f"{part}: version {theirs.version} of the rules counted these books, and this"
                f" worker has version {ours.version}. Stop it, and start workers of the newer"
                " version; nothing was changed."
            )
        elif theirs.hours > ours.hours and ours.calendar:
            yield (
                f"{part}: office hours number {theirs.hours} counted these books, and this"
                f" worker has number {ours.hours}. Give it the newer hours and days, and"
                " LGSP_OFFICE_HOURS_NUMBER with them; nothing was changed."
            )
        elif (
            theirs.hours == ours.hours
            and theirs.calendar != ours.calendar
            and theirs.calendar
            and ours.calendar
        ):
            yield (
                f"{part}: office hours number {theirs.hours} counted these books, and this"
                f" worker's number {ours.hours} has other hours or days (or another list of public"
                " holidays). If this worker's are right, raise LGSP_OFFICE_HOURS_NUMBER to"
                f" {ours.hours + 1} everywhere; else give it the hours of the others. Nothing was"
                " changed."
            )


def outdated_faults(parts: Iterable[FamilyPartition]) -> Iterator[str]:
    """Books whose states were kept by rules too old to be counted anew from them. What to do comes
    first: a screen may have room for no more.
    """
    outdated = {
        f"{part.family.name} by version {part.rules.version}": None
        for part in parts
        if part.rules and part.next and part.rules.version < part.family.states_since
    }
    if outdated:
        yield (
            "These books lack what the new rules need, so count every event anew: stop the workers"
            " and run `lgsp mend --from-zero`, or, so that today's figures can be asked for"
            " meanwhile, start again what kept them and have new books beside them"
            " (LGSP_APP_ID=lgsp-2; docs/upgrade.md says how). Nothing was changed. Kept by older"
            f" rules: {', '.join(outdated)}."
        )


def standing_faults(
    parts: Iterable[FamilyPartition], positions: Mapping[TopicPartition, SourcePosition], group: str
) -> Iterator[str]:
    """States, cells and the group's offset are committed together; where one differs, somebody
    touched it. A group without an offset is none: it expires while a hub is off for long.
    """
    parts = list(parts)
    torn = list(torn_parts(parts))
    if torn:
        where = ", ".join(
            f"{part} (states at {part.states_next or 0}, cells at {part.next})" for part in torn
        )
        yield (
            f"States and cells stand at different offsets: {where}. A topic of theirs was deleted"
            " or lost records. Stop the workers; `lgsp mend --from-zero` counts everything again"
            " from the events."
        )
    moved = [part for part in parts if positions[part.source].committed not in (None, part.next)]
    if moved and not torn:
        where = ", ".join(
            f"{part} (books at {part.next}, group at {positions[part.source].committed})"
            for part in moved
        )
        yield (
            f"The offsets of group {group} are not those of the books: {where}. Somebody moved them"
            " by hand. Stop the workers; `lgsp mend` sets them back to where the books stand."
        )


def torn_parts(parts: Iterable[FamilyPartition]) -> Iterator[FamilyPartition]:
    """Books whose states and cells don't stand at one offset. States of before they said so have no
    offset of their own.
    """
    for part in parts:
        stand = part.states_next
        if stand is None:
            stand = part.next if len(part.family_state.states) else 0
        if stand != part.next:
            yield part


def log_faults(
    parts: Iterable[FamilyPartition], positions: Mapping[TopicPartition, SourcePosition]
) -> Iterator[str]:
    """Facts that are gone before they were counted, and books that stand for facts that are not
    there.
    """
    kept = [(part, positions[part.source]) for part in parts if part.family.recounted]
    gone = [(part, position) for part, position in kept if position.begins > part.next]
    if gone and all(part.rules is None for part, _ in kept):
        where = ", ".join(f"{part} at offset {position.begins}" for part, position in gone)
        yield (
            "No books of this name are kept, and new ones can't hold everything: the log begins"
            f" behind the first fact ({where}). Is LGSP_APP_ID right? To begin new books all the"
            " same, `lgsp mend --skip-missing`."
        )
    elif gone:
        where = ", ".join(
            f"{part} (facts {part.next} to {position.begins - 1})" for part, position in gone
        )
        yield (
            f"Facts were deleted before they were counted: {where}. They were accepted, so the"
            " agencies must send them again. Find out what deletes them (the topic's retention, or"
            " somebody's command); then `lgsp mend --skip-missing` lets the books go on behind the"
            " gap."
        )
    short = [(part, position) for part, position in kept if position.ends < part.next]
    if short:
        where = ", ".join(
            f"{part} (counted up to {part.next}, the topic ends at {position.ends})"
            for part, position in short
        )
        yield (
            f"Events that were counted are not there: {where}. The topic was deleted and made"
            " again, or a backup is older than the books. Put the topic back, or stop the workers"
            " and count what is there with `lgsp mend --from-zero`."
        )
