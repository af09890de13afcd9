"""GET /v1/agencies and /v1/procedures over a sample province: trees of days, and unknown codes."""

from __future__ import annotations

from pathlib import Path

from agencies import MERGER, agency, merged_communes, state
from cubes import table
from directories import Asking, client, province

__all__ = ["province"]


# Agencies


def test_the_tree_of_a_day_has_each_agency_after_the_one_above_it(province: Asking) -> None:
    before = province.get("/v1/agencies?day=2025-06-30").json()
    assert [(one["code"], one["parent"], one["depth"]) for one in before["agencies"]] == [
        ("P", None, 0),
        ("P.D", "P", 1),
        ("T", "P", 1),
        ("T.1", "T", 2),
        ("T.2", "T", 2),
        ("T.3", "T", 2),
        ("U", "P", 1),
        ("U.1", "U", 2),
        ("U.2", "U", 2),
    ]
    now = province.get("/v1/agencies").json()
    assert now["day"] == "2025-11-12"
    assert [one["code"] for one in now["agencies"]] == ["P", "N.1", "N.2", "P.D", "U.2"]


def test_an_agency_is_told_with_names_other_codes_and_validity(province: Asking) -> None:
    (department,) = province.get("/v1/agencies?level=department").json()["agencies"]
    assert department == {
        "code": "P.D",
        "level": "department",
        "name": {"vi": "Sở mẫu", "en": "Sample department"},
        "parent": "P",
        "parent_name": {"vi": "Tỉnh mẫu", "en": "Sample province"},
        "depth": 1,
        "other_codes": ["000.01.P"],
        "expected": True,
        "valid_from": "2015-01-01",
        "valid_to": None,
        "successor": None,
        "successor_name": None,
    }


def test_a_code_that_nobody_registered_is_flagged(province: Asking) -> None:
    assert province.get("/v1/agencies").json()["unknown"] == [
        {"code": "X.9", "last_event": "2025-11-12T10:00:00.000+07:00"}
    ]
    one = province.get("/v1/agencies/X.9").json()
    assert (one["known"], one["above"], one["statements"], one["valid"]) == (False, [], [], False)


def test_what_cannot_hold_is_told_with_its_place(tmp_path: Path) -> None:
    items = agency(merged_communes(), "N.3", "commune", "NOBODY", first=MERGER)
    with client(tmp_path, items) as asked:
        (problem,) = asked.get("/v1/agencies").json()["problems"]
        assert (problem["kind"], problem["agency"], problem["place"]) == (
            "unknown_parent",
            "N.3",
            "agency/N.3, valid from 2025-07-01, parent",
        )
        assert "NOBODY" in problem["vi"]
        assert "NOBODY" in problem["en"]
        assert asked.get("/v1/agencies/N.3").json()["problems"] == [problem]
        assert asked.get("/v1/agencies/N.2").json()["problems"] == []
        name = problem.pop("agency_name") or {"vi": "", "en": ""}
        told = problem | {f"agency_name_{language}": name[language] for language in ("vi", "en")}
        assert table(asked.get("/v1/agencies?format=csv&part=problems").text) == [told]


def test_one_agency_shows_what_it_took_over(province: Asking) -> None:
    one = province.get("/v1/agencies/N.2").json()
    assert one["predecessors"] == [
        {"code": "T.3", "name": None, "until": MERGER},
        {"code": "U.1", "name": None, "until": MERGER},
    ]
    assert one["names"] == {"P": {"vi": "Tỉnh mẫu", "en": "Sample province"}}
    assert (one["valid"], one["above"], one["below"]) == (True, ["P"], [])
    assert province.get("/v1/agencies/N.2?day=2025-06-30").json()["valid"] is False


def test_an_agency_is_found_by_any_form_of_its_code(province: Asking) -> None:
    one = province.get("/v1/agencies/000.01.P").json()
    assert (one["code"], one["last_event"]) == ("P.D", "2025-11-12T10:00:00.000+07:00")


def test_an_agency_that_ended_keeps_its_statements(province: Asking) -> None:
    one = province.get("/v1/agencies/U.2").json()
    assert [
        (said["valid_from"], said["valid_to"], said["parent"]) for said in one["statements"]
    ] == [
        ("2015-01-01", MERGER, "U"),
        (MERGER, None, "P"),
    ]
    ended = province.get("/v1/agencies/T.3").json()
    assert (ended["valid"], ended["above"], ended["statements"][0]["successor"]) == (
        False,
        ["N.2", "P"],
        "N.2",
    )


def test_a_code_that_nobody_ever_used_is_not_found(province: Asking) -> None:
    answer = province.get("/v1/agencies/NEVER")
    assert answer.status_code == 404
    assert "NEVER was never registered, and nothing counts for it" in answer.json()["detail"]


def test_agencies_as_csv(province: Asking) -> None:
    found = table(province.get("/v1/agencies?format=csv").text)
    assert [one["code"] for one in found] == ["P", "N.1", "N.2", "P.D", "U.2"]
    assert found[3] == {
        "code": "P.D",
        "level": "department",
        "name_vi": "Sở mẫu",
        "name_en": "Sample department",
        "parent": "P",
        "parent_name_vi": "Tỉnh mẫu",
        "parent_name_en": "Sample province",
        "depth": "1",
        "other_codes": "000.01.P",
        "expected": "true",
        "valid_from": "2015-01-01",
        "valid_to": "",
        "successor": "",
        "successor_name_vi": "",
        "successor_name_en": "",
    }
    assert [
        one["code"] for one in table(province.get("/v1/agencies?format=csv&part=unknown").text)
    ] == ["X.9"]
    assert len(table(province.get("/v1/agencies/U.2?format=csv").text)) == 2


# Procedures


def test_procedures_of_a_day_by_field_and_agency(tmp_path: Path) -> None:
    items = state(
        merged_communes(),
        "procedure/1",
        "procedure.registered",
        "P.D",
        "2024-01-01",
        procedure="1",
        field="land",
        level=4,
    )
    state(
        items,
        "procedure/2",
        "procedure.registered",
        "N.1",
        "2024-01-01",
        "2025-01-01",
        procedure="2",
        field="land",
        with_fee=True,
    )
    with client(tmp_path, items) as asked:
        assert [one["procedure"] for one in asked.get("/v1/procedures").json()["procedures"]] == [
            "1"
        ]
        then = asked.get("/v1/procedures?day=2024-06-01&field=land").json()["procedures"]
        assert [
            (one["procedure"], one["agency"], one["level"], one["with_fee"], one["valid_to"])
            for one in then
        ] == [
            ("1", "P.D", 4, False, None),
            ("2", "N.1", 2, True, "2025-01-01"),
        ]
        assert (
            asked.get("/v1/procedures?day=2024-06-01&agency=000.N1.P").json()["procedures"]
            == then[1:]
        )
        assert table(asked.get("/v1/procedures?format=csv").text)[0]["field"] == "land"
        wrong = asked.get("/v1/procedures?field=sea")
        assert wrong.status_code == 422
        assert (
            wrong.json()["detail"]
            == "field: no procedure of field sea was registered; there are land"
        )
