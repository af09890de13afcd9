"""Form 06a and the dossiers open, waiting and overdue on a day, as the simulation counts them: by
looking at every dossier. By hand, and with the identities that every form keeps.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from ops.simulate.form06a import (
    FORM_COLUMNS,
    DossierDays,
    DossierStanding,
    form_06a,
    ordinal_day,
    standing,
)
from ops.simulate.run import START
from ops.simulate.things import FOREVER
from ops.simulate.truth import Truth
from ops.simulate.verdict import figures_of, periods_of
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS

OCTOBER = (date(2026, 9, 15), date(2026, 10, 14))  # report:2026-10


def number(text: str) -> int:
    return ordinal_day(date.fromisoformat(f"2026-{text}"))


def dossier(received: str, ended: str = "", due: str = "10-05", **given: Any) -> DossierDays:
    """Handed in at a counter, finished on a day of 2026; `waits` as pairs of days."""
    waits = tuple(
        (number(asked), number(came) if came else FOREVER) for asked, came in given.pop("waits", ())
    )
    return DossierDays(
        "SAMPLE.1",
        "SAMPLE.P",
        given.get("online", False),
        number(received),
        number(ended) if ended else None,
        given.get("outcome", "finished" if ended else ""),
        number(due) if due else None,
        waits,
    )


@pytest.mark.parametrize(
    ("one", "columns"),
    [
        (dossier("09-15", "10-04"), {3, 5, 7, 8}),
        (dossier("09-14", "10-05"), {3, 6, 7, 9}),
        (dossier("10-14", "10-14", online=True, due="10-13"), {3, 4, 7, 10}),
        (dossier("09-01", "09-14"), set()),
        (dossier("09-01", "09-15"), {3, 6, 7, 8}),
        (dossier("10-15"), set()),
        (dossier("09-20", "10-15"), {3, 5, 11, 13}),
        (dossier("09-20", due="10-14"), {3, 5, 11, 12}),
        (dossier("09-20", due="10-13"), {3, 5, 11, 13}),
        (dossier("09-20", "10-06", due=""), {3, 5, 7, 9}),
        (dossier("09-20", "10-06", outcome="withdrawn"), {3, 5, 7, 9}),
        # stopped ones stay open, and nobody is late with them
        (dossier("08-20", "08-21", outcome="stopped"), {3, 6, 11, 12}),
        (dossier("09-20", waits=[("10-01", "")]), {3, 5, 11, 12}),
        (dossier("09-20", waits=[("10-01", "10-14")]), {3, 5, 11, 13}),
        (dossier("09-20", waits=[("10-01", "10-03"), ("10-02", "10-15")]), {3, 5, 11, 12}),
    ],
)
def test_a_dossier_in_the_columns_of_october(one: DossierDays, columns: set[int]) -> None:
    form = form_06a([one], *OCTOBER, lambda _: "row")
    assert {column for column, count in form.get("row", Counter()).items() if count} == columns


def test_a_dossier_day_by_day() -> None:
    """Asked for papers before and after its due day, with a fee that was asked for meanwhile."""
    one = dossier(
        "10-01", "10-12", "10-05", waits=[("10-03", "10-08"), ("10-07", "10-09")], online=True
    )
    found = {
        text: standing([one], date.fromisoformat(f"2026-{text}"))["SAMPLE.1"]
        for text in ("09-30", "10-01", "10-03", "10-08", "10-09", "10-11", "10-12")
    }
    assert found == {
        "09-30": DossierStanding(),
        "10-01": DossierStanding(open=1, open_06a=1),
        "10-03": DossierStanding(open=1, waiting=1, open_06a=1),
        "10-08": DossierStanding(open=1, waiting=1, open_06a=1),
        "10-09": DossierStanding(open=1, overdue=1, open_06a=1),
        "10-11": DossierStanding(open=1, overdue=1, open_06a=1),
        "10-12": DossierStanding(),
    }


def test_the_identities_of_every_form_and_what_is_carried_over() -> None:
    truth = Truth()
    list(whole_province(1, 600, START, 60, truth=truth))
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(0, 90, 7)]
    seen: Counter[int] = Counter()
    for first in days:
        before = standing(truth.dossiers, first - timedelta(days=1))
        for last in (first, first + timedelta(days=30)):
            after = standing(truth.dossiers, last)
            form = form_06a(truth.dossiers, first, last, lambda one: one.handler)
            for agency, row in form.items():
                assert row[3] == row[7] + row[11]
                assert row[6] == before[agency].open_06a
                assert row[11] == after[agency].open_06a
                assert row[13] == after[agency].overdue
                seen.update(row)
    assert all(seen[column] for column in FORM_COLUMNS)


def test_the_verdict_holds_every_period_and_its_parts_add_up() -> None:
    truth = Truth()
    list(whole_province(1, 200, START, 60, truth=truth))
    figures = figures_of(truth, START + 300 * DAY_MS)
    assert figures["day"]["day"] == "2026-03-05"
    names = set(figures["forms"])
    assert names == set(periods_of(truth.dossiers, date(2026, 3, 5)))
    assert {"report:2026", "report:2026-6M", "report:2026-Q1", "report:2026-03"} <= names
    assert {"calendar:2026", "calendar:2026-Q1", "calendar:2026-03"} <= names
    assert "report:2026-04" not in names
    for form in figures["forms"].values():
        for split in (form["agencies"], form["fields"]):
            total: Counter[int] = Counter()
            for row in split.values():
                total.update(row)
            assert {column: total[column] for column in FORM_COLUMNS} == form["whole"]
