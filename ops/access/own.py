"""How the hub's own programs get in where access is required: they run on its machine, so they make
a key for themselves, as `lgsp client` would.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec

from schemas.clock import now_ms
from schemas.errors import HubError
from schemas.settings import Settings
from serving.access import changes, topic
from serving.access.audit import Actor
from serving.access.changes import ClientDraft
from serving.access.clients import ANY, KEY_DAYS, Client
from serving.access.keys import KeyText, Pepper
from serving.access.secrets import pepper_of


async def own_headers(
    settings: Settings, name: str, title: str, *, sends: bool = True, reads: bool = False
) -> dict[str, str]:
    """The header with which a program of the hub's own may send or read everything, under that
    name; nothing where access is open. A key that it had before holds no more.

    Raises: HubError where that client was revoked; KafkaUnavailable
    """
    if settings.access == "open":
        return {}
    pepper, now = Pepper(pepper_of(settings)), now_ms()
    draft = ClientDraft(
        name,
        title_vi=title,
        title_en=title,
        agencies=(ANY,) if sends else (),
        sources=(ANY,) if sends else (),
        doors=("events",) if sends else (),
        families=(ANY,) if sends else (),
        role="province" if reads else None,
        events_a_second=0,
        bytes_a_second=0,
        live=True,
    )
    _, key = await topic.change_client(
        settings,
        lambda there: _renewed(there, draft, pepper, now),
        Actor(name, "command"),
        "given a new key",
    )
    token = base64.b64encode(f"{name}:{key}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def _renewed(
    there: Mapping[str, Client], draft: ClientDraft, pepper: Pepper, now: int
) -> tuple[Client, KeyText | None]:
    client = there.get(draft.name)
    if client is None:
        return changes.added(there, draft, pepper, now)
    if client.revoked_at is not None:
        raise HubError(
            f"The client {client.name} was revoked, so it may neither send nor read: send without"
            " the gateway, or use a space of its own."
        )
    wanted, _ = changes.added({}, draft, pepper, now)
    renewed = msgspec.structs.replace(wanted, keys=(), created_at=client.created_at)
    return changes.with_key(renewed, pepper, KEY_DAYS, now)
