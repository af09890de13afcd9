"""Clients as people read them: a table that fits eighty columns, one client whole, a new key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from schemas.clock import DAY_MS, iso
from schemas.settings import Settings
from serving.access.clients import SOON_MS, Client, ClientKey
from serving.access.told import standing
from serving.tls import base_url

_NEVER = "never"


def listed(
    console: Console,
    clients: Sequence[Client],
    used: Mapping[str, int],
    now: int,
    settings: Settings,
) -> None:
    """All clients, a line each key, and which keys end soon."""
    if not clients:
        console.print(
            f"No client is registered in the space {settings.space}: `lgsp client add` makes one.",
            highlight=False,
            markup=False,
        )
        return
    table = Table(
        "client", "speaks for", "doors", "key", "last used", "ends", box=SIMPLE, pad_edge=False
    )
    table.padding = (0, 1, 0, 0)
    for column, width in zip(table.columns, (20, 16, 8, 10, 10, 10), strict=True):
        column.overflow, column.max_width = "fold", width
    for client in clients:
        _add_rows(table, client, used, now)
    console.print(table, markup=False, highlight=False)
    for line in _ending(clients, now):
        console.print(line, style="yellow", markup=False, highlight=False)
    for client in clients:
        if client.stage != "live" and client.revoked_at is None:
            console.print(f"{client.name}: {_stage(client)}.", markup=False, highlight=False)


def _add_rows(table: Table, client: Client, used: Mapping[str, int], now: int) -> None:
    may = " ".join(client.agencies) or "-", " ".join(client.doors) or client.role or "-"
    if client.revoked_at is not None:
        table.add_row(client.name, *may, "-", "-", f"revoked {_day(client.revoked_at)}")
        return
    keys = client.keys_at(now)
    if not keys:
        table.add_row(client.name, *may, "none valid", "-", "-")
    for number, key in enumerate(keys):
        head = ("", "", "") if number else (client.name, *may)
        table.add_row(*head, key.id, _used(key, used), _day(key.expires_at))


def _ending(clients: Iterable[Client], now: int) -> Iterator[str]:
    for client in clients:
        keys = client.keys_at(now)
        for key in keys:
            if key.expires_at - now < SOON_MS:
                newer = any(one.expires_at - now >= SOON_MS for one in keys)
                do = (
                    "it has a newer key: see that it uses that one"
                    if newer
                    else f"lgsp client rotate {client.name}"
                )
                yield (
                    f"{client.name}: the key {key.id} ends on {_day(key.expires_at)}, in"
                    f" {(key.expires_at - now) // DAY_MS} days; {do}."
                )
        if client.revoked_at is None and client.keys and not keys:
            yield f"{client.name}: no key of it is valid; lgsp client rotate {client.name}."


def shown_whole(console: Console, client: Client, used: Mapping[str, int], now: int) -> None:
    """All that is registered of one client."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(client, used, now):
        table.add_row(name, text)
    console.print(client.name, markup=False, highlight=False, style="bold")
    console.print(table, markup=False, highlight=False)


def _lines(client: Client, used: Mapping[str, int], now: int) -> Iterator[tuple[str, str]]:
    yield "called", f"{client.title_vi} / {client.title_en}"
    if client.revoked_at is not None:
        yield "revoked", _minute(client.revoked_at)
    yield "since", _day(client.created_at)
    if client.stage != "live":
        yield "stage", _stage(client)
    yield "speaks for", ", ".join(client.agencies) or "nobody"
    yield "sources", ", ".join(client.sources) or "none"
    yield "doors", ", ".join(client.doors) or "none"
    yield "sends", ", ".join(client.families) or "nothing"
    yield "reads as", client.role or "nobody"
    limits = client.limits
    yield (
        "limits",
        f"{limits.events:,} events and {limits.bytes:,} bytes a second (0: no limit)",
    )
    if client.packets is not None:
        packets = client.packets
        yield (
            "packets",
            f"logs in as {packets.user}; success is {packets.success_code!r}; channel"
            f" {packets.default_channel or 'as told'}; source {packets.source}",
        )
    for key in client.keys:
        ends = "ends" if standing(key, now) == "valid" else standing(key, now)
        at = key.expires_at if key.revoked_at is None else key.revoked_at
        yield (
            "key",
            f"{key.id}, of {_day(key.created_at)}, last used {_used(key, used)}, {ends}"
            f" {_minute(at)}",
        )


def _stage(client: Client) -> str:
    if client.move is None:
        return f"sandbox, since {_minute(client.stage_since)}: nothing that it sends is official"
    return (
        f"leaves the sandbox, since {_minute(client.move.since)}: its requests get 503 until `lgsp"
        f" client live {client.name} --keep` has come to its end; run it again if it stopped"
    )


def with_key(
    console: Console, client: Client, key: str | None, done: str, settings: Settings
) -> None:
    """A client that was made or has a new key, and the key, this once."""

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    say(f"{client.name} ({client.title_en}) {done}, in the space {settings.space}.")
    if key is None:
        return
    newest = max(client.keys, key=lambda one: one.created_at)
    say(f"\n{key}\n")
    say(
        f"This key is shown once and holds until {_day(newest.expires_at)}; the hub keeps nothing"
        " that it could be made from."
    )
    url = base_url(settings, settings.gateway_port)
    if client.role == "operator":
        say(f"Try it: curl -u {client.name}:KEY {url}/v1/clients")
    elif client.doors:
        if client.stage == "sandbox":
            say(
                "It begins in the sandbox: everything answers as later, and nothing that it sends"
                f" is official until `lgsp client live {client.name} --keep` (or --drop)."
            )
        say(
            f"It sends with HTTP Basic: curl -u {client.name}:KEY {url}/v1/events …"
            " (docs/access.md)"
        )


def _used(key: ClientKey, used: Mapping[str, int]) -> str:
    return _day(used[key.id]) if key.id in used else _NEVER


def _day(ms: int) -> str:
    return iso(ms)[:10]


def _minute(ms: int) -> str:
    return iso(ms)[:16].replace("T", " ")
