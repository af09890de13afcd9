"""Changes of clients: what is made, and what is refused in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from accesses import BEGINNING, PEPPER, draft

from schemas.clock import DAY_MS
from serving.access.changes import (
    LONGEST_DAYS,
    MOST_KEYS,
    ClientDraft,
    ClientMistake,
    NoSuchClient,
    added,
    changed,
    found,
    revoked,
    rotated,
    with_key,
)
from serving.access.clients import Client, PacketSettings

PACKETS = PacketSettings(user="sample", password="$argon2id$", source="/sample/packets")


def make(**chosen: Any) -> Client:
    return added({}, draft("shop", **chosen), PEPPER, BEGINNING)[0]


def test_a_client_is_what_was_asked_for_with_a_key_of_a_year() -> None:
    client, key = added({}, draft("shop"), PEPPER, BEGINNING)
    assert key is not None
    (kept,) = client.keys
    assert (kept.id, kept.created_at, kept.expires_at) == (
        key.id,
        BEGINNING,
        BEGINNING + 365 * DAY_MS,
    )
    assert (client.agencies, client.doors, client.families) == (("P",), ("events",), ("*",))
    assert client.ends_in(BEGINNING) == 365 * 86_400


def test_a_client_that_only_logs_in_with_packets_needs_no_key() -> None:
    client, key = added({}, draft("shop", packets=PACKETS, days=0), PEPPER, BEGINNING)
    assert (key, client.keys, client.ends_in(BEGINNING)) == (None, (), None)


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"title_vi": " "}, "title_vi", "what officials call it"),
        ({"title_en": "x" * 129}, "title_en", "128"),
        ({"agencies": ()}, "agencies", "at least one"),
        ({"agencies": ("Sở Mẫu",)}, "agencies", "no agency's code"),
        ({"sources": ()}, "sources", "at least one"),
        ({"sources": ("/a*/b",)}, "sources", "not at its end"),
        ({"sources": ("a|b",)}, "sources", "a|b"),
        ({"families": ()}, "families", "dossiers, documents"),
        ({"families": ("dossier",)}, "families", "'dossier' is none: dossiers"),
        ({"families": ("heartbeats",)}, "families", "'heartbeats' is none"),
        ({"doors": ("window",)}, "doors", "events, packets or files"),
        ({"doors": ()}, "doors", "it may do nothing"),
        ({"role": "king"}, "role", "operator, province or agency"),
        ({"doors": (), "agencies": (), "role": "agency"}, "agencies", "at least one"),
        ({"events_a_second": -1}, "limits", "0 is no limit"),
        ({"days": LONGEST_DAYS + 1}, "days", "1,095"),
        ({"packets": PacketSettings(user=" ", password="")}, "packets_user", "name it"),
        ({"packets": PacketSettings(user="a", password="")}, "packets_source", "under which"),
        (
            {"packets": PacketSettings(user="a", password="", source="s", success_code=7)},
            "success_code",
            "the number 0",
        ),
        (
            {"packets": PacketSettings(user="a", password="", source="s", default_channel="fax")},
            "default_channel",
            "online, counter",
        ),
    ],
)
def test_each_mistake_is_named_with_what_to_say_instead(
    wrong: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ClientMistake, match=re.escape(said)) as caught:
        make(**wrong)
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["", "Shop", "cơ-quan", "a b", "-a", "a-", "a" * 64, "anybody"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ClientMistake, match="name: "):
        added({}, ClientDraft(name, "Mẫu", "Sample", role="province"), PEPPER, BEGINNING)


def test_a_name_or_a_login_that_is_taken_is_refused() -> None:
    there = {"shop": make(packets=PACKETS)}
    with pytest.raises(ClientMistake, match="shop is registered already"):
        added(there, draft("shop"), PEPPER, BEGINNING)
    with pytest.raises(ClientMistake, match="shop logs in as sample already"):
        added(there, draft("other", packets=PACKETS), PEPPER, BEGINNING)
    gone = {"shop": revoked(there["shop"], BEGINNING)}
    assert added(gone, draft("other", packets=PACKETS), PEPPER, BEGINNING)


def test_other_rights_take_the_place_of_those_and_keys_stay() -> None:
    client = make(packets=PACKETS, role="agency")
    there = {"shop": client, "other": added({}, draft("other"), PEPPER, BEGINNING)[0]}
    turned = changed(there, "shop", agencies=("U", "T"), events_a_second=5)
    assert (turned.agencies, turned.limits.events) == (("U", "T"), 5)
    same = ("name", "sources", "doors", "families", "role", "keys", "packets", "created_at")
    assert [getattr(turned, name) for name in same] == [getattr(client, name) for name in same]
    assert changed(there, "shop", role=None).role is None


def test_rights_that_can_not_be_given_are_refused_alike_when_they_are_changed() -> None:
    there = {"shop": make()}
    for wrong in ({"agencies": ()}, {"doors": ("window",)}, {"title_vi": ""}):
        with pytest.raises(ClientMistake):
            changed(there, "shop", **wrong)
    with pytest.raises(NoSuchClient):
        changed(there, "nobody", role="province")
    with pytest.raises(ClientMistake, match="shop is revoked"):
        changed({"shop": revoked(make(), BEGINNING)}, "shop", role="province")


def test_who_is_looked_for_and_not_there_is_named() -> None:
    with pytest.raises(NoSuchClient, match="no client is called shop"):
        found({}, "shop")


def test_a_rotation_never_lengthens_an_old_key() -> None:
    client, _ = with_key(make(), PEPPER, 1, BEGINNING)
    turned, _ = rotated(client, PEPPER, BEGINNING)
    days = sorted((one.expires_at - BEGINNING) // DAY_MS for one in turned.keys)
    assert days == [1, 7, 365]
    assert turned.ends_in(BEGINNING) == 86_400, "the nearest end is told"


def test_an_end_that_is_over_and_a_client_that_is_revoked_are_no_rotation() -> None:
    with pytest.raises(ClientMistake, match="is over; `lgsp client revoke --key`"):
        rotated(make(), PEPPER, BEGINNING, old_until=BEGINNING - 1)
    with pytest.raises(ClientMistake, match="shop is revoked"):
        rotated(revoked(make(), BEGINNING), PEPPER, BEGINNING)


def test_a_revocation_says_since_when_and_stays_so() -> None:
    client = revoked(make(), BEGINNING)
    assert revoked(client, BEGINNING + 1) is client
    assert client.keys_at(BEGINNING) == []
    assert client.ends_in(BEGINNING) is None
    with pytest.raises(ClientMistake, match="shop has no key nothing; its keys are"):
        revoked(make(), BEGINNING, "nothing")


def test_keys_that_open_nothing_are_forgotten_in_the_end() -> None:
    """Else a client that changes its key every day would outgrow a record."""
    client = make()
    for number in range(3 * MOST_KEYS):
        now = BEGINNING + number * 8 * DAY_MS
        client, key = rotated(client, PEPPER, now)
    assert len(client.keys) == MOST_KEYS
    assert client.keys[-1].id == key.id
    assert len(client.keys_at(now)) == 2


def test_where_all_keys_have_ended_it_is_told_since_when() -> None:
    client = make(days=1)
    assert client.ends_in(BEGINNING + 3 * DAY_MS) == -2 * 86_400
