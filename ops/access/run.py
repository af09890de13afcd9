"""What the commands do. Each returns the process's exit code."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from ops.access import tell
from schemas.clock import DAY_MS, HOUR_MS, ZONE, now_ms, to_ms
from schemas.errors import HubError, SettingsError
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.spaces import NO_HUB, is_sandbox, sandbox_of
from serving.access import changes, topic
from serving.access.audit import Actor
from serving.access.changes import ClientDraft, ClientMistake
from serving.access.clients import Client, PacketSettings
from serving.access.keys import KeyText, Pepper
from serving.access.passwords import LONGEST_PASSWORD, hash_password
from serving.access.secrets import pepper_of
from serving.access.told import client_told

HERE = Actor("this machine", "command")  # whoever gives commands on it may do everything
_LATER = re.compile(r"(\d{1,4})([dh])")
_SHORTEST_PASSWORD = 12  # characters
Changing = Callable[[Mapping[str, Client]], tuple[Client, KeyText | None]]


def run_add(settings: Settings, options: dict[str, Any], *, only_key: bool) -> int:
    """Register a client, and print its key."""
    packets = _packets(options)
    draft = ClientDraft(**_given(options), packets=packets)
    pepper, now = Pepper(pepper_of(settings)), now_ms()
    if draft.doors and not draft.live:  # before it: a key is shown once, whatever comes after
        require_hub(settings)
        sandbox = settings.model_copy(update={"space": sandbox_of(settings.space)})
        asyncio.run(ensure_topics(sandbox))
    client, key = _change(settings, lambda there: changes.added(there, draft, pepper, now), "added")
    _tell_key(settings, client, key, only_key, "is registered")
    return 0


def run_change(settings: Settings, name: str, options: dict[str, Any]) -> int:
    """Give a client other rights."""
    given = _given(options)
    if not given:
        raise ClientMistake("", f"nothing to change was named: `lgsp client show {name}` tells it")
    what = changes.rights_changed(given)
    _change(settings, lambda there: (changes.changed(there, name, now_ms(), **given), None), what)
    click.echo(f"{name} has other rights: gateways heed them within seconds.")
    return run_show(settings, name, as_json=False)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Those options that were given."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def run_rotate(
    settings: Settings, name: str, *, days: int, old_until: str | None, only_key: bool
) -> int:
    """Give a client a new key, and print it."""
    now = now_ms()
    end = None if old_until is None else until(old_until, now)
    pepper = Pepper(pepper_of(settings))
    client, key = _change(
        settings,
        lambda there: changes.rotated(
            changes.found(there, name),
            pepper,
            now,
            days=days,
            old_until=end,
        ),
        "given a new key",
    )
    _tell_key(settings, client, key, only_key, "has a new key")
    return 0


def run_revoke(settings: Settings, name: str, key: str | None) -> int:
    """Revoke a client, or one of its keys."""
    now = now_ms()
    client, _ = _change(
        settings,
        lambda there: (changes.revoked(changes.found(there, name), now, key), None),
        changes.revocation(key),
    )
    what = f"{client.name} is" if key is None else f"The key {key} of {client.name} is"
    click.echo(f"{what} revoked: gateways refuse it within seconds.")
    return 0


def run_list(
    settings: Settings, *, everyone: bool, as_json: bool, console: Console | None = None
) -> int:
    """List clients, with what ends soon."""
    clients, used = asyncio.run(_known(settings))
    shown = [
        clients[name] for name in sorted(clients) if everyone or clients[name].revoked_at is None
    ]
    if as_json:
        for client in shown:
            click.echo(msgspec.json.encode(client_told(client, used)))
    else:
        tell.listed(console or Console(), shown, used, now_ms(), settings)
    return 0


def run_show(
    settings: Settings, name: str, *, as_json: bool, console: Console | None = None
) -> int:
    """Show one client."""
    clients, used = asyncio.run(_known(settings))
    client = changes.found(clients, name)
    if as_json:
        click.echo(msgspec.json.encode(client_told(client, used)))
    else:
        tell.shown_whole(console or Console(), client, used, now_ms())
    return 0


def until(text: str, now: int) -> int:
    """`2026-12-31`, `2026-12-31T08:00`, `7d`, `12h` or `now` as an instant (epoch ms); a day is
    over at its end.

    Raises: HubError
    """
    if text == "now":
        return now
    if found := _LATER.fullmatch(text):
        return now + int(found[1]) * (HOUR_MS if found[2] == "h" else DAY_MS)
    try:
        if "T" in text:
            return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))
        return to_ms(datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), ZONE))
    except (ValueError, OverflowError):
        raise HubError(
            "--old-until should be a day such as 2026-12-31, a time such as 2026-12-31T08:00, how"
            " long from now (7d, 12h), or now."
        ) from None


def require_hub(settings: Settings) -> None:
    """Clients are those of a hub, also while they are in its sandbox.

    Raises: SettingsError
    """
    if is_sandbox(settings.space):
        raise SettingsError(f"LGSP_SPACE is {settings.space}, {NO_HUB}")


def _change(settings: Settings, changing: Changing, what: str) -> tuple[Client, KeyText | None]:
    return asyncio.run(_changed(settings, changing, what))


async def _changed(
    settings: Settings, changing: Changing, what: str
) -> tuple[Client, KeyText | None]:
    require_hub(settings)
    await ensure_topics(settings)
    return await topic.change_client(settings, changing, HERE, what)


async def _known(settings: Settings) -> tuple[dict[str, Client], dict[str, int]]:
    require_hub(settings)
    await ensure_topics(settings)
    return await topic.read_clients(settings), await topic.read_used(settings)


def _tell_key(
    settings: Settings, client: Client, key: KeyText | None, only_key: bool, done: str
) -> None:
    if only_key:
        click.echo("" if key is None else str(key))
    else:
        tell.with_key(Console(), client, None if key is None else str(key), done, settings)


def _packets(options: dict[str, Any]) -> PacketSettings | None:
    """How a one-stop system speaks, taken out of the options; None where it has no login."""
    user, file = options.pop("packets_user"), options.pop("packets_password_file")
    source, channel = options.pop("packets_source"), options.pop("default_channel")
    code = options.pop("success_code")
    if not user:
        if file is not None or source or channel:
            raise ClientMistake("--packets-user", "a login for packets begins with its user")
        return None
    try:
        success = json.loads(code)
    except ValueError:
        success = code
    return PacketSettings(
        user=user,
        password=hash_password(_password(file)),
        success_code=success,
        default_channel=channel,
        source=source,
    )


def _password(file: Path | None) -> str:
    if file is None:
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        password = text.rstrip("\r\n")
    if not _SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ClientMistake(
            "password", f"it takes {_SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        )
    return password
