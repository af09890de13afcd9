"""Cells: keys, values, and measures whose places are the contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from schemas.cells import (
    DAYS_BOUNDS,
    HOURS_BOUNDS,
    KINDS,
    LAG_BOUNDS,
    CellKey,
    applied_key,
    classes,
    counted,
    decode_vector,
    encode_vector,
    parse_key,
)  # fmt: skip
from schemas.codes import CHANNELS
from schemas.errors import ContractError

# The places of the first measures of each kind, as published cells carry them: appended to, never moved.
PLACES = {
    ("dossiers", "received"): ["received", "received_online", "received_counter", "received_post", "received_email", "received_internal",
                               "received_other", "received_partial", "received_full", "with_fee", "authenticated", "reused_data",
                               "backfilled", "reception_reports", "reception_lag_seconds", "reception_lag_le_1"],
    ("dossiers", "refused"): ["refused"],
    ("dossiers", "closed"): ["closed", "finished", "withdrawn", "stopped", "finished_online", "on_time", "early", "late", "no_due",
                             "late_766", "late_06a", "results", "results_digitised", "moved", "moved_electronically", "reported_late",
                             "looked_overdue", "processing_seconds", "reports", "lag_seconds", "lag_le_1"],
    ("dossiers", "paid"): ["transactions", "transactions_online", "amount", "amount_online"],
    ("dossiers", "rated"): ["ratings", "satisfied", "ratings_agency", "satisfied_agency", "ratings_health_education",
                            "satisfied_health_education"],
    ("dossiers", "open"): ["open", "waiting"],
    ("dossiers", "flagged"): ["flagged", "offline_procedure_online", "no_reception", "finished_without_end", "received_in_future",
                              "ended_in_future", "received_after_end", "due_moved_after_passed", "step_after_end", "sources_disagree",
                              "due_before_reception", "step_before_reception", "returned_before_end", "end_without_reception",
                              "supplement_before_reception"],
    ("dossiers", "reopened"): ["reopened"],
    ("documents", "sent"): ["documents", "electronic", "signed", "electronic_signed"],
    ("documents", "received"): ["arrived", "accepted", "refused"],
    ("documents", "accepted"): ["accepted_timed", "accepted_seconds", "accepted_h_le_1"],
    ("documents", "handled"): ["completed", "completed_timed", "completed_seconds", "completed_h_le_1"],
    ("documents", "recalled"): ["asked", "agreed", "refused_recall"],
    ("documents", "flagged"): ["no_sending"],
    ("tasks", "assigned"): ["assigned", "with_deadline", "without_deadline"],
    ("tasks", "open"): ["open", "not_started", "running", "waiting_confirmation", "returned"],
    ("tasks", "completed"): ["completed", "on_time", "late", "no_deadline", "extended"],
    ("tasks", "cancelled"): ["cancelled"],
    ("tasks", "flagged"): ["flagged", "no_assignment", "due_before_assignment", "completed_before_assignment", "due_moved_after_passed"],
    ("activities", "meetings"): ["meetings", "meetings_in_system", "meetings_province", "meetings_district", "meetings_commune",
                                 "meetings_in_system_province", "meetings_in_system_district", "meetings_in_system_commune"],
    ("activities", "inspections"): ["inspections", "inspections_digital"],
    ("activities", "work_records"): ["work_records", "work_records_online", "work_records_province", "work_records_district",
                                     "work_records_commune", "work_records_online_province", "work_records_online_district",
                                     "work_records_online_commune", "work_records_secret"],
    ("inventory", "agencies"): ["agencies", "agencies_expected"],
    ("inventory", "procedures"): ["procedures", "eligible_online", "offered_online", "on_national_portal", "with_fee", "payable_online",
                                  "internal", "internal_published", "full_online", "full_online_multichannel", "days_before", "days_now"],
    ("inventory", "systems"): ["systems", "portals", "portals_connected", "information_systems", "information_systems_connected",
                               "reporting_systems", "reporting_systems_connected"],
    ("inventory", "datasets"): ["datasets", "datasets_shared", "datasets_open"],
    ("inventory", "accounts"): ["users", "users_authenticated"],
    ("inventory", "reported"): ["figures", "numerator", "denominator", "without_denominator"],
    ("heartbeats", "beat"): ["occurred_at"],
}  # fmt: skip
NAMED = [(family, kind) for family, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("family", "kind"), PLACES)
def test_measures_keep_their_places(family: str, kind: str) -> None:
    measures = list(KINDS[family][kind].measures)
    assert measures[: len(PLACES[family, kind])] == PLACES[family, kind]


@pytest.mark.parametrize(("family", "kind"), NAMED)
def test_measures_are_named_once(family: str, kind: str) -> None:
    measures = KINDS[family][kind].measures
    assert len(set(measures)) == len(measures)


def test_a_measure_means_one_thing_in_a_family() -> None:
    for family in KINDS:
        names = [measure for kind in counted(family).values() for measure in kind.measures]
        assert len(names) == len(set(names)), "the same name in two kinds of one family"


def test_bookkeeping_is_not_counted() -> None:
    assert set(counted("dossiers")) == {"received", "refused", "closed", "paid", "rated", "open", "flagged", "reopened"}
    assert set(counted("heartbeats")) == set()
    assert all("applied" in kinds for kinds in KINDS.values())


def test_every_channel_has_its_measure() -> None:
    assert {f"received_{channel}" for channel in CHANNELS} <= set(KINDS["dossiers"]["received"].measures)


@pytest.mark.parametrize("bounds", [DAYS_BOUNDS, LAG_BOUNDS, HOURS_BOUNDS])
def test_classes_rise_and_end_open(bounds: tuple[int, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert classes("n", bounds)[0] == f"n_le_{bounds[0]}"
    assert classes("n", bounds)[-1] == "n_more"
    assert len(classes("n", bounds)) == len(bounds) + 1


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (b"dossiers|closed|H35.1|1.001193.000.00.00.H35|20251110", ("dossiers", "closed", "H35.1", "1.001193.000.00.00.H35", 20251110)),
        (b"dossiers|open|H35.1|p|1762768800000", ("dossiers", "open", "H35.1", "p", 1762768800000)),
        (b"dossiers|flagged|H35.1|-|0", ("dossiers", "flagged", "H35.1", "-", 0)),
        (applied_key("documents"), ("documents", "applied", "hub", "-", 0)),
    ],
)
def test_a_key_is_taken_apart(key: bytes, parts: tuple[object, ...]) -> None:
    assert parse_key(key) == parts
    assert isinstance(parse_key(key), CellKey)


@pytest.mark.parametrize(
    "key",
    [None, b"", b"dossiers", b"dossiers|closed|a|b", b"dossiers|closed|a|b|c", b"dossiers|closed|a|b|1|2", b"people|closed|a|b|1",
     b"dossiers|opened|a|b|1", b"\xff\xfe|||", b"dossiers|closed|a|b|1.5"],
)  # fmt: skip
def test_anything_else_is_no_key(key: bytes | None) -> None:
    with pytest.raises(ContractError, match="no key of a cell"):
        parse_key(key)


@examples(100)
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_what_is_written_is_read(vector: list[int]) -> None:
    assert decode_vector(encode_vector(vector)) == vector


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_is_no_counts(value: bytes | None) -> None:
    assert decode_vector(value) == []


@pytest.mark.parametrize("value", [b"{}", b"[1,", b"[1.5]", b'["1"]', b"[null]", b"[true]", b"nothing", b"\xff", b"1", b"[1] [2]"])
def test_anything_else_is_no_value(value: bytes) -> None:
    with pytest.raises(ContractError, match="no cell's value"):
        decode_vector(value)
