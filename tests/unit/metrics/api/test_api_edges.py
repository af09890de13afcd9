"""Questions as they are mistyped, and at the ends of the calendar: answered or refused by name at
every address, never with a failure.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from cubes import table
from edges import EDGES, JARGON, LISTS, SHARE
from fastapi import FastAPI
from served import FORMULA, small_metrics


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The API over a small province, which questions only read."""
    with small_metrics(tmp_path_factory.mktemp("edges")) as app:
        yield app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://hub"
    ) as client:
        yield client


async def refused(api: httpx.AsyncClient, path: str, status: int = 422) -> str:
    answer = await api.get(path)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


async def test_every_question_at_an_edge_is_answered_or_refused_in_plain_words(
    api: httpx.AsyncClient,
) -> None:
    for path in EDGES:
        answer = await api.get(path)
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code != 200:
            assert not JARGON.search(answer.json()["detail"]), (path, answer.json()["detail"])
            assert all(character.isprintable() for character in answer.json()["detail"])


@pytest.mark.parametrize(
    ("query", "received", "exist"),
    [
        ("from=2025-11-03&to=9999-12-31", 3, 0),
        ("from=0001-01-01&to=9999-12-31", 3, 0),
        ("to=9999-12-30", 3, 5),
        ("from=9999-12-31", 0, 5),
        ("from=9999-12-15&to=9999-12-31", 0, 0),
        ("to=0001-01-01", 0, 0),
        ("from=2025-11-04&to=9999-12-31", 0, 0),
    ],
)
async def test_windows_that_reach_the_ends_hold_what_lies_in_them(
    api: httpx.AsyncClient, query: str, received: int, exist: int
) -> None:
    """Systems end on the last day of the calendar; without a last day they are told as of today."""
    (kind,) = (
        await api.get(f"/v1/counts?family=dossiers&kind=received&agency=TST.A&{query}")
    ).json()["kinds"]
    assert kind["counts"]["received"] == received
    assert (await api.get(f"/v1/counts?kind=systems&{query}")).json()["kinds"][0]["counts"][
        "systems"
    ] == exist


async def test_a_parameter_given_twice_or_empty_is_refused_at_every_address(
    api: httpx.AsyncClient,
) -> None:
    assert (
        await refused(api, f"{SHARE}agency=TST.A&agency=TST.X")
        == "agency: is given 2 times: give it once"
    )
    assert (
        await refused(api, f"{SHARE}field=&from=")
        == "field: is empty: give a value, or leave it out; from: is empty: "
        "give a value, or leave it out"
    )
    for path in (
        "/v1/indicators",
        "/v1/counts",
        "/v1/scores/766",
        "/v1/reports/06a",
        "/v1/catalogue",
        "/v1/agencies",
        "/v1/agencies/TST.A",
        "/v1/procedures",
        "/v1/coverage",
        "/v1/dossiers",
        "/v1/documents",
        "/v1/tasks",
        "/metrics",
        "/readyz",
        "/healthz",
    ):
        assert "books: is given 2 times" in await refused(api, f"{path}?books=lgsp&books=lgsp")
        assert "foo: is no parameter of this address" in await refused(api, f"{path}?foo=1")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            f"{SHARE}from=20/11/2026",
            "from: 20/11/2026 is not how a day is written: write 2026-11-20",
        ),
        (f"{SHARE}from=3.11.2026", "from: 3.11.2026 is not how a day is written: write 2026-11-03"),
        (f"{SHARE}to=20261103", "to: 20261103 is not how a day is written: write 2026-11-03"),
        (
            f"{SHARE}to=2026-11-03T00:00:00",
            "to: 2026-11-03T00:00:00 is not how a day is written: write 2026-11-03",
        ),
        (
            f"{SHARE}from=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96-11-03",
            "from: ####-##-## is not how a day is written: write 2026-11-03",
        ),
        (
            f"{SHARE}from=2026-11",
            "from: 2026-11 is not how a day is written: write it like 2026-11-03",
        ),
        (
            f"{SHARE}from=1790000000",
            "from: ########## is not how a day is written: write it like 2026-11-03",
        ),
        (f"{SHARE}from=2026-02-30", "from: 2026-02-30 is no day of the calendar"),
        (
            "/v1/agencies?day=31/12/2026",
            "day: 31/12/2026 is not how a day is written: write 2026-12-31",
        ),
        (f"{SHARE}agencie=TST.A", "agencie: is no parameter of this address: did you mean agency?"),
        (f"{SHARE}windows=month", "windows: is no parameter of this address: did you mean window?"),
        (f"{SHARE}window=MONTH", "window: MONTH cannot be chosen: did you mean month?"),
        (
            f"{SHARE}window=%C6%B0",
            "window: x cannot be chosen: there are today, week, month, quarter, year, period, all,"
            " report:2026-10, calendar:2026-Q3",
        ),
        (
            f"{SHARE}agency=tst.x",
            "agency: tst.x is not expected, and nothing counts for it; did you mean TST.X?",
        ),
        (
            f"{SHARE}window=report:2026-Q5",
            "window: there is no such period; there are report:2026-10, report:2026-Q3,"
            " report:2026-6M, report:2026-9M and report:2026",
        ),
        (f"{SHARE}by=agencies", "by: agencies cannot be chosen: did you mean agency?"),
        (f"{SHARE}agency=TST.A&own=maybe", "own: should be true or false"),
        ("/v1/counts?family=dossier", "family: dossier is no family; did you mean dossiers?"),
        ("/v1/coverage?family=dossier", "family: dossier is no family; did you mean dossiers?"),
        ("/v1/counts?kind=recieved", "kind: recieved is no kind; did you mean received?"),
        (
            f"{SHARE}agency=TST.B",
            "agency: TST.B is not expected, and nothing counts for it; did you mean TST.X?",
        ),
        (
            f"{SHARE}from=0001-01-01&to=0001-01-31&compare=previous",
            (
                "compare: reaches beyond the ends of the calendar: ask with a window that lies"
                " further within it"
            ),
        ),
    ],
)
async def test_a_typing_mistake_is_told_with_what_to_write(
    api: httpx.AsyncClient, path: str, said: str
) -> None:
    assert await refused(api, path) == said


async def test_the_nearest_indicator_is_named(api: httpx.AsyncClient) -> None:
    said = (
        "dossiers_overdu is no indicator: did you mean dossiers_overdue? GET /v1/catalogue lists"
        " them all."
    )
    assert await refused(api, "/v1/indicators/dossiers_overdu", 404) == said
    assert await refused(api, "/v1/dossiers?indicator=dossiers_overdu", 404) == said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{SHARE}own=true", "own: goes with agency"),
        (f"{SHARE}history=true", "history: goes with agency"),
        (f"{SHARE}roll_up=commune", "roll_up: goes with by=agency"),
        (f"{SHARE}roll_up=commune&by=day", "roll_up: goes with by=agency"),
        (f"{SHARE}main=true", "main: goes with GET /v1/indicators"),
        ("/v1/coverage?roll_up=commune", "roll_up: is no parameter"),
        ("/v1/scores/766?roll_up=commune", "roll_up: is no parameter"),
        ("/v1/reports/06a?history=true", "history: is no parameter"),
        ("/v1/agencies?part=problems", "part: goes with format=csv"),
        (
            "/v1/agencies?part=unknown&format=csv&level=commune",
            "level: does not go with part=unknown",
        ),
        (
            "/v1/procedures?part=problems&format=csv&day=2025-01-01",
            "day: does not go with part=problems",
        ),
        (
            "/v1/procedures?agency=NOBODY",
            "agency: NOBODY is not expected, and nothing counts for it",
        ),
    ],
)
async def test_what_would_change_nothing_is_not_passed_over(
    api: httpx.AsyncClient, path: str, said: str
) -> None:
    assert said in await refused(api, path)


# Methods


async def test_head_answers_as_get_without_a_body(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()["paths"]
    for path in [*described, "/openapi.json", "/v2"]:
        path = path.replace("{id}", "satisfaction").replace("{code}", "TST.A")
        query = {"/v1/dossiers": f"?{LISTS.split('?')[1]}limit=5"}.get(path, "")
        got, head = await api.get(path + query), await api.head(path + query)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
        if path != "/metrics":  # which counts the requests before
            assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_which_one(api: httpx.AsyncClient, method: str) -> None:
    for path in ("/v1/indicators", "/v1/agencies/TST.A", "/metrics", "/healthz"):
        answer = await api.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert f"ask it with GET (or HEAD), not {method}" in answer.json()["detail"]


# CSV


CSV = [
    "/v1/indicators",
    "/v1/indicators/satisfaction",
    "/v1/scores/766",
    "/v1/reports/06a",
    "/v1/counts",
    "/v1/agencies",
    "/v1/agencies/TST.A",
    "/v1/procedures",
    "/v1/coverage",
    LISTS.rstrip("&"),
    "/v1/documents?kind=sent&measure=documents",
    "/v1/tasks?kind=assigned&measure=assigned",
]


@pytest.mark.parametrize("path", CSV)
async def test_every_file_has_its_mark_and_its_name(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(f"{path}{'&' if '?' in path else '?'}format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert re.fullmatch(
        r'attachment; filename="lgsp-[\w.-]+\.csv"', answer.headers["content-disposition"]
    )


async def test_no_name_that_somebody_registered_is_a_formula(api: httpx.AsyncClient) -> None:
    for path in ("/v1/agencies", "/v1/agencies/TST.A", "/v1/coverage"):
        (row,) = table((await api.get(f"{path}?format=csv")).text)
        assert (row["name_vi"], row["name_en"]) == (f"'{FORMULA}", "'@SUM(1+1)")
    (agency_,) = (await api.get("/v1/agencies")).json()["agencies"]
    assert agency_["name"]["vi"] == FORMULA, "JSON is as it was stated"


async def test_nothing_that_was_asked_comes_back_as_a_formula(api: httpx.AsyncClient) -> None:
    answer = await api.get(
        "/v1/indicators/satisfaction", params={"field": "=cmd|' /C calc'!A0", "format": "csv"}
    )
    (row,) = table(answer.text)
    assert row["field"] == "'=cmd|' /C calc'!A0"


# Codes that nobody registered


async def test_unknown_procedures_are_listed_as_unknown_agencies_are(
    api: httpx.AsyncClient,
) -> None:
    for path, code in (("/v1/agencies", "TST.X"), ("/v1/procedures", "P9")):
        assert (await api.get(path)).json()["unknown"] == [
            {"code": code, "last_event": "2025-11-12T10:00:00.000+07:00"}
        ]
        answer = await api.get(f"{path}?format=csv&part=unknown")
        assert [row["code"] for row in table(answer.text)] == [code]
    text = (await api.get("/metrics")).text
    assert "\nlgsp_agencies_unknown 1\n" in text
    assert "\nlgsp_procedures_unknown 1\n" in text
    (kind,) = (await api.get("/v1/counts?kind=received&family=dossiers&by=category")).json()[
        "kinds"
    ]
    assert {group["group"]: group["known"] for group in kind["groups"]} == {"P1": True, "P9": False}


async def test_an_agency_that_nobody_registered_is_never_complete(api: httpx.AsyncClient) -> None:
    for path in ("/v1/coverage?agency={}", "/v1/indicators/satisfaction?agency={}"):
        found = {}
        for code in ("TST.A", "TST.X"):
            answer = (await api.get(path.format(code))).json()
            covered = answer if "complete" in answer else answer["coverage"]
            found[code] = covered["complete"], covered["note"] and covered["note"]["en"]
        assert found == {
            "TST.A": (True, None),
            "TST.X": (False, "Not known to be complete: nobody registered who should report here."),
        }
