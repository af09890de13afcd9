"""Coverage: which agencies are expected to report, which do, and since when the others are silent.

Expected are the agencies of the directory that should report on some day in question; where none
was ever registered those of `LGSP_AGENCIES`, else all ever heard from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from metrics.api.directory_shapes import Names
from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Snapshot
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
    level: str | None
    name: Names
    since: date | None  # the first day on which it should; None: not known


def in_question(window: Window, today: date) -> Window:
    """The days of a window on whose agencies it depends whether the figure is complete: those up to
    today.

    A window without a first day asks for its last one only: agencies that ended before the hub
    began could never report to it.
    """
    last = min(window.last or today, today)
    return Window(window.first or last, max(last, window.first or last))


def stated(directory: Directory, declared: Collection[str], agency: str | None) -> bool:
    """Whether anybody said who should report, of the province or of one agency: else nobody knows
    when all do.
    """
    if agency is None:
        return not directory.empty or bool(declared)
    return directory.known(agency) if not directory.empty else agency in declared


def expected(
    directory: Directory, declared: Mapping[str, Agency], heard: Collection[str], window: Window
) -> list[Expected]:
    """The agencies expected on at least one day of a window, in order of code."""
    if not directory.empty:
        return [_registered(directory, code, window) for code in directory.expected(window)]
    if declared:
        return [
            Expected(one.code, one.level, _names(one), None) for _, one in sorted(declared.items())
        ]
    return [Expected(code, None, Names(vi=None, en=None), None) for code in sorted(heard)]


def _registered(directory: Directory, code: str, window: Window) -> Expected:
    stated = [one for one in directory.history(code) if one.fields.expected]
    first, last = window.first or date.min, window.last or date.max
    in_window = [
        one for one in stated if one.first <= last and (one.end is None or one.end > first)
    ]
    newest = in_window[-1].fields
    return Expected(
        code, newest.level, Names(vi=newest.name_vi, en=newest.name_en), stated[0].first
    )


def _names(one: Agency) -> Names:
    return (
        Names(vi=one.name, en=None)
        if isinstance(one.name, str)
        else Names(**one.name.model_dump())
        if one.name
        else Names(vi=None, en=None)
    )


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


def last_events(snapshot: Snapshot, directory: Directory, day: date) -> dict[str, int]:
    """When a count of each agency last changed (epoch ms), under whichever form of its code; being
    registered is no count.
    """
    found = defaultdict[str, int](int)
    for code, at in snapshot.last_events().items():
        agency = directory.canonical(code, day)
        found[agency] = max(found[agency], at)
    return dict(found)


def silence(
    snapshot: Snapshot, directory: Directory, declared: Mapping[str, Agency], now_ms: int
) -> dict[str, float]:
    """Seconds since each agency that is expected today was last heard; since it was first expected
    if it never was.

    An agency of which neither is known is left out.
    """
    today = to_datetime(now_ms).date()
    last = last_events(snapshot, directory, today)
    found = {}
    for one in expected(directory, declared, last, Window(today, today)):
        since = last.get(one.code, None if one.since is None else morning(one.since))
        if since is not None:
            found[one.code] = max(0.0, (now_ms - since) / 1000)
    return found


def morning(day: date) -> int:
    """The first instant of a day (epoch ms)."""
    return to_ms(datetime.combine(day, time(), ZONE).astimezone(UTC))
