"""Figures worked out procedure by procedure: what is registered of each, and what was counted of its dossiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from metrics import reasons
from metrics.catalogue import ByProcedure, Name
from metrics.directory_items import ProcedureFields
from metrics.figures import Figure, Parts
from metrics.reader import By
from schemas.worktime import Office

Share = tuple[int, int]  # numerator, denominator
Rule = Callable[[ProcedureFields, Parts, Office], Share | None]


def figures_of(
    rule: ByProcedure, procedures: Iterable[ProcedureFields], counted: Mapping[str, Parts], office: Office, by: By | None
) -> tuple[dict[str, Figure], Name | None]:
    """The share of all procedures for citizens and businesses that the rule asks about, or of each of them."""
    public = (one for one in procedures if not one.internal)
    shares = {one.procedure: share for one in public if (share := RULES[rule](one, counted.get(one.procedure, [0, 0]), office))}
    if by == "category":
        return {code: _figure(*share) for code, share in sorted(shares.items())}, None
    whole = _figure(*(sum(column) for column in zip((0, 0), *shares.values(), strict=True)))
    return {"": whole}, None if shares else reasons.NO_PROCEDURE


def _any(procedure: ProcedureFields, counted: Parts, _: Office) -> Share | None:
    """Of fee procedures: whether there was any."""
    return (int(counted[0] > 0), 1) if procedure.with_fee else None


def _days_saved(procedure: ProcedureFields, counted: Parts, office: Office) -> Share | None:
    """Of reviewed procedures with finished dossiers: the working seconds that the law gave those before, and how many were not taken."""
    worked, finished = counted[:2]
    if not procedure.days_before or not finished:
        return None
    given = finished * procedure.days_before * office.day_seconds
    return given - worked, given


RULES: Mapping[ByProcedure, Rule] = {"any": _any, "days_saved": _days_saved}


def _figure(numerator: int, denominator: int) -> Figure:
    return Figure(numerator, denominator, numerator / denominator if denominator else None)
