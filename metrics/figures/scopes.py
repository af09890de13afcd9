"""Which agencies, categories and days a query is about, by the hierarchy of each day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence
from metrics.figures.query import REST, Query
from schemas.codes import ADMINISTRATIVE_LEVELS, AdministrativeLevel
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


class AgencyScope(NamedTuple):
    """Where a figure is looked for during a part of its window: these agencies' codes (None: all).
    `names`: under which groups what is read of agencies or procedures is told; `rest`: under which
    all others are (None: each under its own).
    """

    window: Window
    codes: frozenset[str] | None = None
    names: Mapping[str, str] = {}
    rest: str | None = None

    def name(self, group: str) -> str:
        """The group that something is told under."""
        return self.names.get(group, group if self.rest is None else self.rest)


def scopes(directory: Directory, query: Query, window: Window) -> list[AgencyScope]:
    """The parts of a window with the codes that count in each, and the names that groups by agency
    have.
    """
    codes = None if query.agency is None else frozenset([query.agency])
    parts = [AgencyScope(window, codes)]
    if query.agency is not None and not directory.empty:
        spans = directory.spans(query.agency, window, history=query.history, own=query.own)
        parts = [AgencyScope(*span) for span in spans]
    if query.by == "field":
        return [part._replace(names=directory.fields, rest=REST) for part in parts]
    if query.by == "level":
        return _levelled(directory, parts)
    named = query.by == "agency" and not directory.empty
    return _named(directory, query, window, parts) if named else parts


def _levelled(directory: Directory, parts: Sequence[AgencyScope]) -> list[AgencyScope]:
    """The same, cut where the level of an agency changes, and told by level."""
    found: list[AgencyScope] = []
    for scope in parts:
        for part in directory.parts(scope.window):
            levels = levels_of(directory.tree(part.bounds[0]))
            _extend(found, scope._replace(window=part, names=levels, rest=REST))
    return found


def levels_of(tree: Tree) -> dict[str, AdministrativeLevel]:
    """By code the level of government of each agency that is of one."""
    return {code: level for level in ADMINISTRATIVE_LEVELS for code in _codes_of(tree, level)}


def _named(
    directory: Directory, query: Query, window: Window, parts: Sequence[AgencyScope]
) -> list[AgencyScope]:
    """The same, cut where the names of groups change."""
    names = directory.groupings(window, query.roll_up)
    return [
        AgencyScope(days, part.codes, renamed)
        for part in parts
        for other, renamed in names
        if (days := part.window.overlap(other)) is not None
    ]


def scope_of(found: Sequence[AgencyScope], day: date) -> AgencyScope:
    """The one that a day is in; the last one for a day behind them all."""
    later = (scope for scope in found if not scope.window.ends_before(day))
    return next(later, found[-1])


def limited_to_level(
    directory: Directory, level: AdministrativeLevel, found: list[AgencyScope]
) -> list[AgencyScope] | None:
    """The same, of the agencies of a level of government only; each day's own, those that had ended
    by then too. None: there is none.
    """
    limited, known = list[AgencyScope](), False
    for scope in found:
        for part in directory.parts(scope.window):
            codes = _codes_of(directory.tree(part.bounds[0]), level)
            known |= bool(codes)
            limits = codes if scope.codes is None else codes & scope.codes
            _extend(limited, scope._replace(window=part, codes=limits))
    return limited if known else None


def _codes_of(tree: Tree, level: AdministrativeLevel) -> frozenset[str]:
    return tree.all_forms(agency for agency in tree.level if _level(tree, agency) == level)


def _extend(found: list[AgencyScope], scope: AgencyScope) -> None:
    """Append a scope, or lengthen the last one where nothing changes."""
    if found and found[-1][1:] == scope[1:]:
        found[-1] = scope._replace(window=Window(found[-1].window.first, scope.window.last))
    else:
        found.append(scope)


def _level(tree: Tree, agency: str) -> AdministrativeLevel | None:
    return OF_AGENCIES.get(standing(tree, agency) or "")


def standing(tree: Tree, agency: str) -> str | None:
    """The registered level of an agency, of a unit that of the one above it; None: not known."""
    for one in _with_those_above(tree, agency):
        if (own := tree.level.get(one, "unit")) != "unit":
            return own
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
    limits += [categories(directory, own.fields)] if own and own.fields else []
    limits += [categories(directory, [field])] if field else []
    if not limits:
        return ()
    return tuple(sorted(set.intersection(*limits))) or absence.NO_FIELD


def categories(directory: Directory, fields: Collection[str]) -> set[str]:
    """The procedures of these fields."""
    return {code for field in fields for code in directory.procedures_of_field(field)}
