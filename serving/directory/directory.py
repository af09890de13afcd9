"""The directory: agencies, procedures, systems and reported figures as they were on any day, from
the items that events state.

Figures roll up by the hierarchy of the day. A code that nobody registered counts under itself.
Nothing here knows Kafka; a directory never changes, a new one is made when an item changes
(serving/directory/feed.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property, lru_cache, partial
from typing import TypeVar

from schemas.states import InventoryItem
from schemas.windows import Window
from serving.directory.items import (
    AGENCY,
    FIGURE,
    PROCEDURE,
    SYSTEM,
    AgencyFields,
    FigureFields,
    Mistake,
    ProcedureFields,
    Statement,
    SystemFields,
    read_items,
    stated_twice,
    statements_by_agency,
)
from serving.directory.links import BEGINNING, AgencyStatement, Codes, Links, Piece
from serving.directory.names import CodeNames
from serving.directory.reported import Reported, reported_of
from serving.directory.restated import restated
from serving.directory.tree import Tree

_DAY = timedelta(days=1)
_T = TypeVar("_T")
Spans = list[tuple[Window, frozenset[str]]]
Groupings = list[tuple[Window, Mapping[str, str]]]


class Directory:
    """What was registered, for any day. Days are the province's; codes are those of cells."""

    def __init__(
        self, items: Mapping[str, InventoryItem] | None = None, unreadable: Iterable[Mistake] = ()
    ) -> None:
        """`unreadable` are mistakes met before the items could be read."""
        found = items or {}
        agencies, unread = read_items(found, AGENCY, AgencyFields)
        self._statements, overlaps = statements_by_agency(agencies)
        self._codes = Codes(self._statements)
        self._links = Links(self._codes)
        self.procedures, more = read_items(found, PROCEDURE, ProcedureFields)
        self.systems, others = read_items(found, SYSTEM, SystemFields)
        figures, last = read_items(found, FIGURE, FigureFields)
        self._figures = sorted(
            map(reported_of, figures),
            key=lambda one: (one.indicator, one.first or BEGINNING, one.agency, one.said_ms),
        )
        self.mistakes = [
            *unreadable,
            *unread,
            *overlaps,
            *self._codes.mistakes,
            *self._links.mistakes,
            *more,
            *stated_twice(self.procedures),
            *others,
            *last,
            *restated(found),
        ]
        self._firsts = [BEGINNING, *(day for day in self._links.changes() if day > BEGINNING)]
        self._tree: Callable[[int], Tree] = lru_cache(maxsize=64)(self._make_tree)
        self.spans = lru_cache(maxsize=4096)(self._spans)
        self.groupings = lru_cache(maxsize=256)(self._groupings)

    def _make_tree(self, place: int) -> Tree:
        return Tree(self._codes, self._links, self._firsts[place])

    def tree(self, day: date) -> Tree:
        """The hierarchy of a day."""
        return self._tree(bisect_right(self._firsts, day) - 1)

    @property
    def empty(self) -> bool:
        """Whether no agency was ever registered."""
        return not self._statements

    def known(self, code: str) -> bool:
        """Whether the code was ever registered, or is another form of one that was."""
        return code in self._codes.known

    def registered(self, group: str, by: str | None) -> bool | None:
        """Whether a group is an agency that was ever registered; None where groups are none, or
        nobody registers.
        """
        return self.known(group) if by == "agency" and not self.empty else None

    @cached_property
    def names(self) -> CodeNames:
        """What codes are called."""
        agencies = (one for found in self._statements.values() for one in found)
        return CodeNames(self.piece, agencies, self.procedures)

    @cached_property
    def procedure_codes(self) -> frozenset[str]:
        """The codes of every procedure that was ever registered."""
        return frozenset(one.fields.procedure for one in self.procedures)

    def registered_procedure(self, code: str) -> bool | None:
        """Whether a procedure was ever registered; None where nobody registers them."""
        return code in self.procedure_codes if self.procedures else None

    def unknown_procedures(self, counted: Iterable[str]) -> list[str]:
        """Codes of procedures that counts came under and that nobody registered; none while no
        procedure is registered at all.
        """
        return sorted(code for code in counted if self.registered_procedure(code) is False)

    def unknown(self, heard: Iterable[str]) -> list[str]:
        """Codes that counts came under and that nobody registered; none while there is no directory
        at all.
        """
        return [] if self.empty else sorted(code for code in heard if not self.known(code))

    def canonical(self, code: str, day: date) -> str:
        """The agency's code of that day, of any form of it; an unknown code is its own."""
        return self._codes.canonical(code, day)

    def piece(self, code: str, day: date) -> Piece | None:
        """What was stated of an agency on a day, or the nearest statement and that it is over or to
        come; None: never registered.
        """
        agency = self.canonical(code, day)
        return self._codes.piece(agency, day) if agency in self._statements else None

    def history(self, code: str) -> list[AgencyStatement]:
        """Every statement about a registered code, in order."""
        return self._statements.get(code, [])

    def forms(self, code: str, day: date) -> list[str]:
        """The other forms of an agency's code on a day."""
        return sorted(form for form in self.tree(day).forms.get(code, []) if form != code)

    def parent(self, code: str, day: date) -> str | None:
        """The agency directly above; for one that ended, what it became."""
        agency = self.canonical(code, day)
        return next((above for above in self.tree(day).chain(agency) if above != agency), None)

    def children(self, code: str, day: date) -> list[str]:
        """The agencies directly below, valid on that day."""
        agency = self.canonical(code, day)
        return [
            one for one in self.agencies(day) if one != agency and self.parent(one, day) == agency
        ]

    def descendants(self, code: str, day: date) -> frozenset[str]:
        """Every agency below, with those that ended before and count there since."""
        agency = self.canonical(code, day)
        return frozenset(self.tree(day).subtree(agency)) - {agency}

    def roll_up(self, code: str, day: date) -> tuple[str, ...]:
        """The agencies that a code's counts of a day are part of, nearest first."""
        return (
            tuple(self.tree(day).chain(self.canonical(code, day))) if self.known(code) else (code,)
        )

    def agencies(self, day: date) -> list[str]:
        """The agencies valid on a day, in order of code."""
        return sorted(code for code in self._statements if self._valid(code, day))

    def _valid(self, code: str, day: date) -> bool:
        return self._codes.piece(code, day).status == "valid"

    def agencies_of_level(self, level: str, day: date) -> list[str]:
        """Those of one level."""
        return [
            code
            for code in self.agencies(day)
            if self._codes.piece(code, day).agency.fields.level == level
        ]

    def predecessors(self, code: str) -> dict[str, date]:
        """The agencies that this one took over from, their own predecessors too, each with the
        first day of that.
        """
        found: dict[str, date] = {}
        waiting = [code]
        for one in waiting:
            for before, until in self._before.get(one, ()):
                if before not in found and before != code:
                    found[before] = until
                    waiting.append(before)
        return found

    @cached_property
    def _before(self) -> dict[str, list[tuple[str, date]]]:
        """What each agency took over directly, and from which day."""
        found: defaultdict[str, list[tuple[str, date]]] = defaultdict(list)
        for before, timeline in self._codes.timelines.items():
            for piece in timeline:
                link = self._links.link(piece)
                if link is not None and link[0] == "successor":
                    found[self.canonical(link[1], piece.first)].append((before, piece.first))
        return dict(found)

    def expected(self, window: Window) -> list[str]:
        """The agencies that should report on at least one day of a window."""
        first, last = _bounds(window)
        return sorted(
            code
            for code, found in self._statements.items()
            if any(
                one.fields.expected and one.first <= last and (one.end is None or one.end > first)
                for one in found
            )
        )

    def procedures_on(self, day: date) -> list[Statement[ProcedureFields]]:
        """The procedures valid on a day."""
        return [one for one in self.procedures if one.holds(day)]

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """By code the field (lĩnh vực) of each procedure that was ever registered, as it was stated
        last: of one field only, so that fields add up to the whole.
        """
        stated = sorted(self.procedures, key=lambda one: (one.first, one.said, one.fields.field))
        return {one.fields.procedure: one.fields.field for one in stated}

    def procedures_of_field(self, field: str) -> list[str]:
        """The codes of the procedures of a field (lĩnh vực), those that ended too."""
        return sorted(
            {one.fields.procedure for one in self.procedures if one.fields.field == field}
        )

    def reported(self, indicator: str, window: Window) -> list[Reported]:
        """The figures reported for periods that meet the window, in order of period and agency."""
        first, last = _bounds(window)
        return [
            one
            for one in self._figures
            if one.indicator == indicator
            and (one.first or BEGINNING) <= last
            and (one.last or date.max) >= first
        ]

    def _spans(self, code: str, window: Window, history: bool = False, own: bool = False) -> Spans:
        """The codes that an agency's figure is made of, for each part of a window with the same
        ones.

        The whole subtree of each day; with `own` only the agency itself, with `history` also what
        it took over, from before it did.
        """
        heir = self.canonical(code, _bounds(window)[1])
        found: Spans = []
        for part in self.parts(window, self.predecessors(heir).values() if history else ()):
            day = part.first or BEGINNING
            codes = self._held(self.canonical(code, day), day, own)
            _extend(
                found,
                part,
                codes | self._inherited(heir, day, own, frozenset([heir])) if history else codes,
            )
        return found

    def _held(self, agency: str, day: date, own: bool) -> frozenset[str]:
        tree = self.tree(day)
        return tree.all_forms([agency] if own else tree.subtree(agency))

    def _inherited(self, heir: str, day: date, own: bool, heirs: frozenset[str]) -> frozenset[str]:
        """What predecessors held on a day, of which the heir had it when it took over: the rest
        went to others.
        """
        found: set[str] = set()
        for before, until in self._before.get(heir, ()):
            if day < until and before not in heirs:
                held = self._held(before, day, own) | self._inherited(
                    before, day, own, heirs | {before}
                )
                found |= held & self._held(heir, until, False)
        return frozenset(found)

    def _groupings(self, window: Window, level: str | None = None) -> Groupings:
        """Which agency's group each known code counts in, for each part of a window; a code that is
        missing is a group of its own.
        """
        found: Groupings = []
        for part in self.parts(window) if level else _cut(window, self._codes.changes()):
            day = part.first or BEGINNING
            group = (
                partial(self.tree(day).group, level=level)
                if level
                else partial(self.canonical, day=day)
            )
            _extend(
                found,
                part,
                {code: name for code in self._codes.known if (name := group(code)) != code},
            )
        return found

    def parts(self, window: Window, more: Iterable[date] = ()) -> Iterator[Window]:
        """The window cut where the hierarchy changes; its open sides stay open."""
        return _cut(window, (*self._firsts, *more))


def _cut(window: Window, days: Iterable[date]) -> Iterator[Window]:
    low, high = _bounds(window)
    cuts = sorted({day for day in days if low < day <= high})
    firsts, lasts = [window.first, *cuts], [*(day - _DAY for day in cuts), window.last]
    yield from (Window(first, last) for first, last in zip(firsts, lasts, strict=True))


def _extend(found: list[tuple[Window, _T]], part: Window, holds: _T) -> None:
    """Append a part of a window, or lengthen the last one where nothing changes."""
    if found and found[-1][1] == holds:
        found[-1] = Window(found[-1][0].first, part.last), holds
    else:
        found.append((part, holds))


def _bounds(window: Window) -> tuple[date, date]:
    return window.first or BEGINNING, window.last or date.max
