"""What a client may say on a day: the hierarchy of the day of the fact, and what changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from accesses import PROVINCE, Clients, draft
from agencies import agency, instant, merged_communes

from connectors.cloudevents.decode import event_of
from connectors.cloudevents.jsonitems import JsonItem
from connectors.gateway.examples import EXAMPLES
from schemas.clock import LATEST_MS, iso
from schemas.events import Event
from serving.access import permissions as module
from serving.access.clients import Identity
from serving.access.errors import AccessUnknown, NotAllowed
from serving.access.permissions import Permissions, require_operator
from serving.directory.directory import Directory


def finished(code: str, at: str, **data: Any) -> Event:
    """A dossier finished by an agency, at a time in the province."""
    sample = EXAMPLES["dossier.finished"]
    told = {
        **sample,
        "time": iso(instant(at)),
        "data": {"dossier_id": "SAMPLE-1", "agency": code, **data},
    }
    return event_of(JsonItem(told, json.dumps(told), ()), latest=LATEST_MS)


def of(directory: Any = PROVINCE, **chosen: Any) -> Permissions:
    client = Clients(draft("shop", **chosen)).register.clients["shop"]
    return Permissions(Identity(client), lambda: directory)


@pytest.mark.parametrize(
    ("own", "code", "at", "may"),
    [
        ("T", "T.1", "2025-06-30T23:59", True),
        ("T", "T.1", "2025-07-01T00:00", False),
        ("N.1", "T.1", "2025-06-30T23:59", False),
        ("N.1", "T.1", "2025-07-01T00:00", True),
        ("N.1", "000.N1.P", "2025-07-01T00:00", True),  # another form of its code
        ("000.N1.P", "N.1", "2025-07-01T00:00", True),
        ("U", "N.2", "2025-07-01T00:00", False),
        ("P", "N.2", "2025-07-01T00:00", True),
        ("P", "X.UNKNOWN", "2025-07-01T00:00", False),
        ("X.UNKNOWN", "X.UNKNOWN", "2025-07-01T00:00", True),
    ],
)
def test_it_is_the_hierarchy_of_the_day_of_the_fact(
    own: str, code: str, at: str, may: bool
) -> None:
    assert (of(agencies=(own,)).denied(finished(code, at)) is None) == may


@pytest.mark.parametrize(("own", "may"), [("T", True), ("N.1", False)])
def test_a_correction_is_of_the_day_on_which_it_happened_in_truth(own: str, may: bool) -> None:
    corrected = finished("T.1", "2025-08-01", effective_at=iso(instant("2025-06-30")))
    assert (of(agencies=(own,)).denied(corrected) is None) == may
    taken_back = finished("T.1", "2025-08-01", holds=False)
    assert (of(agencies=(own,)).denied(taken_back) is None) != may


def test_a_change_of_the_directory_holds_at_once() -> None:
    """Though the same was asked before."""
    items = merged_communes()
    known = [Directory(items)]
    client = Clients(draft("shop", agencies=("N.1",))).register.clients["shop"]
    permissions = Permissions(Identity(client), lambda: known[0])
    event = finished("N.1.NEW", "2025-08-01")
    assert permissions.denied(event) is not None
    known[0] = Directory(agency(items, "N.1.NEW", "unit", "N.1"))
    assert permissions.denied(event) is None


def test_what_was_answered_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 5)
    permissions = of(agencies=("P",))
    for number in range(1, 29):
        assert permissions.denied(finished("U.2", f"2025-08-{number:02}")) is None
    assert len(permissions._answers) <= 7


def test_nothing_is_guessed_while_the_directory_is_read() -> None:
    permissions = of(None, agencies=("T",))
    with pytest.raises(AccessUnknown):
        permissions.denied(finished("T.1", "2025-06-30"))
    with pytest.raises(AccessUnknown):
        permissions.denied(finished("T.1", "2025-06-30"))
    assert permissions.denied(finished("T", "2025-06-30")) is None
    assert of(None, agencies=("*",)).denied(finished("T.1", "2025-06-30")) is None


@pytest.mark.parametrize(
    ("sources", "may"),
    [
        (("/sample/one-stop",), True),
        (("/sample/*",), True),
        (("*",), True),
        (("/sample/one",), False),
        (("/sample/one-stop/2",), False),
        (("/else", "/sample/one-st*"), True),
    ],
)
def test_a_source_is_one_of_the_clients(sources: tuple[str, ...], may: bool) -> None:
    denial = of(sources=sources).denied(finished("P", "2025-08-01"))
    assert (denial is None) == may
    assert denial is None or (denial.field, sources[0] in denial.message) == ("source", True)


def test_of_many_rights_some_are_told() -> None:
    many = tuple(f"000.00.{number:02}.SAMPLE" for number in range(50))
    denial = of(agencies=many).denied(finished("P", "2025-08-01"))
    assert denial is not None
    assert "000.00.09.SAMPLE and 40 more" in denial.message
    assert "on 2025-08-01 this agency was not" in denial.message


def test_only_operators_are_operators() -> None:
    clients = Clients(draft("boss", role="operator"), draft("shop", role="province"))
    boss = clients.register.clients["boss"]
    assert require_operator(Identity(boss)) is boss
    for identity in (Identity(), Identity(clients.register.clients["shop"])):
        with pytest.raises(NotAllowed):
            require_operator(identity)
