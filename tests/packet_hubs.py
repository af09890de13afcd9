"""One-stop systems at hubs of real processes: how they ask, and what the hub counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from harness import Hub
from opencps import Ask

KINDS = ("received", "refused", "closed", "open", "reopened")


def gateway_at(hub: Hub, port: int | None = None) -> str:
    return f"http://127.0.0.1:{port or hub.settings.gateway_port}"


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def ready(hub: Hub) -> bool:
    return answers(f"http://127.0.0.1:{hub.settings.metrics_port}")


def http_line(client: httpx.AsyncClient, address: Callable[[], str]) -> Ask:
    """The way to a gateway; what does not answer is an OSError, as for OpenCPS."""

    async def ask(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = await client.post(
                f"{address()}/packets{path}", content=content, headers=headers
            )
        except httpx.TransportError as error:
            raise OSError(str(error)) from None
        return answer.status_code, answer.text

    return ask


async def look_up(
    client: httpx.AsyncClient, address: str, session: str, dossier_id: str
) -> str | None:
    """The state that TraCuuHoSo answers, None: it knows no such dossier."""
    envelope = {"session": session, "service": "TraCuuHoSo", "mahoso": dossier_id}
    answer = (await client.post(f"{address}/packets/g", json=envelope)).json()
    assert answer["error_code"] == "0", answer
    return str(answer["result"][0]["TrangThaiHoSo"]) if answer["result"] else None


def counted(hub: Hub, wanted: Iterable[str]) -> Counter[str]:
    """What the hub counts of dossiers, by measure."""
    address = f"http://127.0.0.1:{hub.settings.metrics_port}/v1/counts"
    found: Counter[str] = Counter()
    for kind in KINDS:
        asked = {"family": "dossiers", "kind": kind}
        asked |= {} if kind == "open" else {"window": "all"}  # open is told of this moment
        answer = httpx.get(address, params=asked, timeout=60).raise_for_status().json()
        for one in answer["kinds"]:
            names = set(wanted) & one["counts"].keys()
            found.update({name: one["counts"][name] or 0 for name in names})
    return +found
