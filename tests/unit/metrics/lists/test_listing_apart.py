"""Lists whose files a test changes: ahead of the figure, by other rules, made anew, switched off or
stuck.
"""

from __future__ import annotations

import threading
from datetime import date

import httpx
import pytest
from cubes import INDICATORS, by_rules, table
from facts import told
from listed import (
    FACTS,
    NOW,
    RECEIVED,
    Files,
    World,
    api,
    ask,
    files,
    ids,
    one,
    problem,
    tell,
    world,
)
from listings import paced

from metrics.api.app import create_app
from metrics.api.lists import listing_routes
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from schemas.clock import to_datetime
from serving.store.progress import Progress
from streams.families import FAMILIES

__all__ = ["api", "files", "world"]


async def test_an_id_that_is_a_formula_stays_text_in_csv(
    files: Files, api: httpx.AsyncClient
) -> None:
    formula = [(event.model_copy(update={"dossier_id": "=1+1"}), at) for event, at in [RECEIVED]]
    tell(files, [*FACTS, *formula])
    answer = await api.get(
        "/v1/dossiers", params={"indicator": "dossiers_overdue", "format": "csv"}
    )
    assert [row["id"] for row in table(answer.text)] == ["'=1+1", "d4"]
    assert await ids(api, "dossiers_overdue") == ["=1+1", "d4"]


async def test_a_list_that_is_ahead_of_the_figure_says_so(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(files, [*FACTS, *one(7, RECEIVED)], figures=False)
    answer = await ask(api, indicator="dossiers_overdue")
    assert (answer["figure"], answer["rows"], answer["same_moment"]) == (1, 2, False)


async def test_documents_and_tasks_have_their_own_addresses(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(
        files,
        [
            told("document.sent", "11-03 09:00", document_id="v1"),
            told("document.sent", "11-03 09:00", signed=False, document_id="v2"),
        ],
    )
    tell(files, [told("task.assigned", "11-03 09:00", due_at="11-10 17:00", task_id="t1")])
    documents = await ask(api, "/v1/documents", indicator="documents_electronic_share")
    assert [(thing["id"], thing["category"], thing["dates"]) for thing in documents["things"]] == [
        ("v1", "18", {"sent_at": "2025-11-03T09:00:00+07:00"}),
    ]
    tasks = await ask(api, "/v1/tasks", indicator="tasks_overdue")
    assert [(thing["id"], thing["dates"]["due_at"]) for thing in tasks["things"]] == [
        ("t1", "2025-11-10T17:00:00+07:00")
    ]


async def test_a_task_is_listed_with_its_document_its_agencies_and_the_days_it_is_overdue(
    files: Files, api: httpx.AsyncClient
) -> None:
    said = {
        "document_number": "12/TB-SAMPLE",
        "document_at": "11-01 00:00",
        "coordinating_agencies": ["C", "D"],
        "product": "Report",
        "follower": "Unit 1",
    }
    assigned = told("task.assigned", "11-03 09:00", due_at="11-10 17:00", task_id="t1", **said)
    later = told("task.assigned", "11-03 09:00", due_at="11-19 17:00", task_id="t2")
    tell(files, [assigned, later])
    overdue = await ask(api, "/v1/tasks", indicator="tasks_days_overdue")
    days = (to_datetime(NOW).date() - date(2025, 11, 10)).days
    assert overdue["figure"] == overdue["adds"] == 2 * days - 9
    first, second = overdue["things"]
    assert (first["id"], first["adds"], second["adds"]) == ("t1", days, days - 9)
    assert first["dates"]["document_at"] == "2025-11-01T00:00:00+07:00"
    assert first["texts"] == {
        "document_number": "12/TB-SAMPLE",
        "lead_agency": "B",
        "coordinating_agencies": "C, D",
        "product": "Report",
        "follower": "Unit 1",
    }
    answer = await api.get("/v1/tasks", params={"indicator": "tasks_days_overdue", "format": "csv"})
    assert [row["coordinating_agencies"] for row in table(answer.text)] == ["C, D", ""]


async def test_what_was_voided_is_listed_with_who_and_when(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(
        files,
        [
            told("document.sent", "11-03 09:00", document_id="v1"),
            told("document.voided", "11-04 09:00", agency="C", document_id="v1"),
        ],
    )
    found = await ask(api, "/v1/documents", kind="voided", measure="voided", window="all")
    (thing,) = found["things"]
    assert (thing["id"], thing["agency"], thing["at"]) == ("v1", "A", "2025-11-04")
    assert thing["dates"]["voided_at"] == "2025-11-04T09:00:00+07:00"
    assert thing["texts"] == {"voided_by": "C", "voided_source": "one-stop"}


async def test_a_file_that_is_being_made_anew_has_no_answers(
    files: Files, api: httpx.AsyncClient
) -> None:
    files[1].close()
    assert "The list is being made anew" in await problem(api, 503, indicator="dossiers_overdue")


async def test_lists_that_are_switched_off_say_so(files: Files) -> None:
    ready = Progress(ready=True, percent=100.0, partitions=1)
    questions = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=lambda: NOW)
    exporter = Exporter(files[0], questions)
    transport = httpx.ASGITransport(
        create_app(questions, exporter, [listing_routes(None)]), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert "LGSP_LISTING=1" in await problem(client, 404, indicator="dossiers_overdue")


async def test_a_list_by_other_rules_than_the_figure_is_absent(
    api: httpx.AsyncClient, files: Files
) -> None:
    """Another version's books, or one partition that another version's worker has not counted anew
    yet.
    """
    own = FAMILIES["dossiers"].version
    files[0].apply([by_rules("dossiers", own)], {0: 9})
    assert await ids(api, "dossiers_overdue") == ["d4"]
    files[0].apply([by_rules("dossiers", own + 1, partition=1)], {0: 9})
    for subject in (
        {"indicator": "dossiers_overdue"},
        {"kind": "closed", "measure": "late", "window": "all"},
    ):
        answer = await ask(api, **subject)
        assert (answer["figure"], answer["things"], answer["same_moment"]) == (None, [], None)
        assert (
            f"counted by version {own}, {own + 1} of the rules of dossiers"
            in answer["missing"]["en"]
        )
        assert f"phiên bản {own}, {own + 1}" in answer["missing"]["vi"]


async def test_a_list_by_other_office_hours_than_the_figure_is_absent(
    api: httpx.AsyncClient, files: Files
) -> None:
    files[0].apply([by_rules("dossiers", FAMILIES["dossiers"].version, calendar=7)], {0: 9})
    answer = await ask(api, indicator="processing_time", window="all")
    assert (answer["figure"], answer["things"], answer["same_moment"]) == (None, [], None)
    assert "other office hours" in answer["missing"]["en"]


async def test_a_list_that_is_stuck_takes_neither_figures_nor_other_lists_along(
    files: Files, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than there are threads, and each is answered all the same."""
    ready, clock, go_on = (
        Progress(ready=True, percent=100.0, partitions=1),
        (lambda: NOW),
        threading.Event(),
    )
    questions = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=clock)
    lists = Lists(questions, paced(*files), meanings(), progress=lambda: world.progress)
    monkeypatch.setattr(lists, "things", lambda *_: go_on.wait())
    exporter = Exporter(files[0], questions)
    transport = httpx.ASGITransport(
        create_app(questions, exporter, [listing_routes(lists, patience=0.01)]),
        raise_app_exceptions=False,
    )
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as api:
            for _ in range(20):
                assert "could not be read within" in await problem(
                    api, 503, indicator="dossiers_overdue"
                )
            assert (await ask(api, "/v1/indicators/dossiers_overdue"))["value"] == 1
    finally:
        go_on.set()
