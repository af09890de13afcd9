"""What the gateway refuses is kept whole in the vault, as much of it as may be."""

from __future__ import annotations

import json

from accesses import Clients, draft
from gateways import BAD, RECEIVED, Remembers, binary, client_of, post, problem, publisher
from refusals import NAME, entries, here, known, original, vault

from connectors.gateway.health import Health
from connectors.gateway.modes import BATCH_TYPE
from connectors.quarantine.original import agency_in
from connectors.vault.master import VAULT_KEY_FILE
from connectors.vault.vault import Vault
from schemas.settings import Settings
from schemas.topics import VAULT

__all__ = ["here", "publisher", "vault"]  # fixtures


async def test_items_and_bodies_are_kept_whole_and_in_clear_nowhere(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    bad = {**BAD, "data": {**BAD["data"], "ho_ten": NAME}}
    async with client_of(publisher, vault=vault, data=here.data) as client:
        await post(client, [RECEIVED, bad], BATCH_TYPE)
        await post(client, f'["{NAME}"'.encode())
        await post(client, [f'{{"{NAME}": NaN}}', 1], BATCH_TYPE)
    found = [original(publisher, here, entry) for entry in entries(publisher)]
    assert [json.loads(one.body) for one in (found[0], *found[2:])] == [
        bad,
        f'{{"{NAME}": NaN}}',
        1,
    ]
    assert found[1].body == f'["{NAME}"'.encode()
    for record in publisher.records:
        texts = [record.key, record.value or b"", *(value for _, value in record.headers)]
        assert not [text for text in texts if NAME.encode() in text or b"ho_ten" in text]


async def test_a_binary_request_is_kept_with_its_headers_and_no_others(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    async with client_of(publisher, vault=vault, data=here.data) as client:
        await binary(client, BAD, Authorization="Basic secret", X_Name="name")
    (entry,) = entries(publisher)
    kept = original(publisher, here, entry)
    assert json.loads(kept.body) == BAD["data"]
    names = {name for name, _ in kept.headers}
    assert names == {"content-type", *(f"ce-{name}" for name in BAD if name != "data")}


async def test_whose_it_is_says_the_client_and_the_agency_if_that_is_a_code(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    clients = Clients(draft("shop"))
    named = {**BAD, "data": {**BAD["data"], "agency": "U.2"}}
    unnamed = {**BAD, "data": {**BAD["data"], "agency": NAME}}
    async with client_of(publisher, vault=vault, access=clients.access, data=here.data) as client:
        await post(client, [named, unnamed], BATCH_TYPE, **clients.basic("shop"))
    assert [entry.client for entry in entries(publisher)] == ["shop", "shop"]
    assert {(key.agency, key.client) for key in known(publisher).keys.values()} == {
        ("U.2", "shop"),
        ("-", "shop"),
    }
    assert agency_in({"data": {"agency": "001085012345"}}) == agency_in([]) == ""


async def test_what_the_vault_can_not_take_is_refused_and_noted_all_the_same(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    health = Health()
    publisher.unwritable_topic = VAULT
    async with client_of(publisher, health, vault=vault, data=here.data) as client:
        problem(await post(client, [BAD], BATCH_TYPE), "refused-items")
        publisher.unwritable_topic = ""
        (here.data / VAULT_KEY_FILE).chmod(0o644)
        other = {**BAD, "data": {**BAD["data"], "agency": "SAMPLE.OTHER"}}
        problem(await post(client, [other], BATCH_TYPE), "refused-items")
        told = (await client.get("/metrics")).text
    assert [entry.ref for entry in entries(publisher)] == [None, None]
    assert "lgsp_gateway_unvaulted_total 2.0" in told
    assert "lgsp_gateway_unkept_total 0.0" in told


async def test_only_so_much_is_kept_whole_and_that_takes_nothing_from_the_notes(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    """10 bytes a second: 5,120 at once of each."""
    large = {**BAD, "comment": "x" * 4_300}
    async with client_of(publisher, vault=vault, data=here.data, quarantine_rate=10) as client:
        for item in (large, BAD, BAD):
            await post(client, [item], BATCH_TYPE)
        told = (await client.get("/metrics")).text
    assert [entry.ref is None for entry in entries(publisher)] == [False, True, True]
    assert "lgsp_gateway_unvaulted_total 2.0" in told
    assert "lgsp_gateway_unkept_total 0.0" in told
