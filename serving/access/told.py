"""A client as machines are told: all that is registered of it but what proves its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.clock import iso, now_ms
from serving.access.clients import Client, ClientKey

# how each key stands
VALID, ENDED, REVOKED = "valid", "ended", "revoked"


def client_told(client: Client, used: Mapping[str, int]) -> dict[str, Any]:
    """Its shape in JSON; `used` are the last uses of keys by their ids (epoch ms). No digest, no
    password's hash.
    """
    packets = client.packets
    return {
        "name": client.name,
        "title": {"vi": client.title_vi, "en": client.title_en},
        "agencies": client.agencies,
        "sources": client.sources,
        "doors": client.doors,
        "families": client.families,
        "role": client.role,
        "limits": {"events_a_second": client.limits.events, "bytes_a_second": client.limits.bytes},
        "packets": None
        if packets is None
        else {
            "user": packets.user,
            "success_code": packets.success_code,
            "default_channel": packets.default_channel,
            "source": packets.source,
        },
        "keys": [_key(one, used.get(one.id)) for one in client.keys],
        "created_at": iso(client.created_at),
        "revoked_at": _instant(client.revoked_at),
    }


def standing(key: ClientKey, now: int) -> str:
    """Whether a key is valid, ended or revoked at an instant (epoch ms)."""
    if key.revoked_at is not None:
        return REVOKED
    return VALID if key.holds(now) else ENDED


def _key(key: ClientKey, used_at: int | None) -> dict[str, Any]:
    return {
        "id": key.id,
        "standing": standing(key, now_ms()),
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": _instant(key.revoked_at),
        "last_used_at": _instant(used_at),
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
