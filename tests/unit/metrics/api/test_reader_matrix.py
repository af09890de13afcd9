"""Every reader × address × agency × day, where access is required: generated from what OpenAPI
describes, and compared with who was below whom, worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import httpx
import pytest
from accesses import BELOW, PROVINCE, Clients, draft
from agencies import Items, agency, instant
from facts import told
from fastapi import FastAPI
from traces import Hub

from metrics.api.access import OPEN_PATHS, SCRAPED, ReadingAccess
from metrics.application import ByBooks
from metrics.figures.readers import Reader, reader_of
from metrics.lists.tables import TABLES as LISTED
from schemas.clock import as_date, day
from schemas.families import LISTED_FAMILIES
from serving.access.audit import AuditLog
from serving.access.clients import ROLES, Client, Identity
from serving.access.permissions import Permissions
from serving.access.scraping import Scraping
from serving.directory.directory import Directory

DAYS = tuple(BELOW)
AGENCIES = ("P", "T", "U", "T.1", "U.1", "U.2", "N.2")
READERS: dict[str, dict[str, Any]] = {
    "operator": {"role": "operator"},
    "province": {"role": "province"},
    "everything": {"role": "agency", "agencies": ("*",)},
    "district": {"role": "agency", "agencies": ("U",)},
    "commune": {"role": "agency", "agencies": ("N.2",)},
    "old-commune": {"role": "agency", "agencies": ("U.1",)},
    "two": {"role": "agency", "agencies": ("T", "N.2")},
    "sender": {"doors": ("events",), "sources": ("*",), "families": ("*",), "role": None},
}
FIGURES = (
    "/v1/indicators",
    "/v1/indicators/{id}",
    "/v1/scores/766",
    "/v1/counts",
    "/v1/reports/06a",
    "/v1/coverage",
)
PUBLIC = ("/v1/catalogue", "/v1/agencies", "/v1/agencies/{code}", "/v1/procedures")
LISTS = tuple(f"/v1/{family}" for family in LISTED_FAMILIES)
TRACES = tuple(f"/v1/{family}/{{id}}" for family in LISTED_FAMILIES)


def id_of(agency: str, on: str) -> str:
    return f"SAMPLE-{agency}-{on}"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A dossier received by each agency on each of the days."""
    hub = Hub(tmp_path_factory.mktemp("readers"), instant("2025-07-03"))
    hub.directory = PROVINCE
    for code, on in product(AGENCIES, DAYS):
        fields = {"agency": code, "dossier_id": id_of(code, on)}
        hub.count([told("dossier.received", f"{on} 09:00", **fields)])
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def clients() -> Clients:
    usual: dict[str, Any] = {"doors": (), "sources": (), "families": ()}
    return Clients(*(draft(name, **(usual | chosen)) for name, chosen in READERS.items()))


@pytest.fixture
def access(clients: Clients) -> ReadingAccess:
    return ReadingAccess(clients.gate, Scraping(required=True))


def may_read(name: str, agency: str | None, on: str) -> bool:
    chosen = READERS[name]
    if chosen["role"] in ("operator", "province"):
        return True
    if chosen["role"] is None:
        return False
    own = chosen["agencies"]
    if "*" in own:
        return True
    return agency is not None and any(agency in BELOW[on].get(code, {code}) for code in own)


def address(path: str, agency: str | None, on: str) -> str:
    """A question at an address about one day."""
    query = {"from": on, "to": on}
    if agency is not None:
        query["agency"] = agency
    if path in LISTS:
        family = path.removeprefix("/v1/")
        kind = next(kind for found, kind in LISTED if found == family and _dated(found, kind))
        query |= {"kind": kind, "measure": LISTED[family, kind].declared.measures[0]}
    if path == "/v1/indicators":
        query["main"] = "true"
    return f"{path.format(id='dossiers_received')}?{httpx.QueryParams(query)}"


def _dated(family: str, kind: str) -> bool:
    return LISTED[family, kind].declared.at == "day"


async def test_every_address_is_in_the_matrix_or_open(hub: Hub) -> None:
    """So that a new one is not left out."""
    async with hub.client() as api:
        described = (await api.get("/openapi.json")).json()["paths"]
    assert {*described} | {"/openapi.json"} == {
        *FIGURES,
        *PUBLIC,
        *LISTS,
        *TRACES,
        *OPEN_PATHS,
        SCRAPED,
    }
    assert {chosen["role"] for chosen in READERS.values()} == {*ROLES, None}


@pytest.mark.parametrize("path", [*FIGURES, *LISTS])
@pytest.mark.parametrize("name", READERS)
async def test_a_reader_is_told_figures_and_lists_of_its_own_and_of_nothing_else(
    hub: Hub, clients: Clients, access: ReadingAccess, name: str, path: str
) -> None:
    async with hub.client(access) as api:
        for on, agency in product(DAYS, (*AGENCIES, None)):
            answer = await api.get(address(path, agency, on), headers=clients.basic(name))
            wanted = 200 if may_read(name, agency, on) else 403
            assert answer.status_code == wanted, (agency, on, answer.text)
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["vary"] == "Authorization"
            if wanted == 403:
                assert answer.json()["type"] == "urn:lgsp:problem:not-allowed"


@pytest.mark.parametrize("name", READERS)
async def test_a_reader_opens_what_counted_for_its_own_and_nothing_else(
    hub: Hub, clients: Clients, access: ReadingAccess, name: str
) -> None:
    """On the day of the count, or today, which is as the second day was."""
    async with hub.client(access) as api:
        for on, agency in product(DAYS, AGENCIES):
            path = f"/v1/dossiers/{id_of(agency, on)}"
            answer = await api.get(path, headers=clients.basic(name))
            may = may_read(name, agency, on) or may_read(name, agency, DAYS[-1])
            assert answer.status_code == (200 if may else 403), (agency, on, answer.text)


async def test_what_others_have_can_not_be_told_from_what_there_is_not(
    hub: Hub, clients: Clients, access: ReadingAccess
) -> None:
    async with hub.client(access) as api:
        others, nothing = [
            await api.get(f"/v1/dossiers/{id_}", headers=clients.basic("commune"))
            for id_ in (id_of("U.2", DAYS[0]), "SAMPLE-NOTHING-AT-ALL-000000")
        ]
        told_to_all = await api.get(
            "/v1/dossiers/SAMPLE-NOTHING-AT-ALL-000000", headers=clients.basic("province")
        )
    assert (others.status_code, nothing.status_code, told_to_all.status_code) == (403, 403, 404)
    assert others.json()["detail"] == nothing.json()["detail"]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("name", READERS)
async def test_the_directory_is_every_readers(
    hub: Hub, clients: Clients, access: ReadingAccess, name: str, path: str
) -> None:
    async with hub.client(access) as api:
        answer = await api.get(path.format(code="T.1"), headers=clients.basic(name))
    assert answer.status_code == (403 if name == "sender" else 200)


@pytest.mark.parametrize("path", [*FIGURES, *PUBLIC, *LISTS, *TRACES, "/v1/nothing", SCRAPED])
async def test_nobody_reads_without_saying_who_it_is(hub: Hub, clients: Clients, path: str) -> None:
    """Nor learns what there is, nor what a parameter should be."""
    async with hub.client(
        ReadingAccess(clients.gate, Scraping(required=True, token="t" * 32))
    ) as api:
        for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Authorization": "Bearer wrong"}):
            if path == SCRAPED and "Authorization" in headers:
                continue  # loopback
            answer = await api.get(f"{path}?foo=1", headers=headers)
            assert answer.status_code == 401, answer.text
            assert "WWW-Authenticate" in answer.headers


async def test_health_and_the_description_are_open(hub: Hub, access: ReadingAccess) -> None:
    async with hub.client(access) as api:
        for path in OPEN_PATHS:
            assert (await api.get(path)).status_code == 200
            assert (await api.head(path)).status_code == 200


async def test_nothing_is_told_before_the_register_was_read(hub: Hub) -> None:
    unread = Clients(draft("province", role="province"))
    unread.read = False
    async with hub.client(ReadingAccess(unread.gate)) as api:
        answer = await api.get("/v1/counts", headers=unread.basic("province"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        unread.read = True
        assert (await api.get("/v1/counts", headers=unread.basic("province"))).status_code == 200


async def test_groups_are_of_the_agency_that_was_asked_for(
    hub: Hub, clients: Clients, access: ReadingAccess
) -> None:
    async with hub.client(access) as api:
        answer = await api.get(
            f"/v1/counts?family=dossiers&kind=received&agency=N.2&by=agency&from={DAYS[1]}",
            headers=clients.basic("commune"),
        )
    (kind,) = answer.json()["kinds"]
    assert {group["group"] for group in kind["groups"]} <= {"N.2", "U.1", "T.3"}
    assert kind["counts"]["received"] == 2


async def test_a_window_counts_with_every_day_of_it(
    hub: Hub, clients: Clients, access: ReadingAccess
) -> None:
    """Of the days before the merger, of those that it is compared with, and of predecessors."""
    async with hub.client(access) as api:

        async def asked(query: str, name: str = "commune") -> httpx.Response:
            address = f"/v1/indicators/dossiers_received?{query}"
            return await api.get(address, headers=clients.basic(name))

        answer = await asked("agency=U.1&from=2025-06-30&to=2025-07-02")
        assert answer.status_code == 403
        assert "below its own agencies on 2025-06-30" in answer.json()["detail"]
        assert "which may be N.2 or what was below them" in answer.json()["detail"]
        assert (await asked("agency=U.1&from=2025-07-01&to=2025-07-02")).status_code == 200
        compared = "agency=U.1&from=2025-07-01&to=2025-07-02&compare=previous"
        assert (await asked(compared)).status_code == 403
        # N.2 itself at all times; with what it took over only where that was below it then
        assert (await asked("agency=N.2&window=all")).status_code == 200
        assert (await asked("agency=N.2&window=all&history=true")).status_code == 403
        # told of today, when the district is no more
        open_now = "/v1/indicators/dossiers_open?agency=U.1"
        answer = await api.get(open_now, headers=clients.basic("district"))
        assert answer.status_code == 403


@pytest.mark.parametrize("name", READERS)
def test_what_a_reader_may_read_is_what_is_below_it_on_the_day(clients: Clients, name: str) -> None:
    identity = Identity(clients.register.clients[name])
    if READERS[name]["role"] is None:
        return
    reader: Reader = reader_of(identity)
    for on, code in product(DAYS, AGENCIES):
        moment = as_date(day(instant(on)))
        found = reader.may_read(PROVINCE, code, moment)
        assert found == may_read(name, code, on), (code, on)


async def test_which_books_there_are_is_told_to_readers_alone(clients: Clients) -> None:
    served = ByBooks({"lgsp": FastAPI()}, ReadingAccess(clients.gate, audit=AuditLog("metrics")))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(served), base_url="http://hub"
    ) as api:
        assert (await api.get("/v1/counts?books=other")).status_code == 401
        answer = await api.get("/v1/counts?books=other", headers=clients.basic("commune"))
        assert (answer.status_code, "lgsp" in answer.json()["detail"]) == (422, True)


def test_what_an_ended_agency_left_is_read_with_its_successor() -> None:
    """And a reader may read what a sender of the same agencies may speak for."""
    items: Items = {}
    agency(items, "P", "province")
    agency(items, "Y", "department", "P", until="2025-07-01", successor="X")
    agency(items, "X", "department", "P", first="2025-07-01")
    agency(items, "Y.1", "unit", "Y")
    directory = Directory(items)
    before, after = date(2025, 6, 30), date(2025, 7, 1)
    old, new = Reader("old", ("Y",)), Reader("new", ("X",))
    assert old.may_read(directory, "Y.1", before)
    assert not new.may_read(directory, "Y.1", before)
    assert new.may_read(directory, "Y.1", after)
    assert not old.may_read(directory, "Y.1", after)
    assert old.may_read(directory, "Y", after)
    assert new.may_read(directory, "Y", after)
    for known in (directory, PROVINCE):
        codes = ("P", "X", "Y", "Y.1", *AGENCIES)
        for own, code, on in product(codes, codes, (before, after)):
            client = Client(name="a", title_vi="", title_en="", agencies=(own,))
            sender = Permissions(Identity(client), lambda known=known: known)
            may = Reader("a", (own,)).may_read(known, code, on)
            assert may == sender.speaks_for(code, on), (own, code, on)
