"""What registered codes are called, on any day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from serving.directory.items import AgencyFields, ProcedureFields, Statement
from serving.directory.links import AgencyStatement, Piece

_Named = Statement[AgencyFields] | Statement[ProcedureFields]


@dataclass(frozen=True, slots=True)
class CodeName:
    """A name in both languages, each as it was stated."""

    vi: str | None
    en: str | None


class CodeNames:
    """The names of agencies, procedures and items; None where none was stated.

    Of what was not valid on the day asked for it is the name that it had last, or will have first.
    """

    def __init__(
        self,
        piece: Callable[[str, date], Piece | None],
        agencies: Iterable[AgencyStatement],
        procedures: Iterable[Statement[ProcedureFields]],
    ) -> None:
        """`piece`: what is stated of an agency's code on a day."""
        self._piece = piece
        self._procedures: Mapping[str, Sequence[_Named]]
        self._items: Mapping[str, Sequence[_Named]]
        by_code, by_item = (
            defaultdict[str, list[_Named]](list),
            defaultdict[str, list[_Named]](list),
        )
        for procedure in procedures:
            by_code[procedure.fields.procedure].append(procedure)
            by_item[procedure.item].append(procedure)
        for agency in agencies:
            by_item[agency.item].append(agency)
        self._procedures, self._items = _in_order(by_code), _in_order(by_item)

    def agency(self, code: str, day: date) -> CodeName | None:
        """Of any form of an agency's code."""
        piece = self._piece(code, day)
        return None if piece is None else _name(piece.agency)

    def procedure(self, code: str, day: date) -> CodeName | None:
        """Of a procedure's code."""
        return _of_day(self._procedures.get(code, ()), day)

    def item(self, item: str, day: date) -> CodeName | None:
        """Of an agency or procedure by the id of its item."""
        return _of_day(self._items.get(item, ()), day)


def _in_order(found: Mapping[str, list[_Named]]) -> Mapping[str, Sequence[_Named]]:
    return {
        code: sorted(some, key=lambda one: (one.first, one.said)) for code, some in found.items()
    }


def _of_day(stated: Sequence[_Named], day: date) -> CodeName | None:
    if not stated:
        return None
    begun = [one for one in stated if one.first <= day]
    holding = [one for one in begun if one.holds(day)]
    return _name((holding or begun or stated[:1])[-1])


def _name(one: _Named) -> CodeName | None:
    vi, en = one.fields.name_vi, one.fields.name_en
    return None if vi is None and en is None else CodeName(vi, en)
