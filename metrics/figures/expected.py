"""Which agencies are expected to report, which do, and since when the others are silent.

Expected are the agencies of the directory that should report on some day in question; where none
was ever registered those of `LGSP_AGENCIES`, else all ever heard from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Snapshot
from metrics.figures.query import Query
from metrics.figures.scopes import limited_to_level, scopes
from schemas.clock import ZONE, to_datetime, to_ms
from schemas.windows import Window
from serving.directory.directory import Directory


class Expecting(NamedTuple):
    """The agencies that should report, and whether anybody said so."""

    codes: frozenset[str]
    stated: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """An agency that should report, with every code under which it may."""

    code: str
    level: str | None = None
    name_vi: str | None = None
    name_en: str | None = None
    since: date | None = None  # the first day on which it should; None: not known


def expected(
    directory: Directory, declared: Mapping[str, Agency], heard: Collection[str], window: Window
) -> list[str]:
    """The agencies expected on at least one day of a window, in order of code."""
    return directory.expected(window) if not directory.empty else sorted(declared or heard)


def expected_agency(
    directory: Directory, declared: Mapping[str, Agency], code: str, window: Window
) -> Expected:
    """What was said of an expected agency, by the window's end."""
    if not directory.empty:
        return _registered(directory, code, window)
    if (one := declared.get(code)) is None:
        return Expected(code)
    if one.name is None or isinstance(one.name, str):
        return Expected(code, one.level, one.name)
    return Expected(code, one.level, one.name.vi, one.name.en)


def _registered(directory: Directory, code: str, window: Window) -> Expected:
    stated = [one for one in directory.history(code) if one.fields.expected]
    first, last = window.bounds
    in_window = [
        one for one in stated if one.first <= last and (one.end is None or one.end > first)
    ]
    newest = in_window[-1].fields
    return Expected(code, newest.level, newest.name_vi, newest.name_en, stated[0].first)


def expecting(
    directory: Directory,
    declared: Mapping[str, Agency],
    heard: Collection[str],
    query: Query,
    window: Window,
) -> Expecting:
    """The agencies whose counts a query's figures should hold: of one agency, what is below it, and
    itself where none of that is expected; of a level, that level's.
    """
    found = asked_for(directory, query, window, expected(directory, declared, heard, window))
    if not found and query.agency is not None:
        found = {query.agency}
    return Expecting(frozenset(found), is_stated(directory, declared, query.agency))


def asked_for(
    directory: Directory, query: Query, window: Window, codes: Collection[str]
) -> set[str]:
    """Those of the agencies that a query is about, on some day of a window."""
    where = scopes(directory, query, window)
    if query.level is not None:
        where = limited_to_level(directory, query.level, where) or where
    if any(scope.codes is None for scope in where):
        return set(codes)
    return {code for scope in where for code in scope.codes or ()}.intersection(codes)


def is_stated(directory: Directory, declared: Collection[str], agency: str | None) -> bool:
    """Whether anybody said who should report, of the province or of one agency: else nobody knows
    when all do.
    """
    if agency is None:
        return not directory.empty or bool(declared)
    return directory.known(agency) if not directory.empty else agency in declared


def days_with_counts(
    snapshot: Snapshot, directory: Directory, families: Sequence[str], window: Window
) -> Counter[str]:
    """Of each agency, on how many days of the window it has at least one dated count, under
    whichever form of its code.
    """
    found: set[tuple[str, int]] = set()
    for part, agency_of in directory.groupings(window):
        found.update(
            (agency_of.get(code, code), day) for code, day in snapshot.days(families, part)
        )
    return Counter(agency for agency, _ in found)


def reporting(
    snapshot: Snapshot, directory: Directory, families: Collection[str], window: Window
) -> set[str]:
    """The agencies with at least one dated count of the families in the window, under whichever
    form of their code.
    """
    found: set[str] = set()
    for part, agency_of in directory.groupings(window):
        found.update(agency_of.get(code, code) for code in snapshot.dated(families, part))
    return found


def last_events(directory: Directory, heard: Mapping[str, int], day: date) -> dict[str, int]:
    """When a count of each agency last changed (epoch ms), under whichever form of its code; being
    registered is no count. `heard`: the same by code.
    """
    found = defaultdict[str, int](int)
    for code, at in heard.items():
        agency = directory.canonical(code, day)
        found[agency] = max(found[agency], at)
    return dict(found)


def silence(
    directory: Directory, declared: Mapping[str, Agency], heard: Mapping[str, int], now_ms: int
) -> dict[str, float]:
    """Seconds since each agency that is expected today was last heard; since it was first expected
    if it never was.

    An agency of which neither is known is left out.
    """
    today = to_datetime(now_ms).date()
    day, last = Window(today, today), last_events(directory, heard, today)
    found = {}
    for code in expected(directory, declared, last, day):
        known = last.get(code)
        since = (
            silent_since(expected_agency(directory, declared, code, day))
            if known is None
            else known
        )
        if since is not None:
            found[code] = max(0.0, (now_ms - since) / 1000)
    return found


def silent_since(one: Expected) -> int | None:
    """Since when an agency is silent that was never heard (epoch ms): the morning of the day on
    which it should first have reported; None: not known.
    """
    if one.since is None:
        return None
    return to_ms(datetime.combine(one.since, time(), ZONE).astimezone(UTC))
