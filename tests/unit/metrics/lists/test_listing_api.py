"""GET /v1/dossiers, documents, tasks over a cube and a listing of the same facts: pages, formats,
moments and mistakes.
"""

from __future__ import annotations

import re

import httpx
import pytest
from cubes import INDICATORS, table
from listed import World, api, ask, ids, problem, shared, world

from metrics.catalogue.indicators import Indicator
from schemas.cells.kinds import APPLIED
from serving.store.progress import Progress

__all__ = ["api", "shared", "world"]


async def test_what_is_behind_a_share(api: httpx.AsyncClient) -> None:
    assert await ids(api, "dossiers_on_time_share") == ["d6", "d3", "d1"]
    assert await ids(api, "dossiers_on_time_share", part="denominator") == ["d6", "d3", "d1", "d2"]
    assert await ids(api, "dossiers_overdue") == ["d4"]
    assert await ids(api, "payments_online_share") == ["d6"]


async def test_a_row_says_who_when_and_why(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="overdue_by_late_reporting", window="all")
    [thing] = answer.pop("things")
    assert thing == {
        "id": "d1",
        "name": None,
        "agency": "A",
        "agency_name": None,
        "category": "p",
        "category_name": None,
        "family": "dossiers",
        "kind": "closed",
        "at": "2025-11-10",
        "until": None,
        "adds": 1,
        "counts": {
            "closed": 1,
            "finished": 1,
            "finished_online": 1,
            "on_time": 1,
            "results": 1,
            "reported_late": 1,
            "looked_overdue": 1,
            "processing_seconds": 631_800,
            "reports": 1,
            "lag_seconds": 142_200,
            "lag_le_172800": 1,
            "days_le_7": 1,
            "finished_without_step": 1,
            "processing_working_seconds": 163_800,
            "working_lag_seconds": 34_200,
            "working_lag_le_57600": 1,
        },
        "dates": {
            "received_at": "2025-11-03T09:00:00+07:00",
            "reception_heard_at": "2025-11-03T09:00:00+07:00",
            "due_at": "2025-11-10T17:00:00+07:00",
            "ended_at": "2025-11-10T16:30:00+07:00",
            "end_heard_at": "2025-11-12T08:00:00+07:00",
        },
        "texts": {},
        "href": "/v1/dossiers/d1",
    }
    assert (
        answer["figure"],
        answer["rows"],
        answer["adds"],
        answer["same_moment"],
        answer["next"],
    ) == (1, 1, 1, True, None)
    assert (answer["id"], answer["part"], answer["window"]) == (
        "overdue_by_late_reporting",
        "numerator",
        {"from": None, "to": None},
    )
    assert answer["as_of"]["figure"]["offsets"] == {"0": 9}
    assert answer["as_of"]["list"] == {"lgsp.dossiers.state": {"0": 6}}


async def test_an_overdue_dossier_has_the_instant_that_it_was_due(api: httpx.AsyncClient) -> None:
    [thing] = (await ask(api, indicator="dossiers_overdue"))["things"]
    assert (thing["at"], thing["counts"]) == ("2025-11-10T17:00:00+07:00", {"open": 1})


async def test_what_is_behind_a_raw_count(api: httpx.AsyncClient) -> None:
    answer = await ask(api, kind="closed", measure="reported_late", window="all")
    assert [thing["id"] for thing in answer["things"]] == ["d1"]
    assert (answer["kind"], answer["measure"], answer["id"], answer["part"]) == (
        "closed",
        "reported_late",
        None,
        None,
    )
    assert (answer["figure"], answer["rows"], answer["same_moment"]) == (1, 1, True)
    waiting = await ask(api, kind="open", measure="waiting")
    assert [thing["id"] for thing in waiting["things"]] == ["d5"]
    assert waiting["window"] == {"from": None, "to": None}, "what is open is open now"
    assert (await ask(api, kind="paid", measure="amount"))["figure"] == 50_000


async def test_every_raw_count_can_be_listed(api: httpx.AsyncClient) -> None:
    kinds = (await ask(api, "/v1/counts", family="dossiers"))["kinds"]
    for kind in [one for one in kinds if one["kind"] != APPLIED]:
        for measure, count in kind["counts"].items():
            answer = await ask(api, kind=kind["kind"], measure=measure)
            assert (answer["figure"], answer["adds"], answer["same_moment"]) == (
                count,
                count,
                True,
            ), (kind["kind"], measure)
            assert sum(thing["adds"] for thing in answer["things"]) == count


async def test_the_sum_of_amounts_is_the_figure(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="sync_lag")
    assert {thing["id"]: thing["adds"] for thing in answer["things"]} == {"d1": 142_200}
    assert (answer["figure"], answer["rows"], answer["adds"]) == (142_200, 1, 142_200)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"agency": "B"}, ["d3"]),
        ({"from": "2025-11-10"}, ["d1"]),
        ({"to": "2025-11-09"}, ["d6", "d3"]),
        ({"from": "2025-11-09", "to": "2025-11-09", "agency": "A"}, []),
        ({"window": "today"}, []),
    ],
)
async def test_agency_and_window_are_those_of_the_figure(
    api: httpx.AsyncClient, parameters: dict[str, str], expected: list[str]
) -> None:
    assert await ids(api, "dossiers_on_time_share", **parameters) == expected
    figure = (await ask(api, "/v1/indicators/dossiers_on_time_share", **parameters))["numerator"]
    assert figure == len(expected)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_follow_one_another_by_token_and_by_link(
    api: httpx.AsyncClient, limit: int
) -> None:
    parameters = {"indicator": "dossiers_on_time_share", "part": "denominator", "limit": str(limit)}
    found: list[str] = []
    answer = await api.get("/v1/dossiers", params=parameters)
    while True:
        page = answer.json()
        found += [thing["id"] for thing in page["things"]]
        assert (page["rows"], page["adds"]) == ((4, 4) if len(found) <= limit else (None, None))
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        [link] = re.findall(r'^<(.*)>; rel="next"$', answer.headers["link"])
        answer = await api.get(link)
        assert answer.json() == (await ask(api, **parameters, after=page["next"]))
    assert found == ["d6", "d3", "d1", "d2"]


async def test_csv_has_the_same_rows(api: httpx.AsyncClient) -> None:
    answer = await api.get(
        "/v1/dossiers",
        params={"indicator": "dossiers_on_time_share", "format": "csv", "limit": "2"},
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = table(answer.text)
    assert [
        (row["id"], row["agency"], row["category"], row["at"], row["adds"]) for row in rows
    ] == [
        ("d6", "A", "p", "2025-11-06", "1"),
        ("d3", "B", "p", "2025-11-09", "1"),
    ]
    assert rows[0]["counts"].startswith("closed=1 withdrawn=1 on_time=1 early=1")
    assert (rows[0]["received_at"], rows[0]["returned_at"]) == ("2025-11-03T09:00:00+07:00", "")
    assert 'rel="next"' in answer.headers["link"]


async def test_a_figure_that_is_absent_has_no_list_and_says_why(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="dossiers_on_time_share", field="land")
    assert (answer["figure"], answer["things"], answer["rows"]) == (None, [], 0)
    assert answer["missing"]["en"]
    assert answer["missing"]["vi"]


@pytest.mark.parametrize(
    ("status", "parameters", "said"),
    [
        (404, {"indicator": "nothing"}, "nothing is no indicator"),
        (422, {}, "indicator: name either an indicator, or kind and measure"),
        (
            422,
            {"indicator": "dossiers_overdue", "part": "denominator"},
            "dossiers_overdue is a count and has no denominator",
        ),
        (422, {"indicator": "documents_electronic_share"}, "counts documents: ask /v1/documents"),
        (422, {"indicator": "public_payroll_cut"}, "is not counted from events"),
        (
            422,
            {"indicator": "dossiers_overdue", "part": "both"},
            "part: both cannot be chosen: there are numerator, denominator",
        ),
        (422, {"indicator": "dossiers_overdue", "agency": "Z"}, "agency: Z is not expected"),
        (422, {"indicator": "dossiers_overdue", "by": "agency"}, "by: is no parameter"),
        (
            422,
            {"indicator": "dossiers_overdue", "roll_up": "commune"},
            "roll_up: is no parameter of this address",
        ),
        (422, {"indicator": "dossiers_overdue", "kind": "closed"}, "name either an indicator"),
        (422, {"indicator": "dossiers_overdue", "measure": "late"}, "measure: goes with kind"),
        (
            422,
            {"kind": "sent", "measure": "documents"},
            "kind: sent is no kind of dossiers; there are received, refused",
        ),
        (422, {"kind": "open"}, "measure: kind open counts open, waiting"),
        (
            422,
            {"kind": "open", "measure": "open", "level": "commune"},
            "level: goes with an indicator",
        ),
        (
            422,
            {"kind": "open", "measure": "open", "field": "land"},
            "field: goes with an indicator",
        ),
        (422, {"indicator": "dossiers_overdue", "limit": "0"}, "limit: should be 1 or more"),
        (422, {"indicator": "dossiers_overdue", "limit": "1001"}, "limit: should be 1000 or less"),
        (
            422,
            {"indicator": "dossiers_overdue", "limit": "many"},
            "limit: should be a whole number, not many",
        ),
        (
            422,
            {"indicator": "dossiers_overdue", "window": "month"},
            "dossiers_overdue is told of one moment, not of a window: leave out window",
        ),
        (
            422,
            {"kind": "open", "measure": "open", "to": "2025-10-31"},
            "kind open is told as of now, and of no other time: leave out to",
        ),
        (422, {"indicator": "dossiers_on_time_share", "from": "2025-02-30"}, "from"),
        *(
            (422, {"indicator": "dossiers_overdue", "after": token}, "after: is no place in a list")
            for token in (
                "x",
                "é",
                "W10",
                "bnVsbA",
                "WzAsMSwiQSIsImQiLC0xXQ",
                "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OSwwLCJBIiwiZCIsMF0",
            )
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    api: httpx.AsyncClient, status: int, parameters: dict[str, str], said: str
) -> None:
    assert said in await problem(api, status, **parameters)


async def test_until_the_list_is_complete_there_is_none(
    api: httpx.AsyncClient, world: World
) -> None:
    world.progress = Progress(percent=12.5, doing="catching up")
    assert "The list is being built from Kafka: 12.5 %" in await problem(
        api, 503, indicator="dossiers_overdue"
    )


def live(indicator: Indicator) -> bool:
    return indicator.source == "events" and indicator.families == ("dossiers",)


async def test_every_live_indicator_of_dossiers_can_be_listed(api: httpx.AsyncClient) -> None:
    for indicator in filter(live, INDICATORS.values()):
        for part in ["numerator", "denominator"] if indicator.denominator else ["numerator"]:
            answer = await ask(api, indicator=indicator.id, part=part)
            assert answer["same_moment"] in (True, None), indicator.id
            assert (answer["same_moment"] is None) == (answer["figure"] is None), indicator.id
            assert sum(thing["adds"] for thing in answer["things"]) == (answer["figure"] or 0)
