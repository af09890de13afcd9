"""Every client × agency × door × family × day, sent: generated from what is declared of
clients, and compared with rights that are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from accesses import BELOW, PROVINCE, Clients, draft
from gateways import Remembers, client_of, post

from connectors.gateway.examples import EXAMPLES
from schemas.events import ACCEPTED
from serving.access.changes import FAMILY_NAMES
from serving.access.clients import DOORS, ROLES, Identity
from serving.access.errors import NotAllowed
from serving.access.permissions import Permissions

AGENCIES = ("P", "T", "U", "T.1", "U.1", "U.2", "N.2", "X.UNKNOWN")
CLIENTS: dict[str, dict[str, Any]] = {
    "everything": {"agencies": ("*",), "doors": DOORS, "role": "operator"},
    "province": {"agencies": ("P",), "role": "province"},
    "district": {"agencies": ("U",), "families": ("dossiers",), "role": "agency"},
    "two-agencies": {"agencies": ("T", "N.2"), "families": ("dossiers", "tasks")},
    "old-commune": {"agencies": ("U.1",), "sources": ("/sample/one-stop",), "role": "agency"},
    "other-source": {"agencies": ("*",), "sources": ("/sample/else*",)},
    "packets": {"agencies": ("U",), "doors": ("packets", "files")},
    "reader": {"agencies": ("U",), "doors": (), "sources": (), "families": (), "role": "agency"},
}
SOURCE = "/sample/one-stop"


@pytest.fixture(scope="module")
def clients() -> Clients:
    found = Clients(*(draft(name, **chosen) for name, chosen in CLIENTS.items()))
    for name, client in found.register.clients.items():
        found.put(client)
        assert name in found.keys
    return found


def declared(name: str) -> dict[str, Any]:
    return {"doors": ("events",), "families": ("*",), "sources": ("*",), "role": None} | CLIENTS[
        name
    ]


def speaks(name: str, agency: str, on: str) -> bool:
    own = declared(name)["agencies"]
    return "*" in own or any(agency in BELOW[on].get(code, {code}) for code in own)


def may_send(name: str, family: str, agency: str, on: str) -> bool:
    rights = declared(name)
    return (
        ("*" in rights["families"] or family in rights["families"])
        and any(
            SOURCE.startswith(one[:-1]) if one.endswith("*") else one == SOURCE
            for one in rights["sources"]
        )
        and speaks(name, agency, on)
    )


def events(on: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """One of each family for each agency, on a day."""
    samples = {ACCEPTED[kind].family: sample for kind, sample in reversed(EXAMPLES.items())}
    assert {*samples} == {*FAMILY_NAMES}
    for (family, sample), agency in product(samples.items(), AGENCIES):
        data = {**sample["data"], "agency": agency}
        if family == "inventory":  # an agency states itself
            data["item_id"] = f"agency/{agency}"
            data.pop("parent", None)
        yield (
            family,
            agency,
            {
                **sample,
                "id": f"{family}-{agency}-{on}",
                "source": SOURCE,
                "time": f"{on}T10:00:00+07:00",
                "data": data,
            },
        )


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("on", BELOW)
async def test_a_client_may_send_what_is_declared_and_nothing_else(
    clients: Clients, name: str, on: str
) -> None:
    sent = list(events(on))
    publisher = Remembers()
    async with client_of(publisher, access=clients.access) as client:
        answer = await post(client, [one for _, _, one in sent], **clients.basic(name))
    if "events" not in declared(name)["doors"]:
        assert (answer.status_code, publisher.events) == (403, [])
        return
    statuses = [item["status"] for item in answer.json()["items"]]
    for (family, agency, _), status in zip(sent, statuses, strict=True):
        wanted = 202 if may_send(name, family, agency, on) else 403
        assert status == wanted, (name, family, agency, on)
    assert len(publisher.events) == statuses.count(202)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_may_use_its_doors_and_no_other(clients: Clients, name: str) -> None:
    permissions = Permissions(Identity(clients.register.clients[name]), lambda: PROVINCE)
    for door in DOORS:
        if door in declared(name)["doors"]:
            permissions.require_door(door)
        else:
            with pytest.raises(NotAllowed, match=door):
                permissions.require_door(door)


def test_every_role_and_every_door_is_among_them() -> None:
    """So that a new one is not left out of the matrix."""
    assert {declared(name)["role"] for name in CLIENTS} == {*ROLES, None}
    assert {door for name in CLIENTS for door in declared(name)["doors"]} == {*DOORS}
