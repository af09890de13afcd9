"""The hierarchy behind the directory: which code belongs to which agency, and what stands above it,
for every day.

Outside the days that its statements cover a code keeps a place, so that no count is lost: before
the first it stands where the first puts it; after its end under its successor, or, without one,
where it stood last. Links that would close a circle, or that lead to a code that nobody registered,
are left out and told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from serving.directory.items import AgencyFields, Mistake, Statement

BEGINNING = date.min
AgencyStatement = Statement[AgencyFields]
_LinkField = Literal["parent", "successor"]
_Left = set[tuple[str, int, _LinkField]]  # statements (item, beginning) whose link is left out


class Piece(NamedTuple):
    """From `first` until the next piece: what is stated of a code, or was last (`ended`), or is
    first (`before`).
    """

    first: date
    agency: AgencyStatement
    status: Literal["before", "valid", "ended"]


class Owned(NamedTuple):
    """Days on which a code is another form of an agency's code."""

    first: date
    end: date | None
    agency: str


def pieces(statements: Sequence[AgencyStatement]) -> list[Piece]:
    """All days, of statements in order that do not overlap."""
    found = [Piece(BEGINNING, statements[0], "before")]
    for place, one in enumerate(statements):
        found.append(Piece(one.first, one, "valid"))
        following = statements[place + 1].first if place + 1 < len(statements) else None
        if one.end is not None and one.end != following:
            found.append(Piece(one.end, one, "ended"))
    return found


class Codes:
    """Registered codes, the other forms of them, and which agency a code means on a day."""

    def __init__(self, statements: Mapping[str, Sequence[AgencyStatement]]) -> None:
        self.timelines = {code: pieces(found) for code, found in statements.items()}
        self.mistakes: list[Mistake] = []
        self._starts = {
            code: [piece.first for piece in found] for code, found in self.timelines.items()
        }
        self.aliases: defaultdict[str, list[Owned]] = defaultdict(list)
        for one in sorted(
            (one for found in statements.values() for one in found),
            key=lambda one: (one.said, one.item),
        ):
            for alias in dict.fromkeys(one.fields.alias):
                if alias != one.agency:
                    self._take(alias, one)
        for owned in self.aliases.values():
            owned.sort()
        self.known = frozenset({*self.timelines, *self.aliases})

    def _take(self, alias: str, one: AgencyStatement) -> None:
        registered = [
            piece.agency
            for piece in self.timelines.get(alias, ())
            if piece.status == "valid" and piece.agency.overlaps(one)
        ]
        others = [
            owned.agency
            for owned in self.aliases.get(alias, ())
            if owned.agency != one.agency and _meets(owned, one)
        ]
        if not registered and not others:
            self.aliases[alias].append(Owned(one.first, one.end, one.agency))
            return
        whose = alias if registered else others[0]
        self.mistakes.append(
            Mistake(
                "alias_taken",
                one.agency,
                one.place(f"alias {alias}"),
                f"mã {alias} trong thời gian đó đã là của cơ quan {whose}: không tính là mã khác"
                f" của {one.agency}",
                f"code {alias} is agency {whose}'s for that time: it is not taken as another code"
                f" of {one.agency}; state it once",
            )
        )

    def piece(self, code: str, day: date) -> Piece:
        """What is stated, of a registered code."""
        return self.timelines[code][bisect_right(self._starts[code], day) - 1]

    def canonical(self, code: str, day: date) -> str:
        """The agency that a code means on a day; a code that nobody knows means itself."""
        registered = code in self.timelines
        if (registered and self.piece(code, day).status == "valid") or code not in self.aliases:
            return code
        owned = self.aliases[code]
        begun = [one for one in owned if one.first <= day]
        if registered:
            return (
                begun[-1].agency
                if begun and (begun[-1].end is None or day < begun[-1].end)
                else code
            )
        # which may itself be another one's code by then
        return self.canonical((begun[-1] if begun else owned[0]).agency, day)

    def ever(self, codes: Iterable[str]) -> set[str]:
        """The codes and every agency that they mean on some day."""
        found = list(dict.fromkeys(codes))
        for code in found:
            found += [
                owned.agency for owned in self.aliases.get(code, ()) if owned.agency not in found
            ]
        return set(found)

    def changes(self) -> Iterator[date]:
        """Days on which some code begins to mean another agency."""
        for alias, owned in self.aliases.items():
            if alias in self.timelines:
                yield from (day for one in owned for day in (one.first, one.end) if day is not None)
                yield from (piece.first for piece in self.timelines[alias])
            else:
                yield from (
                    later.first for one, later in pairwise(owned) if one.agency != later.agency
                )


def _meets(owned: Owned, one: AgencyStatement) -> bool:
    return (one.end is None or owned.first < one.end) and (
        owned.end is None or one.first < owned.end
    )


class Links:
    """What stands directly above each agency on each day; never in a circle."""

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.mistakes: list[Mistake] = []
        self._left: _Left = set()
        for statement in self._statements:
            self._check_targets(statement)
        self._break_circles()
        for statement in self._statements:
            self._check_end(statement)

    @cached_property
    def _statements(self) -> list[AgencyStatement]:
        return [
            piece.agency
            for code in self.codes.timelines
            for piece in self.codes.timelines[code]
            if piece.status == "valid"
        ]

    def link(self, piece: Piece) -> tuple[_LinkField, str] | None:
        """The link that holds during a piece, with the code as it was stated."""
        one = piece.agency
        if (
            piece.status == "ended"
            and one.fields.successor is not None
            and (one.item, one.starts_ms, "successor") not in self._left
        ):
            return "successor", one.fields.successor
        if one.fields.parent is not None and (one.item, one.starts_ms, "parent") not in self._left:
            return "parent", one.fields.parent
        return None

    def up(self, code: str, day: date) -> tuple[str | None, bool]:
        """What stands above an agency on a day, and whether that is what replaced it."""
        link = self.link(self.codes.piece(code, day))
        return (
            (None, False)
            if link is None
            else (self.codes.canonical(link[1], day), link[0] == "successor")
        )

    def changes(self) -> list[date]:
        """Days on which any link, level or meaning of a code changes, in order."""
        found = set(self.codes.changes())
        for timeline in self.codes.timelines.values():
            for one, later in pairwise(timeline):
                if (self.link(one), one.agency.fields.level) != (
                    self.link(later),
                    later.agency.fields.level,
                ):
                    found.add(later.first)
        return sorted(found)

    def _leave_out(
        self,
        one: AgencyStatement,
        field: _LinkField,
        kind: Literal["unknown_parent", "unknown_successor", "cycle"],
        vi: str,
        en: str,
    ) -> None:
        self._left.add((one.item, one.starts_ms, field))
        self.mistakes.append(
            Mistake(
                kind,
                one.agency,
                one.place(field),
                f"{vi}: đã bỏ qua liên kết này",
                f"{en}: this link is left out",
            )
        )

    def _check_targets(self, one: AgencyStatement) -> None:
        parent, successor, known = one.fields.parent, one.fields.successor, self.codes.known
        if parent is not None and parent not in known:
            self._leave_out(
                one,
                "parent",
                "unknown_parent",
                f"cơ quan cấp trên {parent} chưa được đăng ký",
                f"parent {parent} is not registered",
            )
        if successor is not None and successor not in known:
            self._leave_out(
                one,
                "successor",
                "unknown_successor",
                f"cơ quan kế thừa {successor} chưa được đăng ký",
                f"successor {successor} is not registered",
            )

    def _check_end(self, one: AgencyStatement) -> None:
        """An agency that stays under one that ended without a successor still rolls up through
        it.
        """
        last = date.max if one.end is None else date.fromordinal(one.end.toordinal() - 1)
        above, replaced = (
            self.up(one.agency, last)
            if self.codes.canonical(one.agency, last) == one.agency
            else (None, False)
        )
        if above is None or replaced or above not in self.codes.timelines:
            return
        piece = self.codes.piece(above, last)
        if piece.status == "ended" and (self.link(piece) or ("", ""))[0] != "successor":
            self.mistakes.append(
                Mistake(
                    "parent_ended",
                    one.agency,
                    one.place("parent"),
                    f"cơ quan cấp trên {above} đã kết thúc ngày {piece.first} và không có cơ quan"
                    " kế thừa: vẫn tính qua cơ quan đó",
                    f"parent {above} ended on {piece.first} without a successor: counts still roll"
                    " up through it; state the new parent",
                )
            )

    def _break_circles(self) -> None:
        suspects = self._suspects()
        while suspects:
            circle = next(
                (found for day in self._days(suspects) if (found := self._circle(suspects, day))),
                None,
            )
            if circle is None:
                return
            one, field = max(circle, key=lambda link: (link[0].said, link[0].item, link[1]))
            members = ", ".join(sorted({link[0].agency for link in circle}))
            self._leave_out(
                one,
                field,
                "cycle",
                f"tạo thành vòng giữa {members}",
                f"closes a circle of {members}",
            )

    def _suspects(self) -> list[str]:
        """Agencies that could be in a circle on some day: those that remain when all that lead
        nowhere are taken away.
        """
        targets = {code: self._ever_above(code) for code in self.codes.timelines}
        while leading := {code for code, above in targets.items() if above & targets.keys()}:
            if len(leading) == len(targets):
                return sorted(leading)
            targets = {code: above for code, above in targets.items() if code in leading}
        return []

    def _ever_above(self, code: str) -> set[str]:
        found = [
            link[1]
            for piece in self.codes.timelines[code]
            if (link := self.link(piece)) is not None
        ]
        found += [
            piece.agency.fields.parent
            for piece in self.codes.timelines[code]
            if piece.agency.fields.parent is not None
        ]
        return self.codes.ever(found)

    def _days(self, suspects: Iterable[str]) -> list[date]:
        firsts = {piece.first for code in suspects for piece in self.codes.timelines[code]}
        return sorted(firsts | set(self.codes.changes()))

    def _circle(
        self, suspects: Iterable[str], day: date
    ) -> list[tuple[AgencyStatement, _LinkField]]:
        """The links of one circle of that day; none: there is no circle."""
        done: set[str] = set()
        for start in suspects:
            walked: dict[str, tuple[AgencyStatement, _LinkField]] = {}
            code: str | None = start
            while (
                code is not None
                and code not in done
                and code not in walked
                and code in self.codes.timelines
            ):
                piece = self.codes.piece(code, day)
                if (link := self.link(piece)) is None:
                    break
                walked[code] = (piece.agency, link[0])
                code = self.codes.canonical(link[1], day)
            if code in walked:
                places = list(walked)
                return [walked[one] for one in places[places.index(code) :]]
            done.update(walked)
        return []
