"""Cells: keys, values, and measures whose places are the contract."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from schemas.cells.applied import CellsStanding, CountingRules, applied_row, read_applied_page
from schemas.cells.codec import decode_page, encode_page
from schemas.cells.kinds import CELL_KINDS, DAYS_BOUNDS, HOURS_BOUNDS, LAG_BOUNDS, classes, counted
from schemas.cells.pages import CellKey, cells_of_page, page_of, parse_key
from schemas.codes import CHANNELS
from schemas.errors import ContractError, NewerLayout

# The places of the first measures of each kind, as published cells carry them: appended to, never
# moved.
PLACES = {
    ("dossiers", "received"): [
        "received",
        "received_online",
        "received_counter",
        "received_post",
        "received_email",
        "received_internal",
        "received_other",
        "received_partial",
        "received_full",
        "with_fee",
        "authenticated",
        "reused_data",
        "backfilled",
        "reception_reports",
        "reception_lag_seconds",
        "reception_lag_le_1",
    ],
    ("dossiers", "refused"): ["refused"],
    ("dossiers", "closed"): [
        "closed",
        "finished",
        "withdrawn",
        "stopped",
        "finished_online",
        "on_time",
        "early",
        "late",
        "no_due",
        "late_766",
        "late_06a",
        "results",
        "results_digitised",
        "moved",
        "moved_electronically",
        "reported_late",
        "looked_overdue",
        "processing_seconds",
        "reports",
        "lag_seconds",
        "lag_le_1",
    ],
    ("dossiers", "paid"): ["transactions", "transactions_online", "amount", "amount_online"],
    ("dossiers", "rated"): [
        "ratings",
        "satisfied",
        "ratings_agency",
        "satisfied_agency",
        "ratings_health_education",
        "satisfied_health_education",
    ],
    ("dossiers", "open"): ["open", "waiting"],
    ("dossiers", "flagged"): [
        "flagged",
        "offline_procedure_online",
        "no_reception",
        "finished_without_end",
        "received_in_future",
        "ended_in_future",
        "received_after_end",
        "due_moved_after_passed",
        "step_after_end",
        "sources_disagree",
        "due_before_reception",
        "step_before_reception",
        "returned_before_end",
        "end_without_reception",
        "supplement_before_reception",
    ],
    ("dossiers", "reopened"): ["reopened"],
    ("documents", "sent"): ["documents", "electronic", "signed", "electronic_signed"],
    ("documents", "received"): ["arrived", "accepted", "refused"],
    ("documents", "accepted"): ["accepted_timed", "accepted_seconds", "accepted_h_le_1"],
    ("documents", "handled"): [
        "completed",
        "completed_timed",
        "completed_seconds",
        "completed_h_le_1",
    ],
    ("documents", "recalled"): ["asked", "agreed", "refused_recall"],
    ("documents", "flagged"): ["no_sending"],
    ("tasks", "assigned"): ["assigned", "with_deadline", "without_deadline"],
    ("tasks", "open"): ["open", "not_started", "running", "waiting_confirmation", "returned"],
    ("tasks", "completed"): ["completed", "on_time", "late", "no_deadline", "extended"],
    ("tasks", "cancelled"): ["cancelled"],
    ("tasks", "flagged"): [
        "flagged",
        "no_assignment",
        "due_before_assignment",
        "completed_before_assignment",
        "due_moved_after_passed",
    ],
    ("activities", "meetings"): [
        "meetings",
        "meetings_in_system",
        "meetings_province",
        "meetings_district",
        "meetings_commune",
        "meetings_in_system_province",
        "meetings_in_system_district",
        "meetings_in_system_commune",
    ],
    ("activities", "inspections"): ["inspections", "inspections_digital"],
    ("activities", "work_records"): [
        "work_records",
        "work_records_online",
        "work_records_province",
        "work_records_district",
        "work_records_commune",
        "work_records_online_province",
        "work_records_online_district",
        "work_records_online_commune",
        "work_records_secret",
    ],
    ("inventory", "agencies"): ["agencies", "agencies_expected"],
    ("inventory", "procedures"): [
        "procedures",
        "eligible_online",
        "offered_online",
        "on_national_portal",
        "with_fee",
        "payable_online",
        "internal",
        "internal_published",
        "full_online",
        "full_online_multichannel",
        "days_before",
        "days_now",
        "procedures_province",
        "procedures_district",
        "procedures_commune",
        "one_stop",
        "one_stop_province",
        "one_stop_district",
        "one_stop_commune",
        "process_issued",
        "process_issued_province",
        "process_issued_district",
        "process_issued_commune",
    ],
    ("inventory", "systems"): [
        "systems",
        "portals",
        "portals_connected",
        "information_systems",
        "information_systems_connected",
        "reporting_systems",
        "reporting_systems_connected",
    ],
    ("inventory", "datasets"): ["datasets", "datasets_shared", "datasets_open"],
    ("inventory", "accounts"): ["users", "users_authenticated"],
    ("inventory", "reported"): ["figures", "numerator", "denominator", "without_denominator"],
    ("heartbeats", "beat"): ["occurred_at"],
}
NAMED = [(family, kind) for family, kinds in CELL_KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("family", "kind"), PLACES)
def test_measures_keep_their_places(family: str, kind: str) -> None:
    measures = list(CELL_KINDS[family][kind].measures)
    assert measures[: len(PLACES[family, kind])] == PLACES[family, kind]


@pytest.mark.parametrize(("family", "kind"), NAMED)
def test_measures_are_named_once(family: str, kind: str) -> None:
    measures = CELL_KINDS[family][kind].measures
    assert len(set(measures)) == len(measures)


def test_a_measure_means_one_thing_in_a_family() -> None:
    for family in CELL_KINDS:
        names = [measure for kind in counted(family).values() for measure in kind.measures]
        assert len(names) == len(set(names)), "the same name in two kinds of one family"


def test_bookkeeping_is_not_counted() -> None:
    assert set(counted("dossiers")) == {
        "received",
        "refused",
        "closed",
        "paid",
        "rated",
        "open",
        "flagged",
        "reopened",
        "voided",
        "flow",
        "undone",
    }
    assert set(counted("heartbeats")) == set()
    assert all("applied" in kinds for kinds in CELL_KINDS.values())


def test_every_channel_has_its_measure() -> None:
    assert {f"received_{channel}" for channel in CHANNELS} <= set(
        CELL_KINDS["dossiers"]["received"].measures
    )


@pytest.mark.parametrize("bounds", [DAYS_BOUNDS, LAG_BOUNDS, HOURS_BOUNDS])
def test_classes_rise_and_end_open(bounds: tuple[int, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert classes("n", bounds)[0] == f"n_le_{bounds[0]}"
    assert classes("n", bounds)[-1] == "n_more"
    assert len(classes("n", bounds)) == len(bounds) + 1


@pytest.mark.parametrize(
    ("key", "parts", "page", "name"),
    [
        (
            b"dossiers|closed|H35.1|1.001193.000.00.00.H35|20251110",
            ("dossiers", "closed", "H35.1", "1.001193.000.00.00.H35", 20251110),
            b"dossiers|H35.1|20251110",
            "closed|1.001193.000.00.00.H35",
        ),
        # 10 November 2025, 16:59:59.999 and 17:00 UTC: before and after midnight in the province
        (
            b"dossiers|open|H35.1|p|1762793999999",
            ("dossiers", "open", "H35.1", "p", 1762793999999),
            b"dossiers|H35.1|20251110",
            "open|p|1762793999999",
        ),
        (
            b"dossiers|open|H35.1|p|1762794000000",
            ("dossiers", "open", "H35.1", "p", 1762794000000),
            b"dossiers|H35.1|20251111",
            "open|p|1762794000000",
        ),
        (
            b"dossiers|open|H35.1|p|0",
            ("dossiers", "open", "H35.1", "p", 0),
            b"dossiers|H35.1|0",
            "open|p|0",
        ),
        (
            b"dossiers|flagged|H35.1|-|20251110",
            ("dossiers", "flagged", "H35.1", "-", 20251110),
            b"dossiers|H35.1|20251110",
            "flagged|-",
        ),
        (
            b"heartbeats|beat|hub|-|0",
            ("heartbeats", "beat", "hub", "-", 0),
            b"heartbeats|hub|0",
            "beat|-",
        ),
    ],
)
def test_a_cell_has_its_place_on_a_page_and_is_found_there(
    key: bytes, parts: tuple[object, ...], page: bytes, name: str
) -> None:
    assert parse_key(key) == parts
    assert page_of(key) == (page, name)
    assert list(cells_of_page(page, encode_page({name: {0: 7, 3: 1}}))) == [
        (CellKey(*parts), {0: 7, 3: 1})
    ]  # type: ignore[arg-type]


def test_how_far_cells_have_come_is_a_page_of_its_own() -> None:
    standing = CellsStanding(41, CountingRules(2, 77, 3), refused_run=9)
    key, value = applied_row("documents", standing)
    assert list(cells_of_page(key, value)) == [
        (CellKey("documents", "applied", "hub", "-", 0), {1: 2, 2: 77, 3: 41, 4: 3, 5: 9})
    ]
    assert read_applied_page(value) == standing
    assert key not in {page_of(b"documents|sent|hub|-|20251110")[0], b"documents|hub|0"}, (
        "an agency called hub"
    )


def test_how_far_cells_have_come_is_read_as_earlier_hubs_said_it() -> None:
    """Offset, version and fingerprint were the first three places, and office hours had no
    number.
    """
    earlier = encode_page({"applied|-": {0: 41, 1: 2, 2: 77}})
    assert read_applied_page(earlier) == CellsStanding(41, CountingRules(2, 77))
    key, _ = applied_row("tasks", CellsStanding(0, CountingRules(1)))
    assert [sums for _, sums in cells_of_page(key, earlier)] == [{1: 2, 2: 77, 3: 41}]
    assert read_applied_page(None) == CellsStanding(0, CountingRules(0))


def test_an_earlier_hub_takes_no_offset_of_today_for_its_own() -> None:
    """It reads the first place as the offset: one that no group ever has, so it refuses the
    books.
    """
    _, value = applied_row("documents", CellsStanding(41, CountingRules(2)))
    assert decode_page(value)["applied|-"][0] < 0


def test_rules_are_told_in_words() -> None:
    assert str(CountingRules(4)) == "version 4"
    assert str(CountingRules(4, 0x45BF_1D5B, 2)) == "version 4 and office hours number 2 (45bf1d5b)"


def test_a_later_layout_is_told_from_junk() -> None:
    with pytest.raises(NewerLayout, match="layout 3"):
        read_applied_page(encode_page({"applied|-": {0: -3, 1: 2}}))
    with pytest.raises(ContractError):
        read_applied_page(b"junk")


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"dossiers",
        b"dossiers|closed|a|b",
        b"dossiers|closed|a|b|c",
        b"dossiers|closed|a|b|1|2",
        b"people|closed|a|b|1",
        b"dossiers|opened|a|b|1",
        b"\xff\xfe|||",
        b"dossiers|closed|a|b|1.5",
    ],
)
def test_anything_else_is_no_key(key: bytes) -> None:
    with pytest.raises(ContractError, match="no key of a cell"):
        parse_key(key)


@examples(100)
@given(
    st.dictionaries(
        st.text(), st.dictionaries(st.integers(0, 200), st.integers(-(2**63), 2**63 - 1))
    )
)
def test_what_is_written_is_read(page: dict[str, dict[int, int]]) -> None:
    assert decode_page(encode_page(page)) == page


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_has_no_cells(value: bytes | None) -> None:
    assert decode_page(value) == {}
    assert list(cells_of_page(b"dossiers|A|20251103", value)) == []


@pytest.mark.parametrize(
    "key",
    [None, b"", b"dossiers|A", b"dossiers|A|1|2", b"people|A|1", b"dossiers|A|today", b"\xff|A|1"],
)
def test_anything_else_is_no_page(key: bytes | None) -> None:
    with pytest.raises(ContractError, match="no key of a page"):
        list(cells_of_page(key, b""))


@pytest.mark.parametrize(
    "name", ["", "received", "invented|p", "received|p|5", "open|p", "open|p|soon", "open|p|1|2"]
)
def test_anything_else_is_no_cell(name: str) -> None:
    with pytest.raises(ContractError, match="is no cell"):
        list(cells_of_page(b"dossiers|A|20251103", encode_page({name: {0: 1}})))


@pytest.mark.parametrize(
    "value",
    [
        b"[1]",
        b"nothing",
        b"\xff",
        b"\x81",
        encode_page({"a": {0: 1}}) + b"1",
        msgspec.msgpack.encode({"a": {0: 0.5}}),
    ],
)
def test_anything_else_is_no_value(value: bytes) -> None:
    with pytest.raises(ContractError, match="no page of cells"):
        decode_page(value)
