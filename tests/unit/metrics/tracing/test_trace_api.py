"""GET /v1/dossiers/{id} and its like: facts in order, what they do, what is known, and the figures
it is in, each with its list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from cubes import by_rules
from facts import Heard, ms, told
from traces import Hub

from metrics.api.app import create_app
from metrics.api.traces import trace_routes
from metrics.tracing.flags import FLAGS
from metrics.tracing.log import TAIL
from schemas.cells.kinds import CELL_KINDS

NOW = ms("11-20 10:00")
ID = "H35.20.1-251103-0001"
RECEIVED = told(
    "dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00", dossier_id=ID
)
FINISHED = told("dossier.finished", "11-10 16:30", heard="11-12 08:00", dossier_id=ID)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, NOW)
    yield hub
    hub.close()


@pytest.fixture
async def api(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    async with hub.client() as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str = f"/v1/dossiers/{ID}", **parameters: Any) -> Any:
    answer = await api.get(path, params=parameters or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def problem(api: httpx.AsyncClient, status: int, path: str, **parameters: Any) -> str:
    answer = await api.get(path, params=parameters or None)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def standings(answer: Any) -> list[str]:
    return [fact["standing"] for fact in answer["facts"]]


async def test_facts_come_in_the_order_in_which_they_were_heard_of(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    other = told("dossier.received", "11-04 09:00", dossier_id="another")
    hub.count([FINISHED, other, RECEIVED, FINISHED])
    answer = await ask(api)
    assert [(fact["offset"], fact["type"]) for fact in answer["facts"]] == [
        (0, "dossier.finished"),
        (2, "dossier.received"),
        (3, "dossier.finished"),
    ]
    assert standings(answer) == ["counted", "counted", "duplicate"]
    assert "offset 0" in answer["facts"][2]["why"]["en"]
    assert answer["facts"][1] == {
        "partition": 0,
        "offset": 2,
        "type": "dossier.received",
        "id": "dossier.received@11-03 09:00",
        "source": "one-stop",
        "occurred_at": "2025-11-03T09:00:00+07:00",
        "heard_at": "2025-11-03T09:00:00+07:00",
        "standing": "counted",
        "why": None,
        "data": {
            "agency": "A",
            "backfill": False,
            "dossier_id": ID,
            "procedure": "p",
            "channel": "online",
            "authenticated": False,
            "with_fee": False,
            "reused_data": False,
            "papers_digitised": False,
            "from_personal_store": False,
            "population_data": False,
            "channel_unknown": False,
            "due_at": "2025-11-10T17:00:00+07:00",
        },
        "names": {},
    }
    assert answer["state"]["dates"]["ended_at"] == "2025-11-10T16:30:00+07:00"
    assert answer["as_of"] == {"partition": 0, "counted": 4, "indexed": 4, "log": 4}
    assert (answer["left"], answer["next"], answer["facts_missing"]) == (0, None, None)


async def test_a_fact_that_is_neither_indexed_nor_counted_yet_is_there_and_waits(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    hub.count([RECEIVED])
    hub.log.add([FINISHED, told("dossier.received", "11-04 09:00", dossier_id="another")])
    answer = await ask(api)
    assert standings(answer) == ["counted", "waiting"]
    assert answer["as_of"] == {"partition": 0, "counted": 1, "indexed": 1, "log": 3}


async def test_what_is_refused_is_told_with_its_reason_and_without_its_bytes(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    hub.counted(
        [
            *hub.log.add([RECEIVED]),
            hub.log.put("dossiers", ID.encode(), b"\0\0\0\0\1Nguyen Van A", NOW),
        ]
    )
    answer = await ask(api)
    assert standings(answer) == ["counted", "refused"]
    assert (answer["facts"][1]["type"], answer["facts"][1]["data"]) == (None, None)
    assert "do not decode" in answer["facts"][1]["why"]["en"]
    assert "Nguyen" not in str(answer)


async def test_one_id_for_two_facts_is_said(hub: Hub, api: httpx.AsyncClient) -> None:
    event, heard = RECEIVED
    hub.count([RECEIVED, (event.model_copy(update={"procedure": "q"}), heard)])
    answer = await ask(api)
    assert standings(answer) == ["counted", "counted"]
    assert "offset 0" in answer["facts"][1]["why"]["en"]


async def test_every_figure_that_it_is_in_has_it_in_its_list(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    paid = told("dossier.paid", "11-05 09:00", dossier_id=ID)
    hub.count(
        [
            RECEIVED,
            paid,
            FINISHED,
            told("dossier.received", "11-10 16:00", due_at="11-19 17:00", dossier_id="open"),
        ]
    )
    followed = 0
    for id_ in (ID, "open"):
        for cell in (await ask(api, f"/v1/dossiers/{id_}"))["state"]["counts_for"]:
            listed = await ask(api, cell["list"])
            assert (id_, cell["at"]) in [(thing["id"], thing["at"]) for thing in listed["things"]]
            for figure in cell["figures"]:
                told_ = await ask(api, figure["figure"])
                assert (told_["id"], told_["version"]) == (figure["indicator"], figure["version"])
                assert told_[figure["part"]] is not None
                if figure["list"] is not None:
                    things = (await ask(api, figure["list"]))["things"]
                    rows = [
                        thing
                        for thing in things
                        if (thing["id"], thing["kind"], thing["at"])
                        == (id_, cell["kind"], cell["at"])
                    ]
                    assert sum(thing["adds"] for thing in rows) == figure["adds"], figure
                    followed += 1
    assert followed > 20


ASKED = told("dossier.supplement_requested", "11-05 09:00", dossier_id=ID)
PAID = told("dossier.paid", "11-05 09:00", dossier_id=ID)
STORIES = {
    "in time": [RECEIVED, PAID, FINISHED],
    "late and waiting": [RECEIVED, ASKED],
    "overdue": [RECEIVED],
    "without a due time": [told("dossier.received", "11-03 09:00", dossier_id=ID), FINISHED],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_no_figure_is_left_out_and_none_too_many(
    hub: Hub, api: httpx.AsyncClient, story: list[Heard]
) -> None:
    """Of one thing in the whole province, each indicator is what its cells are said to add to
    it.
    """
    hub.count(story)
    told_: dict[tuple[str, str], int] = {}
    for cell in (await ask(api))["state"]["counts_for"]:
        for figure in cell["figures"]:
            key = figure["indicator"], figure["part"]
            told_[key] = told_.get(key, 0) + figure["adds"]
    for indicator in hub.indicators.values():
        if indicator.source == "events" and {leaf.over for leaf in indicator.leaves} == {"window"}:
            whole = await ask(
                api,
                f"/v1/indicators/{indicator.id}",
                **({} if indicator.asks_now else {"from": "2025-11-01"}),
            )
            for part in ("numerator", "denominator"):
                assert told_.get((indicator.id, part), 0) == (whole[part] or 0), (
                    indicator.id,
                    part,
                )


async def test_flags_are_explained(hub: Hub, api: httpx.AsyncClient) -> None:
    hub.count([FINISHED])
    assert (await ask(api))["state"]["flags"] == [
        {"flag": flag, "name": FLAGS["dossiers"][flag].model_dump()}
        for flag in ("flagged", "no_reception", "end_without_reception")
    ]


@pytest.mark.parametrize("family", ["dossiers", "documents", "tasks"])
def test_every_flag_has_words_that_the_page_has_too(family: str) -> None:
    page = (Path(__file__).parents[4] / "docs" / "figures.md").read_text("utf-8")
    assert set(FLAGS[family]) == set(CELL_KINDS[family]["flagged"].measures)
    for flag, name in FLAGS[family].items():
        assert any(
            line.startswith(f"| `{flag}` |") and line.endswith(f"| {name.vi} |")
            for line in page.splitlines()
        ), flag


async def test_other_families_and_ids_with_signs_in_them(hub: Hub, api: httpx.AsyncClient) -> None:
    id_ = "12/UBND-VP?số=1#2%20"
    hub.count([told("document.sent", "11-03 09:00", document_id=id_)])
    hub.count([told("task.assigned", "11-03 09:00", task_id="T/1")])
    answer = await ask(api, f"/v1/documents/{quote(id_, safe='')}")
    assert (answer["id"], standings(answer)) == (id_, ["counted"])
    assert (await ask(api, "/v1/tasks/T/1"))["id"] == "T/1"


async def test_an_id_is_found_however_it_is_typed_and_as_it_was_kept_before(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    hub.count([told("dossier.received", "11-03 09:00", dossier_id="Hồ sơ 1")])
    event, heard = told("dossier.received", "11-03 09:00")
    before = "Ho\N{ZERO WIDTH SPACE}so"  # as a door of before let it in
    hub.count([(event.model_copy(update={"dossier_id": before}), heard)])
    decomposed = (
        "Ho\N{COMBINING CIRCUMFLEX ACCENT}\N{COMBINING GRAVE ACCENT} so\N{COMBINING HORN} 1"
    )
    assert (await ask(api, f"/v1/dossiers/%20{quote(decomposed)}"))["id"] == "Hồ sơ 1"
    assert (await ask(api, f"/v1/dossiers/{quote(before)}"))["id"] == before


async def test_what_nobody_ever_told_of_is_said_in_words(hub: Hub, api: httpx.AsyncClient) -> None:
    hub.count([RECEIVED])
    assert "Nothing was ever told of a dossier H35" in await problem(api, 404, "/v1/dossiers/H35")
    assert "|" in await problem(api, 422, "/v1/dossiers/a%7Cb")
    assert "is no parameter" in await problem(api, 422, f"/v1/dossiers/{ID}", window="all")
    assert "after" in await problem(api, 422, f"/v1/dossiers/{ID}", after="5")


@pytest.fixture(scope="module")
def of_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.AsyncClient]:
    """Asks of one dossier, `d`, that nobody changes."""
    hub = Hub(tmp_path_factory.mktemp("one"), NOW)
    hub.count([told("dossier.received", "11-03 09:00", dossier_id="d")])
    yield hub.client()
    hub.close()


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("/%FF", 404),
        ("/%00", 422),
        ("/%20", 404),
        ("/" + "x" * 2_000, 422),
        ("/..%2F..%2Fetc", 404),
        ("/%F0%9F%92%A9", 404),
        ("//", 404),
        ("/d?limit=0", 422),
        ("/d?limit=201", 422),
        ("/d?after=" + "9" * 40 + ".0", 422),
        ("/d?after=1.%EF%BC%91", 422),
        ("/d?after=-1.0", 422),
        ("/d?after=0.99999", 200),
        ("/d?format=xml", 422),
        ("/d?after=", 422),
        ("/d?limit=1&limit=2", 422),
    ],
)
async def test_what_is_mistyped_is_answered_in_words(
    of_one: httpx.AsyncClient, rest: str, status: int
) -> None:
    answer = await of_one.get(f"/v1/dossiers{rest}")
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["detail"]


async def test_without_kafka_the_state_is_told_and_the_facts_are_not(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    hub.count([RECEIVED])
    hub.log.away = True
    answer = await ask(api)
    assert (
        answer["facts"],
        answer["as_of"]["log"],
        answer["state"]["dates"]["received_at"][:10],
    ) == (None, None, "2025-11-03")
    assert "Kafka" in answer["facts_missing"]["en"]
    await problem(api, 503, "/v1/dossiers/H35")
    await problem(api, 503, f"/v1/dossiers/{ID}", format="csv")


async def test_an_index_that_is_far_behind_says_so(hub: Hub, api: httpx.AsyncClient) -> None:
    hub.count([RECEIVED])
    for number in range(TAIL + 1):
        hub.log.put("dossiers", b"x", b"", NOW + number)
    answer = await ask(api)
    assert (answer["left"], standings(answer)) == (TAIL + 1, ["counted"])
    assert f"{TAIL + 1} facts" in answer["facts_missing"]["en"]
    assert "still to be looked through" in await problem(api, 503, "/v1/dossiers/H35")


async def test_facts_that_the_log_holds_no_more_are_missed(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    hub.count([RECEIVED, FINISHED])
    del hub.log.records[0]
    answer = await ask(api)
    assert (standings(answer), "1 facts are no longer" in answer["facts_missing"]["en"]) == (
        ["counted"],
        True,
    )


async def test_many_facts_come_by_the_page_and_as_csv(hub: Hub, api: httpx.AsyncClient) -> None:
    steps = [
        told("dossier.step_taken", f"11-04 09:{number:02}", dossier_id=ID, step="=1+1")
        for number in range(7)
    ]
    hub.count([RECEIVED, *steps])
    seen, path = [], f"/v1/dossiers/{ID}?limit=3&format=csv"
    while path:
        answer = await api.get(path)
        assert answer.status_code == 200
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        seen += [row["offset"] for row in rows]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == [str(number) for number in range(8)]
    first = await ask(api, limit=3)
    assert [fact["offset"] for fact in (await ask(api, limit=3, after=first["next"]))["facts"]] == [
        3,
        4,
        5,
    ]
    assert urlsplit(str(answer.url)).path == f"/v1/dossiers/{ID}"


async def test_other_rules_than_the_lists_make_no_counts(hub: Hub, api: httpx.AsyncClient) -> None:
    hub.count([RECEIVED])
    hub.cube.apply([by_rules("dossiers", 3)], {0: 99})
    state = (await ask(api))["state"]
    assert (state["counts_for"], "version 3" in state["missing"]["en"]) == (None, True)


async def test_without_lists_it_says_so() -> None:
    questions = SimpleNamespace(catalogue={})
    app = create_app(
        questions,
        SimpleNamespace(requests=SimpleNamespace(add=lambda *_: None)),
        [trace_routes(None)],
    )  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://hub"
    ) as client:
        assert "LGSP_LISTING=1" in await problem(client, 404, f"/v1/dossiers/{ID}")
