"""The page `applied` of a family: how far a partition's cells have come, and what they were counted
by.

That is the offset of the next event to apply, the version of the counting rules, which office hours
they counted by and the number that their author gave these (both 0: the rules ask for none), and
how many records in a row were refused before that offset. It is written in every transaction, so
that whoever reads cells knows exactly which events they stand for.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.cells.codec import CellSums, decode_page, encode_page
from schemas.cells.kinds import APPLIED, APPLIED_MEASURES
from schemas.errors import NewerLayout

_LAYOUT, _OFFSET = APPLIED_MEASURES.index("layout"), APPLIED_MEASURES.index("offset")
# In the first layout the offset stood where the layout stands now. A hub of that time takes this
# number for the offset, which is never the group's: it refuses these books instead of counting them
# by its older rules.
APPLIED_LAYOUT = -2


class CountingRules(NamedTuple):
    """What a family's cells were counted by: the version of its rules, the fingerprint of the
    office hours, and their number.

    Fingerprint and number are 0 where the rules need no office hours; the number is also 0 in cells
    of before there was one.
    """

    version: int
    calendar: int = 0
    hours: int = 0

    def __str__(self) -> str:
        hours = (
            f" and office hours number {self.hours} ({self.calendar:08x})" if self.calendar else ""
        )
        return f"version {self.version}{hours}"


class CellsStanding(NamedTuple):
    """What a page `applied` says: which events the cells stand for, and what they were counted
    by.
    """

    offset: int
    rules: CountingRules
    refused_run: int = 0


def applied_row(family: str, standing: CellsStanding) -> tuple[bytes, bytes]:
    """Key and value of a family's `applied` page; one per partition."""
    offset, rules, refused_run = standing
    values = (APPLIED_LAYOUT, rules.version, rules.calendar, offset, rules.hours, refused_run)
    return applied_key(family), encode_page(
        {f"{APPLIED}|-": {index: value for index, value in enumerate(values) if value}}
    )


def read_applied_page(value: bytes | None) -> CellsStanding:
    """What an `applied` page says; nothing was applied where there is none.

    Raises: ContractError for what is no such page. NewerLayout for one that a later version of the
    hub wrote.
    """
    sums = in_todays_layout(next(iter(decode_page(value).values()), {}))
    _, version, calendar, offset, hours, refused_run = (
        sums.get(index, 0) for index in range(len(APPLIED_MEASURES))
    )
    return CellsStanding(offset, CountingRules(version, calendar, hours), refused_run)


def in_todays_layout(sums: CellSums) -> CellSums:
    """The counts of an `applied` page in today's indexes, without the layout."""
    layout = sums.get(_LAYOUT, 0)
    if layout < APPLIED_LAYOUT:
        raise NewerLayout(
            f"The page `{APPLIED}` has layout {-layout}, and this version of the hub knows layouts"
            f" up to {-APPLIED_LAYOUT}."
        )
    rest = {index: amount for index, amount in sums.items() if index != _LAYOUT}
    return rest if layout == APPLIED_LAYOUT else rest | {_OFFSET: layout}


def applied_key(family: str) -> bytes:
    """The key of a family's `applied` page."""
    return f"{family}|hub|{APPLIED}".encode()


def is_applied(key: bytes | None) -> bool:
    """Whether a page is a family's `applied`: the last one that a transaction writes of the
    family.
    """
    return key is not None and key.endswith(_APPLIED_PAGE)


_APPLIED_PAGE = f"|hub|{APPLIED}".encode()
