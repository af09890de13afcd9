"""Which facts about a thing stand, and which are outdone by others: asked of the rules themselves,
by leaving facts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family

MOST_COMPARED = 60  # facts; of more it takes too long, since each is compared with each

ToldFact = tuple[str, Fields, int]  # event type, fields, broker time in ms
_Worth = tuple[list[Contribution], object]


class StandingFacts:
    """Of the facts about one thing, by their places.

    A fact stands if the thing would count for something else without it, or something else would
    be shown of it. If it does not stand but would without another one, that one outdoes it.
    """

    def __init__(self, family: Family, facts: Sequence[ToldFact]) -> None:
        self._family, self._facts = family, facts
        whole = self._without()
        self._stand = [self._without(place) != whole for place in range(len(facts))]

    def stands(self, place: int) -> bool:
        """Whether anything hangs on a fact."""
        return self._stand[place]

    def outdone_by(self, place: int) -> int | None:
        """The place of a fact that outdoes this one; None: none does alone."""
        for other in range(len(self._facts)):
            if other == place or not self.stands(other):
                continue
            if self._without(other, place) != self._without(other):
                return other
        return None

    def _without(self, *places: int) -> _Worth:
        """What the facts count for and show, less those of some places."""
        facts = [fact for place, fact in enumerate(self._facts) if place not in places]
        return _worth(self._family, facts)


def _worth(family: Family, facts: Iterable[ToldFact]) -> _Worth:
    state = family.state()
    for kind, fields, heard_ms in facts:
        family.merges[kind](state, fields, heard_ms)
    family.cut(state)
    return sorted(family.counts(state, ALL)), family.shown(state)


def outdone_by(family: Family, facts: Sequence[ToldFact]) -> dict[int, int | None]:
    """The places of facts that do not stand, each with the place of one that outdoes it (None: no
    other does alone); nothing of too many facts.
    """
    if len(facts) > MOST_COMPARED:
        return {}
    standing = StandingFacts(family, facts)
    places = [place for place in range(len(facts)) if not standing.stands(place)]
    return {place: standing.outdone_by(place) for place in places}
