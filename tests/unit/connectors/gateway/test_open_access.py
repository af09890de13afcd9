"""Access that is open although clients are registered is said in the log, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from accesses import BEGINNING, Clients, draft

from connectors.gateway.open_access import warn_if_open
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings
from serving.access.clients import Client


async def said(
    caplog: pytest.LogCaptureFixture, clients: Mapping[str, Client] | None, access: str = "open"
) -> str:
    async def read(_: Settings) -> Mapping[str, Client]:
        if clients is None:
            raise KafkaUnavailable("away")
        return clients

    await warn_if_open(Settings(access=access), read)  # type: ignore[arg-type]
    return caplog.text


async def test_open_with_clients_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    clients = Clients(draft("one"), draft("two")).register.clients
    assert "2 clients are registered" in await said(caplog, clients)


async def test_nothing_is_said_where_nobody_forgot_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = msgspec.structs.replace(
        Clients(draft("one")).register.clients["one"], revoked_at=BEGINNING
    )
    assert await said(caplog, {}) == ""
    assert await said(caplog, {"one": gone}) == ""
    assert await said(caplog, None) == ""
    clients = Clients(draft("one")).register.clients
    assert await said(caplog, clients, access="required") == ""
