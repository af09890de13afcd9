"""GET /v1/agencies, /v1/procedures and /v1/coverage over a sample province: trees of days, unknown
codes, who is silent, CSV, problems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from agencies import MERGER, Items, agency, merged_communes, state
from cubes import NOW, Cell, at, counted, filled, table
from fastapi import FastAPI

from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.questions import Questions
from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Readers
from metrics.figures.expected import silence
from metrics.prometheus.exporter import Exporter
from serving.directory.directory import Directory
from serving.store.progress import Progress

OLD = at("2025-06-20T08:00")


def heard(key: str, timestamp: int = NOW, **counts: int) -> Cell:
    cell = counted(key, **counts)
    cell.timestamp = timestamp
    return cell


# P.D sends under both its codes, T.1 until June, N.2 every day, N.1 only has open dossiers, X.9 is
# nobody's code; U.2 never sent anything
CELLS = [
    heard("dossiers|received|P.D|P1|20251103", received=3),
    heard("dossiers|closed|000.01.P|P1|20251103", closed=2),
    heard("dossiers|closed|000.01.P|P1|20251105", closed=2),
    heard("documents|sent|P.D|CV|20251106", documents=1),
    heard("dossiers|received|T.1|P1|20250610", OLD, received=1),
    heard("dossiers|received|N.2|P1|20251111", received=4),
    heard(f"dossiers|open|N.1|P1|{at('2025-11-20T17:00')}", open=2),
    heard("dossiers|received|X.9|P1|20251110", received=9),
    heard("inventory|agencies|U.2|commune|20150101", agencies=1, agencies_expected=1),
    # the hub's own, which is nobody's count
    heard("dossiers|applied|hub|-|0", offset=70, version=1),
]


class Asking:
    """Asks an application, one question at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url="http://hub"
        ) as client:
            return await client.get(path)


@contextmanager
def client(
    folder: Path, items: Items, declared: dict[str, Agency] | None = None
) -> Iterator[Asking]:
    cube = filled(folder, CELLS)
    directory, clock, progress = (
        Directory(items),
        (lambda: NOW),
        (lambda: Progress(ready=True, percent=100.0, partitions=1)),
    )
    questions = Questions(
        Readers(cube),
        {},
        declared or {},
        progress=progress,
        clock=clock,
        directory=lambda: directory,
    )
    exporter = Exporter(cube, {}, progress=progress, worker_lag=dict, clock=clock)
    app = create_app(questions, exporter, [directory_routes(questions)])
    yield Asking(app)
    cube.close()


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Asking]:
    with client(tmp_path, merged_communes()) as made:
        yield made


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
        "depth": 1,
        "other_codes": ["000.01.P"],
        "expected": True,
        "valid_from": "2015-01-01",
        "valid_to": None,
        "successor": None,
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
        assert table(asked.get("/v1/agencies?format=csv&part=problems").text) == [problem]


def test_one_agency_shows_what_it_took_over(province: Asking) -> None:
    one = province.get("/v1/agencies/N.2").json()
    assert one["predecessors"] == [
        {"code": "T.3", "until": MERGER},
        {"code": "U.1", "until": MERGER},
    ]
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
    assert "NEVER was never registered and never heard from" in answer.json()["detail"]


def test_agencies_as_csv(province: Asking) -> None:
    found = table(province.get("/v1/agencies?format=csv").text)
    assert [one["code"] for one in found] == ["P", "N.1", "N.2", "P.D", "U.2"]
    assert found[3] == {
        "code": "P.D",
        "level": "department",
        "name_vi": "Sở mẫu",
        "name_en": "Sample department",
        "parent": "P",
        "depth": "1",
        "other_codes": "000.01.P",
        "expected": "true",
        "valid_from": "2015-01-01",
        "valid_to": "",
        "successor": "",
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


# Coverage


def covered(asked: Asking, question: str = "") -> dict[str, tuple[int, str | None, str | None]]:
    """By agency: days with counts, last event and silent since (days only)."""
    found = asked.get(f"/v1/coverage{question}").json()["agencies"]
    return {
        one["code"]: (
            one["days_with_counts"],
            *(one[key] and one[key][:10] for key in ("last_event", "silent_since")),
        )
        for one in found
    }


def test_each_expected_agency_reports_or_is_silent_since(province: Asking) -> None:
    assert covered(province, "?from=2025-07-01&to=2025-11-12") == {
        "N.1": (0, "2025-11-12", "2025-11-12"),  # open dossiers only: heard, and no dated count
        "N.2": (1, "2025-11-12", None),
        "P": (0, None, "2015-01-01"),
        "P.D": (3, "2025-11-12", None),  # on three days, under two codes
        "U.2": (0, None, "2015-01-01"),  # registered, which is no report
    }
    answer = province.get("/v1/coverage?from=2025-07-01&to=2025-11-12").json()
    assert (answer["reporting"], answer["expected"], answer["share"], answer["complete"]) == (
        2,
        5,
        0.4,
        False,
    )
    assert answer["note"] == {
        "vi": "Số liệu chưa đầy đủ: mới có 2/5 cơ quan phải báo cáo đã báo cáo.",
        "en": "Incomplete: 2 of 5 agencies that should report did.",
    }


def test_expected_are_those_of_the_windows_days(province: Asking) -> None:
    before, today = (
        {"P", "P.D", "T", "T.1", "T.2", "T.3", "U", "U.1", "U.2"},
        {"N.1", "N.2", "P", "P.D", "U.2"},
    )
    assert set(covered(province, "?from=2025-06-01&to=2025-06-30")) == before
    assert set(covered(province, "?to=2025-06-30")) == before  # no first day: those of its last one
    assert set(covered(province, "?to=2025-07-01")) == today
    assert set(covered(province, "?window=all")) == today
    assert set(covered(province, "?from=2025-06-30")) == before | today
    assert covered(province, "?from=2025-06-01&to=2025-06-30")["T.1"] == (1, "2025-06-20", None)
    assert covered(province, "?from=2025-06-11&to=2025-06-30")["T.1"] == (
        0,
        "2025-06-20",
        "2025-06-20",
    )


def test_who_begins_after_today_is_not_expected_yet(tmp_path: Path) -> None:
    items = agency(agency({}, "A", "commune"), "B", "commune", first="2025-11-13")
    with client(tmp_path, items) as asked:
        for question in (
            "?from=2025-01-01",
            "?from=2025-01-01&to=2025-12-31",
            "?to=2025-12-31",
            "?window=all",
        ):
            assert set(covered(asked, question)) == {"A"}
        assert set(covered(asked, "?from=2025-11-13&to=2025-11-14")) == {"A", "B"}


def test_coverage_of_one_family_and_of_one_agency(province: Asking) -> None:
    assert covered(province, "?window=month&family=documents")["P.D"][0] == 1
    assert covered(province, "?window=month&family=documents")["N.2"][0] == 0
    assert set(covered(province, "?to=2025-06-30&agency=T")) == {"T", "T.1", "T.2", "T.3"}
    assert set(covered(province, "?to=2025-06-30&agency=T&own=true")) == {"T"}
    assert province.get("/v1/coverage?family=stars").status_code == 422
    refused = province.get("/v1/coverage?agency=NEVER")
    assert refused.status_code == 422
    assert (
        refused.json()["detail"]
        == "agency: NEVER is not expected and was never heard from; GET /v1/agencies lists them"
    )


def test_an_agency_that_is_registered_again_is_not_heard_from(tmp_path: Path) -> None:
    """Nor by the page on which its registration stands, nor when it is registered anew after its
    last count.
    """
    cells = [
        heard("dossiers|received|A|P1|20250610", OLD, received=1),
        heard("inventory|agencies|A|commune|20150101", agencies=1),
    ]
    cube = filled(tmp_path, cells)
    again = heard("inventory|agencies|A|commune|20150101", NOW + 1, agencies=1, agencies_expected=1)
    cube.say([again], {0: 2})
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.last_events() == {"A": OLD}
    cube.say([heard("inventory|systems|A|portal|20150101", NOW + 2, systems=1)], {0: 3})
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.last_events() == {"A": NOW + 2}
    cube.close()


def test_everybody_reports_is_complete(tmp_path: Path) -> None:
    with client(tmp_path, agency({}, "P.D", "department", alias=["000.01.P"])) as asked:
        answer = asked.get("/v1/coverage?window=month").json()
        assert (answer["complete"], answer["note"], answer["share"]) == (True, None, 1.0)


def test_without_a_directory_the_declared_ones_are_expected_and_without_those_all_heard_from(
    tmp_path: Path,
) -> None:
    declared = {code: Agency(code=code, name="Sở mẫu", level="province") for code in ("P.D", "Q")}
    (tmp_path / "file").mkdir()
    with client(tmp_path / "file", {}, declared) as asked:
        assert covered(asked, "?window=month") == {
            "P.D": (2, "2025-11-12", None),
            "Q": (0, None, None),
        }
    with client(tmp_path, {}) as asked:
        assert set(covered(asked, "?window=month")) == {
            "000.01.P",
            "N.1",
            "N.2",
            "P.D",
            "T.1",
            "X.9",
        }


def test_coverage_as_csv(province: Asking) -> None:
    found = {
        one["code"]: one for one in table(province.get("/v1/coverage?window=month&format=csv").text)
    }
    assert found["N.2"]["reports"] == "true"
    told = found["P"]
    assert [
        told[column] for column in ("reports", "days_with_counts", "last_event", "silent_since")
    ] == [
        "false",
        "0",
        "",
        "2015-01-01T00:00:00.000+07:00",
    ]
    assert [told[column] for column in ("reporting", "expected", "complete")] == ["2", "5", "false"]
    assert found["P"]["note_en"] == "Incomplete: 2 of 5 agencies that should report did."


def test_silence_is_counted_from_the_last_count_or_from_the_first_day_it_was_expected(
    tmp_path: Path,
) -> None:
    cube = filled(
        tmp_path, [heard("dossiers|received|000.01.P|P1|20251103", NOW - 90_000, received=1)]
    )
    with Readers(cube).snapshot() as snapshot:
        found = silence(snapshot, Directory(merged_communes()), {}, NOW)
        assert silence(snapshot, Directory(), {"Q": Agency(code="Q")}, NOW) == {}
    assert set(found) == {"P", "P.D", "N.1", "N.2", "U.2"}
    assert found["P.D"] == 90
    assert found["N.1"] == (NOW - at("2025-07-01T00:00")) / 1000
