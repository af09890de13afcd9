"""Which agencies, categories and days a question is about, by the hierarchy of each day."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from metrics.api.parameters import Asked, CountsAsked, IndicatorsAsked
from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence
from metrics.figures.sums import Scope
from schemas.codes import AdministrativeLevel
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.tree import Tree

# Central agencies in the province (vertical) belong to no level of it, and a unit belongs to that
# of the agency above it.
OF_AGENCIES: dict[str, AdministrativeLevel] = {
    "province": "province",
    "department": "province",
    "district": "district",
    "commune": "commune",
}


def scopes(directory: Directory, asked: Asked, window: Window) -> list[Scope]:
    """The parts of a window with the codes that count in each, and the names that groups by agency
    have.
    """
    parts = [Scope(window, None if asked.agency is None else frozenset([asked.agency]))]
    if directory.empty:
        return parts
    if asked.agency is not None:
        parts = [
            Scope(*part)
            for part in directory.spans(asked.agency, window, history=asked.history, own=asked.own)
        ]
    if not isinstance(asked, IndicatorsAsked | CountsAsked) or asked.by != "agency":
        return parts
    names = directory.groupings(window, asked.roll_up)
    return [
        Scope(both, part.codes, renamed)
        for part in parts
        for other, renamed in names
        if (both := _both(part.window, other))
    ]


def _both(one: Window, other: Window) -> Window | None:
    """The days that are in both; None: none is."""
    firsts = [first for first in (one.first, other.first) if first is not None]
    lasts = [last for last in (one.last, other.last) if last is not None]
    first, last = max(firsts, default=None), min(lasts, default=None)
    return None if first and last and first > last else Window(first, last)


def of_level(
    directory: Directory, level: AdministrativeLevel, found: list[Scope]
) -> list[Scope] | None:
    """The same, of the agencies of a level of government only; each day's own, those that had ended
    by then too. None: there is none.
    """
    limited, known = list[Scope](), False
    for scope in found:
        for part in directory.parts(scope.window):
            tree = directory.tree(part.first or date.min)
            codes = tree.all_forms(agency for agency in tree.level if _level(tree, agency) == level)
            known |= bool(codes)
            _extend(
                limited,
                scope._replace(
                    window=part, codes=codes if scope.codes is None else codes & scope.codes
                ),
            )
    return limited if known else None


def _extend(found: list[Scope], scope: Scope) -> None:
    """Append a scope, or lengthen the last one where nothing changes."""
    if found and found[-1][1:] == scope[1:]:
        found[-1] = scope._replace(window=Window(found[-1].window.first, scope.window.last))
    else:
        found.append(scope)


def _level(tree: Tree, agency: str) -> AdministrativeLevel | None:
    for one in _with_those_above(tree, agency):
        if (own := tree.level.get(one, "unit")) != "unit":
            return OF_AGENCIES.get(own)
    return None


def _with_those_above(tree: Tree, agency: str) -> Iterator[str]:
    yield agency
    yield from tree.chain(agency)


def among(
    directory: Directory, indicator: Indicator, field: str | None = None
) -> tuple[str, ...] | Name:
    """The categories that an indicator is limited to by its own filters, and to a field beside
    (none: all), or why there are none.
    """
    own = indicator.filters
    limits = [set(own.categories)] if own and own.categories else []
    limits += [set(categories(directory, own.fields))] if own and own.fields else []
    limits += [set(categories(directory, [field]))] if field else []
    if not limits:
        return ()
    return tuple(sorted(set.intersection(*limits))) or absence.NO_FIELD


def categories(directory: Directory, fields: Collection[str]) -> tuple[str, ...]:
    """The procedures of these fields."""
    return tuple(
        sorted({code for field in fields for code in directory.procedures_of_field(field)})
    )
