"""Form 06a equals a naive count of made-up dossiers, for windows of every kind, by agency and by
band and field; its identities hold, or there is no form.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from agencies import agency, state
from cubes import at, by_rules, counted, questions_about, table
from fastapi import FastAPI
from flows import DAY, Made, flow_cells, made

from metrics.api.answers import answer_report_06a
from metrics.api.app import create_app
from metrics.api.parameters import ReportParameters
from metrics.api.report_shapes import Report06aAnswer
from metrics.cube.cube import Cube
from metrics.errors import QueryError
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from metrics.reports.form_06a import IdentityViolated
from serving.directory.directory import Directory

NOW = at("2025-03-20T10:00")
FOUND = made(2, 500)
LEVELS = {"A": "province", "B": "commune", "X.1": "unknown"}
FIELDS = {"P1": "land", "P2": "justice", "P9": "none"}
WINDOWS = {
    "report:2025-01": (date(2024, 12, 15), date(2025, 1, 14)),
    "report:2025-02": (date(2025, 1, 15), date(2025, 2, 14)),
    "report:2025-Q1": (date(2024, 12, 15), date(2025, 3, 14)),
    "calendar:2025-01": (date(2025, 1, 1), date(2025, 1, 31)),
    "calendar:2024": (date(2024, 1, 1), date(2024, 12, 31)),
    # still running: told until yesterday
    "report:2025": (date(2024, 12, 15), date(2025, 3, 19)),
    "month": (date(2025, 3, 1), date(2025, 3, 19)),
    "all": (None, date(2025, 3, 19)),
}


def registered() -> Directory:
    """A department and a commune; X.1 and procedure P9 nobody registered."""
    items = agency({}, "A", "vertical", name_vi="Cơ quan mẫu A")
    items = agency(items, "B", "commune", name_vi="Xã mẫu B", name_en="Sample commune B")
    for code in ("P1", "P2"):
        state(
            items,
            f"procedure/{code}",
            "procedure.registered",
            "A",
            "2020-01-01",
            procedure=code,
            field=FIELDS[code],
        )
    return Directory(items)


@pytest.fixture(scope="module")
def asked() -> Iterator[Views]:
    with questions_about(flow_cells(FOUND), NOW, registered()) as views:
        yield views


def form(views: Views, **parameters: str) -> Report06aAnswer:
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    return answer_report_06a(views, ReportParameters.model_validate(named))


def naive(first: date | None, last: date, **chosen: str) -> dict[str, int]:
    """Columns 3 to 13 in the words of the form, of the dossiers chosen."""
    ones = [one for one in FOUND if chosen.items() <= place(one).items()]
    came = [one for one in ones if one.received <= last and (not first or first <= one.received)]
    done = [
        one.column
        for one in ones
        if one.left is not None and one.left <= last and (not first or first <= one.left)
    ]
    before = 0 if first is None else sum(one.open_06a(first - DAY) for one in ones)
    overdue = sum(one.overdue(last) for one in ones)
    open_ = sum(one.open_06a(last) for one in ones)
    online = sum(one.online for one in came)
    early, on_time, late = (done.count(f"left_{column}") for column in ("early", "on_time", "late"))
    counts = [len(came) + before, online, len(came) - online, before]
    counts += [early + on_time + late, early, on_time, late, open_, open_ - overdue, overdue]
    return {str(number): count for number, count in enumerate(counts, start=3)}


@pytest.mark.parametrize("window", WINDOWS)
def test_by_band_and_field_it_is_as_a_naive_count_has_it(asked: Views, window: str) -> None:
    (first, last), found = WINDOWS[window], form(asked, window=window)
    assert found.total == naive(first, last)
    assert (found.day, found.over) == (last, found.window.last == last)
    rows = {(row.band, row.group): row.columns for row in found.rows}
    for band in LEVELS.values():
        of_band = {field: naive(first, last, band=band, field=field) for field in FIELDS.values()}
        expected = {(band, field): row for field, row in of_band.items() if any(row.values())}
        whole = naive(first, last, band=band)
        expected |= {(band, None): whole} if any(whole.values()) else {}
        assert {key: row for key, row in rows.items() if key[0] == band} == expected


def place(one: Made) -> dict[str, str]:
    return {
        "agency": one.agency,
        "band": LEVELS[one.agency],
        "field": FIELDS[one.procedure],
    }


@pytest.mark.parametrize("window", WINDOWS)
def test_by_agency_it_is_as_a_naive_count_has_it(asked: Views, window: str) -> None:
    (first, last), found = WINDOWS[window], form(asked, window=window, by="agency")
    assert {row.group: row.columns for row in found.rows} == {
        code: naive(first, last, agency=code) for code in LEVELS
    }
    assert found.total == naive(first, last)
    names = {row.group: (row.name and row.name.vi, row.known) for row in found.rows}
    assert names == {
        "A": ("Cơ quan mẫu A", True),
        "B": ("Xã mẫu B", True),
        "X.1": (None, False),
    }


def test_of_one_agency_and_of_an_earlier_day(asked: Views) -> None:
    """As if asked at the end of that day."""
    first, last = date(2025, 1, 15), date(2025, 1, 31)
    found = form(asked, window="report:2025-02", as_of="2025-01-31", agency="B")
    assert found.total == naive(first, last, agency="B")
    assert (found.window.last, found.day) == (last, last)
    assert {row.band for row in found.rows} == {"commune"}


def test_its_heading_and_columns_are_in_the_forms_own_words(asked: Views) -> None:
    found = form(asked, window="report:2025-02", agency="A")
    assert found.heading.number == "Biểu số II.06a/VPCP/KSTT"
    assert found.heading.sender == "Đơn vị báo cáo: Cơ quan mẫu A"
    assert found.heading.period.endswith(
        "(Từ ngày 15 tháng 1 năm 2025 đến ngày 14 tháng 2 năm 2025)"
    )
    assert [column.number for column in found.columns] == list(range(1, 14))
    assert found.model_dump()["window"]["due"] == date(2025, 2, 18)


@pytest.fixture
async def api(asked: Views, tmp_path: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client(asked, tmp_path) as found:
        yield found


def client(views: Views, folder: Any) -> httpx.AsyncClient:
    app: FastAPI = create_app(views, Exporter(Cube(folder / "other.sqlite"), views))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://hub")


async def test_its_file_has_the_numbers_of_json(api: httpx.AsyncClient) -> None:
    for by in ("field", "agency"):
        asked = f"/v1/reports/06a?window=report:2025-Q1&by={by}"
        found = (await api.get(asked)).json()
        *rows, total = table((await api.get(f"{asked}&format=csv")).text)
        assert [row["group"] or None for row in rows] == [one["group"] for one in found["rows"]]
        for row, columns in [
            *zip(rows, (one["columns"] for one in found["rows"]), strict=True),
            (total, found["total"]),
        ]:
            assert {number: int(row[f"column_{number}"]) for number in columns} == columns
        assert (total["name_vi"], total["day"]) == ("Tổng số", "2025-03-14")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"window": "today"}, "window: no day of it is over yet"),
        ({"from_": "2025-04-01", "to": "2025-04-30"}, "begins on 2025-03-19 or before"),
        ({"window": "month", "as_of": "2025-03-20"}, "as_of: 2025-03-20 is not over yet"),
        ({"window": "report:2025-02", "by": "field", "roll_up": "commune"}, "roll_up: goes with"),
    ],
)
def test_what_it_cannot_be_told_of_is_refused(
    asked: Views, parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(QueryError) as refused:
        form(asked, **parameters)
    assert said in str(refused.value)


async def test_a_form_that_would_contradict_itself_is_not_told(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Seven left, and only six of them are told how."""
    cells = [
        counted("dossiers|flow|A|P1|20250203", taken_online=9),
        counted("dossiers|flow|A|P1|20250204", left=7, left_early=6),
    ]
    with questions_about(cells, NOW) as views, caplog.at_level(logging.ERROR):
        with pytest.raises(IdentityViolated):
            form(views, window="calendar:2025-02")
        async with client(views, tmp_path) as api:
            answer = await api.get("/v1/reports/06a?window=calendar:2025-02")
    assert answer.status_code == 500
    assert "violates 3 = 7 + 11" in caplog.text


def test_more_overdue_than_open_is_none_either() -> None:
    cells = [counted("dossiers|flow|A|P1|20250203", taken_online=1, fell_due=2)]
    with questions_about(cells, NOW) as views, pytest.raises(IdentityViolated) as violated:
        form(views, window="calendar:2025-02")
    assert "11 = 12 + 13" in str(violated.value)


def test_books_of_older_rules_have_no_form_and_say_so() -> None:
    with questions_about(flow_cells(FOUND), NOW, rules=[by_rules("dossiers", 4)]) as views:
        found = form(views, window="report:2025-02")
    assert (found.rows, found.total) == ([], None)
    assert found.missing is not None
    assert "newer rules" in found.missing.en
