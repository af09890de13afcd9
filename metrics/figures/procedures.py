"""Figures worked out procedure by procedure: what is registered of each, and what was counted of
its dossiers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from metrics.catalogue.indicators import ByProcedure, Indicator, Name
from metrics.figures import absence
from metrics.figures.figure import Figure, Parts, share
from metrics.figures.query import Groups
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.resolve import Resolved, resolve
from metrics.figures.sums import read_parts
from schemas.worktime import Office
from serving.directory.items import ProcedureFields, Statement

Ratio = tuple[int, int]  # numerator, denominator
ProcedureRule = Callable[[ProcedureFields, Parts, Office], Ratio | None]


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """The figure over the procedures of the last day; of other groups why there is none."""
    place = resolve(reading, indicator, part)
    if isinstance(place, Name):
        return {}, place
    assert indicator.by_procedure is not None
    if part.by not in (None, "category", "procedure", "field"):
        return {}, absence.NOT_BY_THIS
    # of its own measures only: others would be summed procedure by procedure for nothing
    provider = reading.view.provider([indicator])
    counted = read_parts(provider, indicator, place.scopes, by="category", among=place.categories)
    ratios = _ratios(
        indicator.by_procedure,
        _registered(reading, place),
        counted,
        reading.view.moment.office,
    )
    return _figures_of(ratios, reading.view.directory.fields, part.by)


def _registered(reading: Reading, place: Resolved) -> Sequence[Statement[ProcedureFields]]:
    """On the last day, of the categories that it is limited to."""
    view, limits = reading.view, place.categories
    last = place.scopes[-1].window.last or view.moment.today
    found = view.directory.procedures_on(last)
    return [one for one in found if not limits or one.fields.procedure in limits]


def _ratios(
    rule: ByProcedure,
    procedures: Iterable[Statement[ProcedureFields]],
    counted: Mapping[str, Parts],
    office: Office,
) -> dict[str, Ratio]:
    """Of each procedure for citizens and businesses that the rule asks about."""
    public = (one.fields for one in procedures if not one.fields.internal)
    return {
        one.procedure: ratio
        for one in public
        if (ratio := RULES_BY_PROCEDURE[rule](one, counted.get(one.procedure, [0, 0]), office))
    }


def _figures_of(
    ratios: Mapping[str, Ratio], fields: Mapping[str, str], by: Groups | None
) -> FoundFigures:
    """The share of all of them, of each field's, or of each one."""
    if by is None:
        return {"": _added_up(ratios.values())}, None if ratios else absence.NO_PROCEDURE
    groups: defaultdict[str, list[Ratio]] = defaultdict(list)
    for code, ratio in ratios.items():
        groups[fields[code] if by == "field" else code].append(ratio)
    return {group: _added_up(found) for group, found in sorted(groups.items())}, None


def _added_up(ratios: Iterable[Ratio]) -> Figure:
    return share(*(sum(column) for column in zip((0, 0), *ratios, strict=True)))


def _any(procedure: ProcedureFields, counted: Parts, _: Office) -> Ratio | None:
    """Of fee procedures: whether there was any."""
    return (int(counted[0] > 0), 1) if procedure.with_fee else None


def _days_saved(procedure: ProcedureFields, counted: Parts, office: Office) -> Ratio | None:
    """Of reviewed procedures with finished dossiers: the working seconds that the law gave those
    before, and how many were not taken.
    """
    worked, finished = counted[:2]
    if not procedure.days_before or not finished:
        return None
    given = finished * procedure.days_before * office.day_seconds
    return given - worked, given


RULES_BY_PROCEDURE: Mapping[ByProcedure, ProcedureRule] = {"any": _any, "days_saved": _days_saved}
