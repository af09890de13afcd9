"""Two readings of form 06a and of the dossiers open, waiting and overdue on any day agree: the
simulation looks at every dossier, the product adds up what changed on each day.

With corrections, voids, reopenings and changed handlers of nearly every dossier, not of a few.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable
from datetime import date, timedelta

import pytest
from flow_sums import Flow, Row, form_of, standing_of

from ops.simulate import history
from ops.simulate.communes import band_of
from ops.simulate.form06a import FORM_COLUMNS, form_06a, standing
from ops.simulate.province import FIELD_OF
from ops.simulate.run import START
from ops.simulate.truth import Truth
from ops.simulate.verdict import periods_of
from ops.simulate.whole import whole_province
from schemas.periods import period

# in one process, which makes each province once
pytestmark = pytest.mark.xdist_group("test_simulate_form06a")
LARGE = os.environ.get("CI") == "true"
DOSSIERS, DAYS, EVERY = (20_000, 400, 1) if LARGE else (1_500, 200, 1)
LAST = date(2026, 12, 31)
_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def readings() -> tuple[Truth, Flow]:
    """Both, of one province in which much is put right."""
    truth = Truth()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "DOSSIERS_PUT_RIGHT", 0.5)
        patch.setattr(history, "REFUSED_WRONGLY", 0.5)
        told = list(whole_province(7, DOSSIERS, START, DAYS, truth=truth))
    return truth, Flow(told)


def test_open_waiting_and_overdue_on_every_day(readings: tuple[Truth, Flow]) -> None:
    truth, flow = readings
    days = [date(2024, 6, 1) + timedelta(days=number) for number in range(0, 1_300, EVERY)]
    seen = Counter[str]()
    for day, sums in flow.upto(days, lambda row: row[0]):
        naive = standing(truth.dossiers, day)
        for agency, flown in sums.items():
            assert naive[agency]._asdict() == standing_of(flown), (agency, day)
            seen.update(standing_of(flown))
    assert all(seen[name] for name in ("open", "waiting", "overdue", "open_06a"))


@pytest.mark.parametrize(
    "row",
    [lambda row: row[0], lambda row: (band_of(row[0]), FIELD_OF[row[1]])],
    ids=["unit", "band"],
)
def test_form_06a_of_every_period(
    readings: tuple[Truth, Flow], row: Callable[[Row], Hashable]
) -> None:
    """Months, quarters, halves and years, of NĐ 09/2019 and of the calendar."""
    truth, flow = readings
    periods = {name: period(name).bounds for name in periods_of(truth.dossiers, LAST)}
    ends = {first - _DAY for first, _ in periods.values()} | {last for _, last in periods.values()}
    upto = {
        day: {key: Counter(one) for key, one in sums.items()} for day, sums in flow.upto(ends, row)
    }
    seen: Counter[int] = Counter()
    for name, (first, last) in periods.items():
        naive = form_06a(truth.dossiers, first, last, lambda one: row((one.handler, one.procedure)))
        for key, sums in upto[last].items():
            form = form_of(upto[first - _DAY].get(key, Counter()), sums)
            found = naive.pop(key, Counter())
            assert form == {column: found[column] for column in FORM_COLUMNS}, (name, key)
            assert form[3] == form[7] + form[11]
            seen.update(form)
        assert not naive, name
    assert {name.partition(":")[0] for name in periods} == {"report", "calendar"}
    assert all(seen[column] for column in FORM_COLUMNS)
