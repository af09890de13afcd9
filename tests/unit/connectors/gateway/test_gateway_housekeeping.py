"""What a gateway does for vault and quarantine beside its requests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from accesses import Clients, draft
from gateways import Remembers, client_of, problem, publisher
from refusals import NUMBERED, here, known, refused, vault

from connectors.gateway import housekeeping
from connectors.gateway.health import Health
from connectors.publishing.lanes import OutgoingRecord
from connectors.quarantine import apart
from connectors.quarantine.entries import Entry
from connectors.vault.datakeys import new_data_key
from connectors.vault.keeping import ends_at
from connectors.vault.master import MasterKeys
from connectors.vault.vault import Vault
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable, OriginalGone
from schemas.settings import Settings
from schemas.topics import VAULT_KEYS

__all__ = ["here", "publisher", "vault"]  # fixtures


async def test_keys_whose_days_are_over_are_erased_and_others_stay(
    publisher: Remembers, here: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refused(publisher, here, vault, [NUMBERED])
    (key,) = known(publisher).keys.values()
    later = new_data_key(
        key.owner._replace(day=key.day + 1), MasterKeys.of(here), VAULT_KEYS, now_ms()
    )
    publisher.records.append(OutgoingRecord(VAULT_KEYS, later.id.encode(), later.value, []))
    await housekeeping.look_after_keys(here, publisher, known(publisher))
    assert known(publisher).keys.keys() == {key.id, later.id}
    monkeypatch.setattr(housekeeping, "now_ms", lambda: ends_at(key))
    await housekeeping.look_after_keys(here, publisher, known(publisher))
    assert known(publisher).keys.keys() == {later.id}
    await housekeeping.look_after_keys(here, publisher, None)


async def test_how_long_refusals_wait_is_told(
    publisher: Remembers, here: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await refused(publisher, here, vault, [NUMBERED])

    async def read(_: Settings) -> Any:
        yield entry
        yield Entry("file:x/1", 0, "", "", entry.kept)

    monkeypatch.setattr(housekeeping, "entries", read)
    health = Health()
    assert b"lgsp_quarantine_waiting_seconds NaN" in health.render()
    await housekeeping.look_at_entries(here, health)
    assert b"lgsp_quarantine_waiting_entries 1.0" in health.render()
    seconds = float(health.render().split(b"\nlgsp_quarantine_waiting_seconds ")[1].split()[0])
    assert seconds == pytest.approx((now_ms() - entry.at) / 1000, abs=60)
    health.waiting(0, None)
    assert b"lgsp_quarantine_waiting_seconds 0.0" in health.render()


async def test_what_fails_beside_requests_ends_nothing(
    here: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (KafkaUnavailable("no Kafka"), ValueError("a mistake")):

        async def fails(error: Exception = error) -> None:
            raise error

        assert not await housekeeping._tried(fails)
    assert "no Kafka" in caplog.text
    assert "unforeseen" in caplog.text


async def test_an_operator_reads_only_so_many_at_a_time(publisher: Remembers) -> None:
    clients = Clients(draft("shop"))
    async with client_of(publisher, access=clients.access) as client:
        routes = next(
            route.endpoint.__self__
            for route in client._transport.app.routes  # type: ignore[attr-defined]
            if route.path == "/v1/quarantine"
        )
        routes._waiting = 8
        answer = await client.get("/v1/quarantine", headers=clients.basic("shop"))
    problem(answer, "unavailable")
    assert isinstance(answer, httpx.Response)


async def test_what_is_read_apart_ends_in_time_and_tells_what_went_wrong(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while Kafka goes away in the middle: who stops the process has to wait for it."""

    async def never() -> None:
        await asyncio.Event().wait()

    async def fails() -> None:
        raise OriginalGone("it is gone")

    with pytest.raises(OriginalGone):
        await apart.read_apart(here, fails)
    monkeypatch.setattr(apart, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(KafkaUnavailable, match="ask again later"):
        await apart.read_apart(here, never)
