"""The register as it is read: what a record says, and that nobody is let in by one that can't be
read.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from accesses import Clients, draft

from schemas.errors import ContractError, NewerLayout
from schemas.settings import Settings
from serving.access.clients import LAYOUT, SANDBOX_LAYOUT, Client, decode_client, encode_client
from serving.access.register import RegisterFeed, RegisterStore


@pytest.fixture
def shop() -> Client:
    return Clients(draft("shop")).register.clients["shop"]


def record(name: str, value: bytes | None, offset: int = 0) -> Any:
    return SimpleNamespace(
        topic="lgsp.clients", partition=0, offset=offset, key=name.encode(), value=value
    )


def store_of(*records: Any) -> RegisterStore:
    store = RegisterStore()
    store.open("cluster", 0)
    store.apply(records, {})
    store.caught_up()
    return store


def names(store: RegisterStore) -> set[str]:
    assert store.register is not None
    return {*store.register.clients}


def test_a_client_is_read_as_it_was_written(shop: Client) -> None:
    assert decode_client(encode_client(shop)) == shop


def test_there_is_no_register_before_all_that_stood_there_was_read(shop: Client) -> None:
    store = RegisterStore()
    store.open("cluster", 0)
    store.apply([record("shop", encode_client(shop))], {})
    assert store.register is None
    store.caught_up()
    assert names(store) == {"shop"}


def test_an_empty_register_is_one_too() -> None:
    assert names(store_of()) == set()


def test_changes_show_and_what_is_deleted_goes(shop: Client) -> None:
    store = store_of(record("shop", encode_client(shop)))
    changed = msgspec.structs.replace(shop, agencies=("U",))
    store.apply([record("shop", encode_client(changed), 1)], {})
    assert store.register is not None
    assert store.register.clients["shop"] == changed
    assert store.register.keys[shop.keys[0].id] == (changed, changed.keys[0])
    store.apply([record("shop", None, 2)], {})
    assert (store.register.clients, store.register.keys) == ({}, {})


def test_while_it_is_read_anew_it_stays_as_it_was(shop: Client) -> None:
    store = store_of(record("shop", encode_client(shop)))
    store.rebuild("cluster", 0, "the topic was made anew")
    assert names(store) == {"shop"}
    store.apply([], {})
    store.check()
    assert names(store) == {"shop"}
    store.caught_up()
    assert names(store) == set()


@pytest.mark.parametrize("value", [b"{", b"[]", b'{"name": "shop"}', b"\xff"])
def test_who_can_not_be_read_is_let_in_nowhere(
    shop: Client, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Though an earlier record of it could be: what it may now is not known."""
    store = store_of(record("shop", encode_client(shop)), record("shop", value, 7))
    assert names(store) == set()
    (said,) = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert "lgsp.clients/0, offset 7, is let in nowhere" in said


def test_a_record_under_anothers_name_is_nobodys(shop: Client) -> None:
    assert names(store_of(record("other", encode_client(shop)))) == set()


def test_what_a_later_version_wrote_is_not_guessed_at(shop: Client) -> None:
    """It may have rights that this version knows nothing of, or limits them by them."""
    value = msgspec.json.decode(encode_client(shop))
    assert value["layout"] == LAYOUT, "an earlier version may read it"
    with pytest.raises(NewerLayout):
        decode_client(msgspec.json.encode({**value, "layout": SANDBOX_LAYOUT + 1}))
    with pytest.raises(ContractError):
        decode_client(msgspec.json.encode({**value, "doors": ["window"]}))


@pytest.mark.parametrize(
    ("space", "topic"),
    [
        ("official", "lgsp.clients"),
        ("sandbox", "lgsp.clients"),
        ("simulated", "simulated.lgsp.clients"),
        ("simulated.sandbox", "simulated.lgsp.clients"),
    ],
)
def test_who_reads_in_a_sandbox_is_a_client_of_its_hub(space: str, topic: str) -> None:
    assert RegisterFeed(Settings(space=space))._options.topics == (topic,)
