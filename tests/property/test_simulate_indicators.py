"""Whatever the day and the hour, the simulated province has something to show for every indicator
of the catalogue.

From its events through the workers' rules and the cube to the answers; a new indicator without
simulated values fails here.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count

import pytest
from cubes import INDICATORS
from heard import Told, answers, hub_that_heard

from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.catalogue.indicators import Indicator
from metrics.figures.view import Views
from ops.simulate.live import LiveProvince
from ops.simulate.live_beside import LiveBeside
from ops.simulate.run import START
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS, ZONE, to_ms
from schemas.windows import WINDOW_NAMES

DAYS = 30
BOUNDED = tuple(name for name in WINDOW_NAMES if name != "all")
# A working morning, lunch, a Saturday night, the last and the first minute of a year, the middle of
# Tết, a Saturday that is worked.
MOMENTS = (
    "2026-11-24T09:00",
    "2026-11-24T12:00",
    "2026-11-28T23:30",
    "2026-12-31T23:59",
    "2027-01-01T00:00",
    "2026-02-18T10:00",
    "2026-08-22T10:00",
)
# The sums of what agencies report and of QĐ 766 are told by their value alone.
VALUES = ("reported", "score")
# No believable province has a dossier of which thousands of payments are told.
TOLD = tuple(one for one in INDICATORS.values() if one.source != "none" and one.id != "too_many")


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def ahead(indicator: Indicator) -> bool:
    """Whether it asks about the days before the window, which must then begin somewhere."""
    return any(term.over == "before" for term in indicator.leaves)


def trivial(indicator: Indicator, found: IndicatorAnswer) -> bool:
    """Empty or nothing; of a share also everything."""
    if indicator.source == "score":
        return not found.value
    if indicator.unit == "share":
        return (
            found.numerator is None
            or not found.denominator
            or not 0 < found.numerator < found.denominator
        )
    return not found.value or found.denominator == 0


def trivial_ones(questions: Views, left_out: frozenset[str] = frozenset()) -> set[str]:
    """The indicators that show nothing: of all time, those of this moment now, or those carried
    over of any window that begins on a day.
    """
    of_all, of_now, found = answers(questions, window="all"), answers(questions), set[str]()
    bounded = [answers(questions, window=name) for name in BOUNDED]
    for one in TOLD:
        asked = bounded if ahead(one) else [of_now if one.asks_now else of_all]
        if one.id not in left_out and any(trivial(one, answered[one.id]) for answered in asked):
            found.add(one.id)
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_indicator_of_a_small_province_shows_something(moment: str) -> None:
    now = at(moment)
    told = list(whole_province(1, 60, now - DAYS * DAY_MS, DAYS))
    with hub_that_heard(told, now) as questions:
        assert trivial_ones(questions) == set()


@pytest.mark.parametrize("seed", [2, 3])
def test_so_it_does_when_history_is_told_much_later(seed: int) -> None:
    """As `lgsp simulate` tells it: all of it heard at once; only what is due soon is long past."""
    now = START + 300 * DAY_MS
    told = [(now, event) for _, event in whole_province(seed, 300, START, DAYS)]
    with hub_that_heard(told, now) as questions:
        assert trivial_ones(questions) == {"dossiers_due_soon", "tasks_due_soon"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_live_province_shows_something_for_every_indicator_within_minutes(moment: str) -> None:
    began = at(moment)
    assert trivial_live(began, future=True) == set()


def test_the_gateway_lets_no_end_of_the_future_in() -> None:
    assert trivial_live(at(MOMENTS[0]), future=False) == {"ended_in_future"}


def trivial_live(began: int, *, future: bool) -> set[str]:
    """Of imported history up to an instant, and some minutes at five events a second behind it."""
    told: list[Told] = list(whole_province(1, 60, began - DAYS * DAY_MS, DAYS, backfill=True))
    beside, province = LiveBeside(1, began), LiveProvince(1, began)
    told += [(began, event) for event in beside.opening(began, future=future)]
    clock = count(began, 200)
    for now in (next(clock) for _ in range(1_500)):
        told.append((now, beside.next(now) if beside.turn() else province.next(now)))
    with hub_that_heard(told, next(clock)) as questions:
        return trivial_ones(questions)
