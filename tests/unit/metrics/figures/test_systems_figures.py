"""What systems, datasets and accounts of the inventory count for, by examples worked by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import answer, told
from registered import JULY, beat, stock, system


@pytest.mark.parametrize("kind", ["portal", "one_stop"])
def test_a_portal_is_connected_from_its_first_heartbeat(kind: str) -> None:
    facts = [
        system(kind=kind, on_national_portal=True),
        beat("03-05 10:00"),
        beat("03-04 10:00"),
        beat("11-01 10:00"),
    ]
    expected = {
        ("systems", "A", kind, 20250110): {"systems": 1, "portals": 1},
        ("systems", "A", kind, 20250304): {"portals_connected": 1},
    }
    assert all(answer(*order) == expected for order in permutations(facts))


def test_registered_as_connected_but_never_heard_it_is_not_connected() -> None:
    assert answer(system(on_national_portal=True)) == {
        ("systems", "A", "portal", 20250110): {"systems": 1, "portals": 1}
    }


def test_heard_but_not_registered_as_connected_it_is_not_connected() -> None:
    assert answer(system(), beat("01-11 09:00")) == answer(system())


def test_heard_before_its_registration_it_is_connected_from_the_registration_on() -> None:
    measures = {"systems": 1, "portals": 1, "portals_connected": 1}
    assert answer(beat("01-01 09:00"), system(on_national_portal=True)) == {
        ("systems", "A", "portal", 20250110): measures
    }


def test_a_system_that_ends_is_no_longer_connected() -> None:
    figures = answer(system(on_national_portal=True, valid_to=JULY), beat("02-01 09:00"))
    assert stock(figures, 20250630) == {"systems": 1, "portals": 1, "portals_connected": 1}
    assert stock(figures, 20250701) == {}
    too_late = answer(system(on_national_portal=True, valid_to=JULY), beat("07-01 00:00"))
    assert too_late == answer(system(on_national_portal=True, valid_to=JULY))


@pytest.mark.parametrize(
    ("axis", "lgsp", "connected"),
    [(True, True, 1), (True, False, 0), (False, True, 0), (False, False, 0)],
)
def test_a_citizen_facing_system_is_connected_through_both(
    axis: bool, lgsp: bool, connected: int
) -> None:
    fact = system(kind="specialised", citizen_facing=True, on_document_axis=axis, on_lgsp=lgsp)
    figures = answer(fact, beat("01-10 09:00"))
    expected = {"systems": 1, "information_systems": 1} | (
        {"information_systems_connected": 1} if connected else {}
    )
    assert figures == {("systems", "A", "specialised", 20250110): expected}


@pytest.mark.parametrize("connected", [True, False])
def test_a_reporting_system_needs_no_heartbeat(connected: bool) -> None:
    expected = {"systems": 1, "reporting_systems": 1} | (
        {"reporting_systems_connected": 1} if connected else {}
    )
    fact = system(kind="reporting", on_national_reporting=connected)
    assert answer(fact) == {("systems", "A", "reporting", 20250110): expected}


def test_a_heartbeat_alone_counts_nowhere() -> None:
    assert answer(beat("01-11 09:00")) == {}


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        ({}, []),
        ({"shared": True}, ["datasets_shared"]),
        ({"open_data": True, "shared": True}, ["datasets_shared", "datasets_open"]),
    ],
)
def test_a_dataset_is_shared_or_open_or_neither(
    fields: dict[str, Any], measures: list[str]
) -> None:
    figures = answer(told("dataset.registered", "01-10 09:00", **fields))
    assert figures == {("datasets", "A", "-", 20250110): dict.fromkeys(["datasets", *measures], 1)}


def test_accounts_are_as_last_counted() -> None:
    first = told("accounts.counted", "01-31 17:00", users=100, authenticated=60)
    second = told("accounts.counted", "02-28 17:00", users=90, authenticated=75)
    figures = answer(second, first)
    assert figures == {
        ("accounts", "A", "-", 20250131): {"users": 100, "users_authenticated": 60},
        ("accounts", "A", "-", 20250228): {"users": -10, "users_authenticated": 15},
    }
    assert stock(figures, 20250227) == {"users": 100, "users_authenticated": 60}
    assert stock(figures, 20251231) == {"users": 90, "users_authenticated": 75}


def test_accounts_counted_twice_in_a_day_are_as_counted_last() -> None:
    facts = [
        told("accounts.counted", f"01-31 {hour}:00", users=users, authenticated=0)
        for hour, users in (("09", 50), ("17", 40))
    ]
    assert answer(*facts) == {("accounts", "A", "-", 20250131): {"users": 40}}
