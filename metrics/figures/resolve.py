"""Where an indicator may be read for a query: of which agencies, categories and days, or why it may
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence, uncounted
from metrics.figures.query import Groups
from metrics.figures.reading import Reading, Slice
from metrics.figures.scopes import AgencyScope, among
from metrics.figures.sums import own_level
from schemas.codes import AdministrativeLevel
from schemas.families import are_by_procedure


class Resolved(NamedTuple):
    """Where to read: these scopes, limited to these categories (none: all), by the measures of this
    level (None: those of all).
    """

    scopes: Sequence[AgencyScope]
    categories: tuple[str, ...]
    level: AdministrativeLevel | None


def resolve(reading: Reading, indicator: Indicator, part: Slice) -> Resolved | Name:
    """Where it may be read, else why it is absent."""
    if (why := _absent(reading, indicator, part)) is not None:
        return why
    limits = _limits(reading, indicator)
    if isinstance(limits, Name):
        return limits
    level = own_level(indicator, part.level)
    where = reading.scopes(part.window, part.level if level is None else None)
    return absence.NO_LEVEL if where is None else Resolved(where, limits, level)


def _absent(reading: Reading, indicator: Indicator, part: Slice) -> Name | None:
    query = reading.query
    if indicator.asks_now and query.as_of is not None:
        return absence.NOT_AS_OF
    if indicator.asks_now and query.time and not (query.by == "day" and indicator.as_of):
        return absence.NOW_ONLY
    needed = uncounted.needs(indicator, part.level)
    if (why := uncounted.why(reading.view.uncounted & needed)) is not None:
        return why
    reaches_before = any(term.over == "before" for term in indicator.leaves)
    if part.by == "day" and (indicator.ends_open or reaches_before):
        return absence.NOT_BY_DAY
    one_agency = part.level or query.agency or part.by in ("agency", "level")
    if not indicator.by_agency and one_agency:
        return absence.NOT_BY_AGENCY
    if (why := no_such_groups(reading, indicator.families, part.by)) is not None:
        return why
    return None


def no_such_groups(reading: Reading, families: Sequence[str], by: Groups | None) -> Name | None:
    """Why there are no groups of this kind; None: there are."""
    directory = reading.view.directory
    if by in ("procedure", "field") and not are_by_procedure(families):
        return absence.NOT_BY_THIS
    if by == "field" and not directory.fields:
        return absence.NO_FIELD
    if by == "level" and directory.empty:
        return absence.NO_LEVEL
    return None


def _limits(reading: Reading, indicator: Indicator) -> tuple[str, ...] | Name:
    field = reading.query.field
    if field and not (indicator.terms and are_by_procedure(indicator.families)):
        return absence.NOT_ONE_FIELD
    return among(reading.view.directory, indicator, field)
