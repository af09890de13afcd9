"""Changes of a client: adding one, a new key, taking keys or all away. Each gives the client as it
is then; serving/access/topic.py writes it.

Whatever somebody asks for is checked here, for the command line and for operators over HTTP alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from schemas.clock import DAY_MS, HOUR_MS, iso
from schemas.codes import AGENCY_PATTERN, CHANNELS
from schemas.errors import HubError
from schemas.families import DECLARED_FAMILIES, PACKETS_FAMILY
from schemas.ids import LONGEST_ID, text_in
from schemas.topics import SANDBOX_MS
from serving.access.clients import (
    ANY,
    ANYBODY,
    DOORS,
    KEY_DAYS,
    NOBODY,
    ROLES,
    ROTATION_DAYS,
    SUCCESS_CODES,
    Client,
    ClientKey,
    ClientLimits,
    ClientMove,
    PacketSettings,
)
from serving.access.keys import KeyText, Pepper
from serving.access.permissions import source_fits

FAMILY_NAMES = tuple(family.name for family in DECLARED_FAMILIES if not family.own)
LONGEST_DAYS = 1_095  # of a key
MOST_KEYS = 20  # of a client that are remembered; the oldest that open nothing go
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TITLE = 128  # characters
_MOVING_MS = HOUR_MS  # before the sandbox forgets, that moving may take


class ClientMistake(HubError):
    """What was asked for can't be done; says what to ask for instead. `field` is what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field, self.message = field, message


class NoSuchClient(ClientMistake):
    """Nobody is registered under that name."""


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client as somebody asks for it; `days` its first key holds (0: it gets none). Who sends
    begins in the sandbox, unless it is `live` at once.
    """

    name: str
    title_vi: str = ""
    title_en: str = ""
    agencies: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    role: str | None = None
    events_a_second: int = ClientLimits().events
    bytes_a_second: int = ClientLimits().bytes
    days: int = KEY_DAYS
    packets: PacketSettings | None = None
    live: bool = False


def added(
    there: Mapping[str, Client], draft: ClientDraft, pepper: Pepper, now: int
) -> tuple[Client, KeyText | None]:
    """The new client, and its first key.

    Raises: ClientMistake
    """
    if draft.name in there:
        raise ClientMistake(
            "name", f"{draft.name} is registered already; `lgsp client show {draft.name}` tells it"
        )
    client = _checked(draft, there.values(), now)
    return (client, None) if draft.days == 0 else with_key(client, pepper, draft.days, now)


def changed(there: Mapping[str, Client], name: str, now: int, **rights: Any) -> Client:
    """The client with other rights: those fields of a ClientDraft that are given, as a whole each.
    Keys and login stay.

    Raises: ClientMistake
    """
    client = found(there, name)
    if client.revoked_at is not None:
        raise ClientMistake("name", f"{name} is revoked: add a client of another name")
    draft = ClientDraft(
        name,
        title_vi=client.title_vi,
        title_en=client.title_en,
        agencies=client.agencies,
        sources=client.sources,
        doors=client.doors,
        families=client.families,
        role=client.role,
        events_a_second=client.limits.events,
        bytes_a_second=client.limits.bytes,
        packets=client.packets,
    )
    others = [one for one in there.values() if one.name != name]
    fresh = _checked(replace(draft, **rights), others, client.created_at)
    begins = fresh.doors and not client.doors  # to send, in the sandbox like everybody
    return msgspec.structs.replace(
        fresh,
        keys=client.keys,
        stage=fresh.stage if begins else client.stage,
        stage_since=now if begins else client.stage_since,
        move=client.move,
    )


def with_key(client: Client, pepper: Pepper, days: int, now: int) -> tuple[Client, KeyText]:
    """The client with a further key."""
    if not 1 <= days <= LONGEST_DAYS:
        raise ClientMistake("days", f"a key holds from 1 to {LONGEST_DAYS:,} days")
    text, kept = pepper.new_key(now, now + days * DAY_MS)
    keys = (*client.keys, kept)
    over = [one for one in keys if not one.holds(now)]
    gone = {one.id for one in over[: max(0, len(keys) - MOST_KEYS)]}
    return _with_keys(client, (one for one in keys if one.id not in gone)), text


def rotated(
    client: Client, pepper: Pepper, now: int, *, days: int = KEY_DAYS, old_until: int | None = None
) -> tuple[Client, KeyText]:
    """The client with a new key; those that it has end at `old_until` (epoch ms) at the latest,
    after a week unless told otherwise.

    Raises: ClientMistake
    """
    if client.revoked_at is not None:
        raise ClientMistake("name", f"{client.name} is revoked: add a client of another name")
    until = now + ROTATION_DAYS * DAY_MS if old_until is None else old_until
    if until < now:
        raise ClientMistake(
            "old_until", f"{iso(until)[:16]} is over; `lgsp client revoke --key` ends a key at once"
        )
    shorter = (
        msgspec.structs.replace(one, expires_at=min(one.expires_at, until)) for one in client.keys
    )
    return with_key(_with_keys(client, shorter), pepper, days, now)


def revoked(client: Client, now: int, key: str | None = None) -> Client:
    """The client without one of its keys from now on; without a key named, all of it is over.

    Raises: ClientMistake
    """
    if key is None:
        return (
            client
            if client.revoked_at is not None
            else msgspec.structs.replace(client, revoked_at=now)
        )
    if client.key(key) is None:
        known = ", ".join(one.id for one in client.keys) or "none"
        raise ClientMistake("key", f"{client.name} has no key {key}; its keys are {known}")
    return _with_keys(
        client,
        (
            msgspec.structs.replace(one, revoked_at=now)
            if one.id == key and one.revoked_at is None
            else one
            for one in client.keys
        ),
    )


def moving(client: Client, now: int, run: str) -> Client:
    """The client while what it sent is moved out of the sandbox by this run of the command; a run
    that came before can't end it any more.

    Raises: ClientMistake
    """
    _require_in_sandbox(client)
    forgotten = client.stage_since + SANDBOX_MS
    if now > forgotten - _MOVING_MS:
        raise ClientMistake(
            "name",
            f"{client.name} is in the sandbox since {iso(client.stage_since)[:10]}, which forgets"
            f" after {SANDBOX_MS // DAY_MS} days: what it sent first is gone, so the rest can't be"
            " kept rightly. Let it begin anew with --drop, and have it send everything again",
        )
    since = now if client.move is None else client.move.since
    return msgspec.structs.replace(client, stage="moving", move=ClientMove(since=since, run=run))


def live(client: Client, now: int, run: str | None = None) -> Client:
    """The client out of the sandbox: from now on what it sends counts. `run`: the one that moved
    what it sent; None: nothing of that is kept.

    Raises: ClientMistake
    """
    if run is None or client.stage != "live":
        _require_in_sandbox(client)
    if run is not None and client.move is not None and client.move.run != run:
        raise ClientMistake(
            "name", f"another `lgsp client live {client.name}` has begun since: that one ends it"
        )
    if client.stage == "live":
        return client
    return msgspec.structs.replace(client, stage="live", stage_since=now, move=None)


def _require_in_sandbox(client: Client) -> None:
    if client.revoked_at is not None:
        raise ClientMistake("name", f"{client.name} is revoked: add a client of another name")
    if client.stage == "live":
        raise ClientMistake("name", f"{client.name} is not in the sandbox: what it sends counts")


def rights_changed(given: Iterable[str]) -> str:
    """What a change of these rights is called in the audit."""
    return f"changed {', '.join(sorted(given))}"


def revocation(key: str | None) -> str:
    """What a revocation is called in the audit."""
    return "revoked" if key is None else "key revoked"


def found(there: Mapping[str, Client], name: str) -> Client:
    """The client of that name.

    Raises: NoSuchClient
    """
    if name not in there:
        raise NoSuchClient("name", f"no client is called {name}; `lgsp client list` lists them")
    return there[name]


def _with_keys(client: Client, keys: Iterable[ClientKey]) -> Client:
    return msgspec.structs.replace(client, keys=tuple(keys))


def _checked(draft: ClientDraft, others: Collection[Client], now: int) -> Client:
    if _NAME.fullmatch(draft.name) is None:
        raise ClientMistake(
            "name", "a client's name has small letters, digits and hyphens inside, at most 63"
        )
    if draft.name in (ANYBODY, NOBODY):
        raise ClientMistake("name", f"{draft.name} is what requests of nobody known are called")
    title_vi, title_en = _title("title_vi", draft.title_vi), _title("title_en", draft.title_en)
    sends = bool(draft.doors)
    for field, given in (("agencies", draft.agencies), ("sources", draft.sources)):
        if sends and not given:
            raise ClientMistake(field, f"who sends needs at least one ({ANY} stands for all)")
    if sends and not draft.families:
        raise ClientMistake("families", f"name what it may send: {_choice((*FAMILY_NAMES, ANY))}")
    if not sends and draft.role is None:
        raise ClientMistake(
            "doors", f"it may do nothing: give it a door ({_choice(DOORS)}) or a role"
        )
    if draft.role == "agency" and not draft.agencies:
        raise ClientMistake("agencies", "who reads as an agency needs at least one")
    if draft.packets is not None:
        _check_packets(draft.packets, others)
        if not any(source_fits(draft.packets.source, _source(one)) for one in draft.sources):
            raise ClientMistake(
                "packets_source", f"{draft.packets.source!r} is none of its sources (--source)"
            )
        if "packets" not in draft.doors or not {PACKETS_FAMILY, ANY} & {*draft.families}:
            raise ClientMistake(
                "packets_user",
                f"who logs in for packets needs the door packets, family {PACKETS_FAMILY}",
            )
    for agency in draft.agencies:
        if agency != ANY and re.fullmatch(AGENCY_PATTERN, agency) is None:
            raise ClientMistake("agencies", f"{agency!r} is no agency's code")
    if draft.role not in (None, *ROLES):
        raise ClientMistake("role", f"{draft.role!r} is none: {_choice(ROLES)}")
    if min(draft.events_a_second, draft.bytes_a_second) < 0:
        raise ClientMistake("limits", "a limit is 1 or more; 0 is no limit")
    return msgspec.convert(
        {
            "name": draft.name,
            "title_vi": title_vi,
            "title_en": title_en,
            "agencies": draft.agencies,
            "sources": tuple(_source(one) for one in draft.sources),
            "doors": _chosen("doors", draft.doors, DOORS),
            "families": _chosen("families", draft.families, (*FAMILY_NAMES, ANY)),
            "role": draft.role,
            "packets": draft.packets,
            "limits": ClientLimits(events=draft.events_a_second, bytes=draft.bytes_a_second),
            "created_at": now,
            "stage": "sandbox" if sends and not draft.live else "live",
            "stage_since": now,
        },
        Client,
    )


def _title(field: str, text: str) -> str:
    if not text.strip():
        raise ClientMistake(field, "say what officials call it")
    try:
        return text_in(_TITLE)(text)
    except ValueError as error:
        raise ClientMistake(field, str(error)) from None


def _source(text: str) -> str:
    bare = text.removesuffix(ANY)
    if ANY in bare:
        raise ClientMistake("sources", f"{text!r} has a {ANY} that is not at its end")
    if not bare:
        return ANY
    try:
        return text_in(LONGEST_ID)(bare) + text[len(bare) :]
    except ValueError as error:
        raise ClientMistake("sources", f"{text!r} {error}") from None


def _check_packets(packets: PacketSettings, others: Collection[Client]) -> None:
    if not packets.user.strip():
        raise ClientMistake("packets_user", "a one-stop system logs in with a user: name it")
    for other in others:
        taken = other.packets is not None and other.packets.user == packets.user
        if taken and other.revoked_at is None:
            raise ClientMistake("packets_user", f"{other.name} logs in as {packets.user} already")
    if packets.success_code not in SUCCESS_CODES or isinstance(packets.success_code, bool):
        raise ClientMistake("success_code", 'it is "0", "00" or the number 0')
    if packets.default_channel not in (None, *CHANNELS):
        raise ClientMistake("default_channel", f"it is none: {_choice(CHANNELS)}")
    if not packets.source:
        raise ClientMistake("packets_source", "say under which source its facts are kept")


def _chosen(field: str, given: Iterable[str], of: Collection[str]) -> tuple[str, ...]:
    for one in given:
        if one not in of:
            raise ClientMistake(field, f"{one!r} is none: {_choice(of)}")
    return tuple(dict.fromkeys(given))


def _choice(of: Iterable[str]) -> str:
    *others, last = of
    return f"{', '.join(others)} or {last}"
