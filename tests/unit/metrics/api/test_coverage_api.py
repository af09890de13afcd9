"""GET /v1/coverage over a sample province: who reports, who is silent and since when."""

from __future__ import annotations

from pathlib import Path

from agencies import agency, merged_communes
from cubes import NOW, at, filled, table
from directories import OLD, Asking, client, heard, province

from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Readers
from metrics.figures.expected import silence
from serving.directory.directory import Directory

__all__ = ["province"]


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
        == "agency: NEVER is not expected, and nothing counts for it; GET /v1/agencies lists them"
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
        last = snapshot.last_events()
    found = silence(Directory(merged_communes()), {}, last, NOW)
    assert silence(Directory(), {"Q": Agency(code="Q")}, last, NOW) == {}
    assert set(found) == {"P", "P.D", "N.1", "N.2", "U.2"}
    assert found["P.D"] == 90
    assert found["N.1"] == (NOW - at("2025-07-01T00:00")) / 1000
