"""Figures worked out procedure by procedure: what is registered of each, and what was counted of its dossiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from metrics import reasons
from metrics.catalogue import ByProcedure, Name
from metrics.directory_items import ProcedureFields, Statement
from metrics.figures import Figure, Parts, share
from metrics.reader import By
from schemas.worktime import Office

Share = tuple[int, int]  # numerator, denominator
Rule = Callable[[ProcedureFields, Parts, Office], Share | None]


def figures_of(
    rule: ByProcedure, procedures: Iterable[Statement[ProcedureFields]], counted: Mapping[str, Parts], office: Office, by: By | None
) -> tuple[dict[str, Figure], Name | None]:
    """The share of all procedures for citizens and businesses that the rule asks about, or of each of them."""
    public = (one.fields for one in procedures if not one.fields.internal)
    shares = {one.procedure: parts for one in public if (parts := RULES[rule](one, counted.get(one.procedure, [0, 0]), office))}
    if by == "category":
        return {code: share(*parts) for code, parts in sorted(shares.items())}, None
    whole = share(*(sum(column) for column in zip((0, 0), *shares.values(), strict=True)))
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
