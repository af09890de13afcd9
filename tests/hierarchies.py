"""Random hierarchies with validity, and what they mean, read year by year straight from the
definition: shared by property tests.

Years stand for days: everything begins on a 1 January.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from agencies import Items, agency
from hypothesis import strategies as st

from schemas.windows import Window

LEVELS = ("province", "district", "commune")
YEARS = range(2018, 2027)
WINDOW = Window(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))


class Said(NamedTuple):
    """One agency for some years: from `first` to before `until` (None: for ever)."""

    code: str
    level: int
    first: int
    until: int | None
    parent: str | None
    successor: str | None
    alias: tuple[str, ...]


@st.composite
def sound(draw: Any) -> list[Said]:
    """Parents are of the level above, successors of the same level and later in the list: no
    circles; aliases are each one's own.
    """
    names = [f"{level}{number}" for level in range(3) for number in range(draw(st.integers(1, 3)))]
    found = []
    for name in names:
        level = int(name[0])
        bounds = sorted(draw(st.sets(st.integers(2019, 2025), min_size=1, max_size=4)))
        for place, first in enumerate(bounds):
            later = bounds[place + 1] if place + 1 < len(bounds) else None
            until = draw(st.sampled_from([later, *range(first + 1, later or 2027)]))
            above = (
                draw(st.sampled_from([other for other in names if int(other[0]) == level - 1]))
                if level
                else None
            )
            after = draw(
                st.sampled_from(
                    [None, *(other for other in names if int(other[0]) == level and other > name)]
                )
            )
            found.append(
                Said(
                    name,
                    level,
                    first,
                    until,
                    above,
                    after,
                    draw(st.sampled_from([(), (f"old.{name}",)])),
                )
            )
    return found


@st.composite
def anything(draw: Any) -> Items:
    """Circles, overlaps, foreign aliases, unknown parents: whatever can be sent."""
    codes, items = st.sampled_from(["A", "B", "C", "D", "NOBODY"]), {}
    for number in range(draw(st.integers(1, 8))):
        first = draw(st.integers(2018, 2024))
        until = draw(
            st.one_of(st.none(), st.integers(first, 2026).map(lambda year: f"{year}-01-01"))
        )
        code, level, parent = (
            draw(st.sampled_from("ABCD")),
            draw(st.sampled_from(LEVELS)),
            draw(st.none() | codes),
        )
        others = {"successor": draw(st.none() | codes), "alias": draw(st.lists(codes, max_size=2))}
        agency(
            items,
            code,
            level,
            parent,
            f"{first}-01-01",
            until,
            said=number,
            item=draw(st.sampled_from("wxyz")),
            **others,
        )
    return items


def stated(said: list[Said]) -> Items:
    items: Items = {}
    for number, one in enumerate(said):
        agency(
            items,
            one.code,
            LEVELS[one.level],
            one.parent,
            f"{one.first}-01-01",
            one.until and f"{one.until}-01-01",
            said=number,
            successor=one.successor,
            alias=list(one.alias),
        )
    return items


# What they mean


def place(said: list[Said], code: str, year: int) -> tuple[Said, bool]:
    """What holds of an agency in a year, or what held last, or first; and whether it is over."""
    mine = [one for one in said if one.code == code]
    for one in mine:
        if one.first <= year and (one.until is None or year < one.until):
            return one, False
    past = [one for one in mine if one.first <= year]
    return (past[-1], True) if past else (mine[0], False)


def owner(said: list[Said], code: str) -> str:
    """The agency of a code form; nobody else has it, in any year."""
    return next((one.code for one in said if code in one.alias), code)


def above(said: list[Said], code: str, year: int) -> Iterator[str]:
    """The agencies that a count of that code and year is part of."""
    at: str | None = owner(said, code)
    while at is not None:
        one, over = place(said, at, year)
        if over and one.successor:
            at = one.successor
        else:
            yield at
            at = one.parent


def codes_of(said: list[Said]) -> list[str]:
    return sorted({one.code for one in said} | {alias for one in said for alias in one.alias})


def below_of(said: list[Said], code: str, year: int) -> set[str]:
    """Every agency whose subtree the code is in, the replaced ones as well."""
    found, at = set(), owner(said, code) if code in codes_of(said) else ""
    while at:
        found.add(at)
        one, over = place(said, at, year)
        at = (one.successor if over and one.successor else one.parent) or ""
    return found


def held(said: list[Said], code: str, agency_: str, year: int) -> bool:
    return agency_ in below_of(said, code, year)


def inherited(said: list[Said], code: str, agency_: str, year: int) -> bool:
    """The agency had it then, or a predecessor did and it had come to the agency when it took
    over.
    """
    if held(said, code, agency_, year):
        return True
    for one in said:
        follows = any(other.code == one.code and other.first == one.until for other in said)
        took_over = one.successor == agency_ and one.until and year < one.until and not follows
        if (
            took_over
            and inherited(said, code, one.code, year)
            and held(said, code, agency_, one.until or 0)
        ):
            return True
    return False
