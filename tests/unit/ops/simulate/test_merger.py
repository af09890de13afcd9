"""The simulated year 2025, with the merger of communes and the end of districts on 1 July."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from functools import cache
from typing import Any

from hub_rules import hub_counts

from ops.simulate.communes import ENDED, HEIRS, MERGER_TOLD, band_of, former_communes
from ops.simulate.form06a import DossierDays, form_06a, ordinal_day
from ops.simulate.province import AGENCIES_OF
from ops.simulate.truth import Truth
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS, ZONE, day_number, to_ms
from schemas.events import Event

BEGINS = to_ms(datetime(2024, 12, 15, tzinfo=ZONE))
NIGHT = (ENDED, ENDED + 7 * 3_600_000)
NEW = {one.code for one in AGENCIES_OF["commune"].drawn} & set(HEIRS.values())


@cache
def year() -> tuple[list[tuple[int, Event]], Truth]:
    """From the first day of the reporting year 2025 to 10 October."""
    truth = Truth()
    return list(whole_province(3, 4_000, BEGINS, 300, truth=truth)), truth


def of_type(name: str) -> list[Any]:
    return [
        event
        for _, event in {one.event_id: (0, one) for _, one in year()[0]}.values()
        if event.type == name
    ]


def test_the_truth_of_the_year_is_what_the_workers_rules_give() -> None:
    told, truth = year()
    sums, _ = hub_counts(told)
    measures = {(family, kind, measure) for family, kind, _, measure in truth.counts}
    found = {key: n for key, n in sums.items() if n and (key[0], key[1], key[3]) in measures}
    assert found == {key: number for key, number in truth.counts.items() if number}


def test_before_the_merger_others_handle_than_since() -> None:
    receptions = of_type("dossier.received")
    before = {one.handling_agency or one.agency for one in receptions if one.occurred_at < ENDED}
    since = {one.handling_agency or one.agency for one in receptions if one.occurred_at >= ENDED}
    assert not before & NEW
    assert since.isdisjoint(HEIRS)
    assert before >= {one.code for one in former_communes()}
    assert {band_of(agency) for agency in before} == {"province", "district", "commune"}
    assert {band_of(agency) for agency in since} == {"province", "commune"}


def test_nearly_all_open_work_moves_to_the_successors_in_that_night() -> None:
    moves = [
        one for one in of_type("dossier.transferred") if NIGHT[0] <= one.occurred_at < NIGHT[1]
    ]
    assert len(moves) > 30
    assert all(one.to_agency == HEIRS[one.from_agency] for one in moves)
    assert all(one.electronic for one in moves)
    eve = ordinal_day(date(2025, 6, 30))
    moved = {one.dossier_id for one in moves}
    stayed = [one for one in year()[1].dossiers if one.handler in HEIRS and one.is_open(eve)]
    assert 0 < len(stayed) < 0.15 * len(moved)


def test_the_directory_hears_of_it_eleven_days_before() -> None:
    told = of_type("agency.registered")
    first = [one for one in told if one.occurred_at < MERGER_TOLD]
    later = [one for one in told if one.occurred_at == MERGER_TOLD]
    assert len(first) + len(later) == len(told)
    assert not any(one.successor or one.valid_to for one in first)
    assert not {one.agency for one in first} & NEW
    assert {one.agency: one.successor for one in later if one.successor} == HEIRS
    assert all(one.valid_to == ENDED for one in later if one.successor)
    assert {one.agency for one in later if one.valid_from == ENDED} > NEW
    assert year()[1].total("inventory", "agencies", "agencies") == 63


def test_every_month_is_as_full_as_the_others() -> None:
    months = Counter(
        datetime.fromtimestamp(one.occurred_at / 1_000, ZONE).month
        for one in of_type("dossier.received")
        if ENDED - 180 * DAY_MS < one.occurred_at < ENDED + 90 * DAY_MS
    )
    full = [months[month] for month in range(2, 10)]
    assert max(full) < 1.3 * min(full)


def test_the_band_of_districts_is_in_the_form_until_they_ended() -> None:
    """What they had open stands with the communes that took it over, whenever it is asked of."""

    def band(one: DossierDays) -> str:
        return band_of(one.handler)

    dossiers = year()[1].dossiers
    spring = form_06a(dossiers, date(2025, 4, 1), date(2025, 6, 30), band)["district"]
    summer = form_06a(dossiers, date(2025, 7, 1), date(2025, 9, 30), band)["district"]
    assert spring[7] > 20
    assert summer[4] == summer[5] == 0
    assert summer[3] == spring[11] < 0.2 * spring[3]
    last = max(one.ended or 0 for one in dossiers if one.handler in HEIRS)
    assert last >= day_number(ENDED)  # a few are told under the old code to their end
