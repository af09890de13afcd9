"""Figures worked out procedure by procedure: what is registered of each, and what was counted of
its dossiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from metrics.catalogue.indicators import ByProcedure, Indicator, Name
from metrics.cube.snapshot import By, Snapshot
from metrics.figures import absence
from metrics.figures.sums import Figure, Moment, Parts, Scope, Sharing, read, share
from schemas.worktime import Office
from serving.directory.directory import Directory
from serving.directory.items import ProcedureFields, Statement

Share = tuple[int, int]  # numerator, denominator
Rule = Callable[[ProcedureFields, Parts, Office], Share | None]


def by_procedure(
    snapshot: Snapshot,
    indicator: Indicator,
    moment: Moment,
    where: Sequence[Scope],
    directory: Directory,
    *,
    among: Sequence[str] = (),
    by: By | None = None,
) -> tuple[dict[str, Figure], Name | None]:
    """The figure over the procedures of the last day, `among` these codes where any are given; of
    other groups why there is none.
    """
    assert indicator.by_procedure is not None
    if by not in (None, "category"):
        return {}, absence.NOT_BY_THIS
    counted = read(
        Sharing(snapshot, [indicator]), indicator, moment, where, by="category", among=among
    )
    registered = directory.procedures_on(where[-1].window.last or moment.today)
    chosen = [one for one in registered if not among or one.fields.procedure in among]
    return figures_of(indicator.by_procedure, chosen, counted, moment.office, by)


def figures_of(
    rule: ByProcedure,
    procedures: Iterable[Statement[ProcedureFields]],
    counted: Mapping[str, Parts],
    office: Office,
    by: By | None,
) -> tuple[dict[str, Figure], Name | None]:
    """The share of all procedures for citizens and businesses that the rule asks about, or of each
    of them.
    """
    public = (one.fields for one in procedures if not one.fields.internal)
    shares = {
        one.procedure: parts
        for one in public
        if (parts := RULES[rule](one, counted.get(one.procedure, [0, 0]), office))
    }
    if by == "category":
        return {code: share(*parts) for code, parts in sorted(shares.items())}, None
    whole = share(*(sum(column) for column in zip((0, 0), *shares.values(), strict=True)))
    return {"": whole}, None if shares else absence.NO_PROCEDURE


def _any(procedure: ProcedureFields, counted: Parts, _: Office) -> Share | None:
    """Of fee procedures: whether there was any."""
    return (int(counted[0] > 0), 1) if procedure.with_fee else None


def _days_saved(procedure: ProcedureFields, counted: Parts, office: Office) -> Share | None:
    """Of reviewed procedures with finished dossiers: the working seconds that the law gave those
    before, and how many were not taken.
    """
    worked, finished = counted[:2]
    if not procedure.days_before or not finished:
        return None
    given = finished * procedure.days_before * office.day_seconds
    return given - worked, given


RULES: Mapping[ByProcedure, Rule] = {"any": _any, "days_saved": _days_saved}
