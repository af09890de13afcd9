"""Figures worked out procedure by procedure: what is registered of each, and what was counted of
its dossiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from metrics.catalogue.indicators import ByProcedure, Indicator, Name
from metrics.cube.snapshot import By
from metrics.figures import absence
from metrics.figures.figure import Parts, share
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.resolve import Resolved, resolve
from metrics.figures.sums import read_parts
from schemas.worktime import Office
from serving.directory.items import ProcedureFields, Statement

Ratio = tuple[int, int]  # numerator, denominator
Rule = Callable[[ProcedureFields, Parts, Office], Ratio | None]


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """The figure over the procedures of the last day; of other groups why there is none."""
    place = resolve(reading, indicator, part)
    if isinstance(place, Name):
        return {}, place
    assert indicator.by_procedure is not None
    if part.by not in (None, "category"):
        return {}, absence.NOT_BY_THIS
    # of its own measures only: others would be summed procedure by procedure for nothing
    provider = reading.view.provider([indicator])
    counted = read_parts(provider, indicator, place.scopes, by="category", among=place.categories)
    return _figures_of(
        indicator.by_procedure,
        _registered(reading, place),
        counted,
        reading.view.moment.office,
        part.by,
    )


def _registered(reading: Reading, place: Resolved) -> Sequence[Statement[ProcedureFields]]:
    """On the last day, of the categories that it is limited to."""
    view, limits = reading.view, place.categories
    last = place.scopes[-1].window.last or view.moment.today
    found = view.directory.procedures_on(last)
    return [one for one in found if not limits or one.fields.procedure in limits]


def _figures_of(
    rule: ByProcedure,
    procedures: Iterable[Statement[ProcedureFields]],
    counted: Mapping[str, Parts],
    office: Office,
    by: By | None,
) -> FoundFigures:
    """The share of all procedures for citizens and businesses that the rule asks about, or of each
    of them.
    """
    public = (one.fields for one in procedures if not one.fields.internal)
    ratios = {
        one.procedure: ratio
        for one in public
        if (ratio := RULES_BY_PROCEDURE[rule](one, counted.get(one.procedure, [0, 0]), office))
    }
    if by == "category":
        return {code: share(*ratio) for code, ratio in sorted(ratios.items())}, None
    whole = share(*(sum(column) for column in zip((0, 0), *ratios.values(), strict=True)))
    return {"": whole}, None if ratios else absence.NO_PROCEDURE


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


RULES_BY_PROCEDURE: Mapping[ByProcedure, Rule] = {"any": _any, "days_saved": _days_saved}
