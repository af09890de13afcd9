"""What metrics tells the audit: every refusal and every opening of a list or a thing, and never
what anybody wrote into a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accesses import PROVINCE, Clients, basic, draft
from agencies import instant
from facts import told
from traces import Hub

from metrics.api.access import ReadingAccess
from serving.access.audit import AuditLog, AuditRecord, encode_audit
from serving.access.clients import NOBODY

ID = "SAMPLE-250701-0001"
LIST = "/v1/dossiers?kind=received&measure=received&agency=N.2&from=2025-07-01&to=2025-07-01"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, instant("2025-07-03"))
    hub.directory = PROVINCE
    hub.count([told("dossier.received", "2025-07-01 09:00", agency="N.2", dossier_id=ID)])
    yield hub
    hub.close()


@pytest.fixture
def clients() -> Clients:
    return Clients(
        draft("commune", agencies=("N.2",), role="agency"), draft("sender", agencies=("N.2",))
    )


class Asked:
    """Requests, and the records that came of each."""

    def __init__(self, hub: Hub, clients: Clients) -> None:
        self.audit = AuditLog("metrics")
        self._clients = clients
        self._api = hub.client(ReadingAccess(clients.gate, audit=self.audit))

    async def __call__(
        self, path: str, status: int, name: str | None = "commune", method: str = "GET"
    ) -> list[AuditRecord]:
        headers = {} if name is None else self._clients.basic(name)
        answer = await self._api.request(method, path, headers=headers)
        assert answer.status_code == status, answer.text
        return self.audit.take()


@pytest.fixture
def asked(hub: Hub, clients: Clients) -> Asked:
    return Asked(hub, clients)


async def test_a_list_that_is_opened_is_told_with_what_it_is_about(asked: Asked) -> None:
    (one,) = await asked(LIST, 200)
    assert (one.kind, one.client, one.door) == ("opened", "commune", "metrics")
    assert (one.what, one.address) == ("GET /v1/dossiers", "127.0.0.1")
    assert one.question == (
        "kind=received measure=received agency=N.2 from=2025-07-01 to=2025-07-01"
    )
    (head,) = await asked(LIST.replace("to=2025-07-01", "to=2025-07-02"), 200, method="HEAD")
    assert head.kind == "opened"


async def test_a_thing_that_is_opened_is_told_with_its_id(asked: Asked) -> None:
    (one,) = await asked(f"/v1/dossiers/{ID}", 200)
    assert (one.kind, one.what, one.question) == (
        "opened",
        "GET /v1/dossiers/{id}",
        f"id={ID}",
    )


async def test_figures_and_the_directory_are_no_lists(asked: Asked) -> None:
    assert await asked("/v1/counts?agency=N.2", 200) == []
    assert await asked("/v1/agencies", 200) == []
    assert await asked("/healthz", 200, None) == []
    assert await asked("/v1/counts?agency=N.2&foo=1", 422) == []


@pytest.mark.parametrize(
    ("path", "name", "status", "client", "what"),
    [
        (LIST, None, 401, NOBODY, "GET /v1/dossiers"),
        ("/v1/counts", "commune", 403, "commune", "GET /v1/counts"),
        ("/v1/counts?agency=N.2", "sender", 403, "sender", "GET /v1/counts"),
        ("/v1/dossiers/OTHERS-1", "commune", 403, "commune", "GET /v1/dossiers/{id}"),
        ("/nguyen-van-a", None, 401, NOBODY, "GET another address"),
    ],
)
async def test_every_refusal_is_told(
    asked: Asked, path: str, name: str | None, status: int, client: str, what: str
) -> None:
    (one,) = await asked(path, status, name)
    assert (one.kind, one.status, one.client, one.what) == ("refused", status, client, what)


async def test_nothing_that_somebody_wrote_is_in_a_record(asked: Asked, clients: Clients) -> None:
    """A name, a citizen's number, a phone: in the path, a parameter, the key."""
    planted = ("079085001234", "0912345678", "Nguyễn Văn A", "nguyenvana")
    records: list[AuditRecord] = []
    for text in planted:
        for path in (
            f"/v1/dossiers/{text}",
            f"/{text}",
            f"{LIST}&field={text}",
            f"/v1/dossiers?kind=received&measure=received&agency={text}",
            f"/v1/dossiers?indicator={text}&agency=N.2",
        ):
            for headers in ({}, basic(text, text), clients.basic("commune")):
                await asked._api.get(path, headers=headers)
    records += asked.audit.take(everything=True)
    assert {one.kind for one in records} == {"refused"}
    assert sum(one.times for one in records) > 5 * len(planted)
    whole = b"".join(map(encode_audit, records)).decode()
    assert not [text for text in planted[:3] if text in whole]


async def test_where_access_is_open_nothing_is_told(hub: Hub) -> None:
    access = ReadingAccess()
    assert access.audit is None
    async with hub.client(access) as api:
        assert (await api.get(LIST)).status_code == 200
