"""Requests of one-stop systems in their four shapes, as one: which service, whose session, for
which agency, and what is sent.

1. the adapter's envelope: {session, madonvi, service, data, …}
2. a service's own address with a bare array, and the agency in the query
3. a service's own address with a bare object: what the envelope has as `data`
4. GET of a look-up with its question in the query

Whatever comes before the last part of the address is passed over: systems have the national
adapter's paths in their settings, and need change nothing but where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import Headers, QueryParams

from connectors.packets.answers import Refused
from connectors.packets.values import plain
from connectors.packets.wrong import WrongField

DOSSIERS, STEPS, STATUS = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo"
LOOK_UP, PROCEDURE = "TraCuuHoSo", "LayThuTuc"
SERVICES = (DOSSIERS, STEPS, STATUS, LOOK_UP, PROCEDURE)
# the same under another name
_ALSO = {"DongBoTrangThaiHoSoKM": STATUS}
_ASKED = (LOOK_UP, PROCEDURE)
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class LoginAsked:
    """A login."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceAsked:
    """A service; `asked` is where a look-up has its question."""

    service: str
    session: str = field(repr=False)
    unit: Any = field(repr=False)
    data: Any = field(repr=False)
    asked: Mapping[str, Any] = field(repr=False)


def read_request(
    method: str, path: str, query: QueryParams, headers: Headers, body: bytes
) -> LoginAsked | ServiceAsked:
    """What is asked for.

    Raises: Refused
    """
    last = path.rstrip("/").rpartition("/")[2]
    service = _ALSO.get(last, last)
    if method in ("GET", "HEAD"):
        return _asked_in_query(service, query, headers)
    if method != "POST":
        raise Refused("wrong_method")
    value = _json(body)
    if service in SERVICES:
        return _of_service(service, value, query, headers)
    if not isinstance(value, dict):
        raise Refused("unknown_service")
    if "service" in value:
        return _of_envelope(value, headers)
    if "username" in value:
        return LoginAsked(_text(value["username"]), _text(value.get("password")))
    raise Refused("unknown_service")


def _asked_in_query(service: str, query: QueryParams, headers: Headers) -> ServiceAsked:
    if service not in _ASKED:
        raise Refused("wrong_method" if service in SERVICES else "unknown_service")
    return ServiceAsked(service, _session({}, query, headers), _unit({}, query), None, dict(query))


def _of_service(service: str, value: Any, query: QueryParams, headers: Headers) -> ServiceAsked:
    """An array or an object alone; who sends the envelope to a service's own address is understood
    as well.
    """
    if isinstance(value, dict) and "session" in value:
        return _of_envelope({**value, "service": service}, headers)
    asked = value if isinstance(value, dict) else {}
    session, unit = _session({}, query, headers), _unit({}, query)
    return ServiceAsked(service, session, unit, value, {**query, **asked})


def _of_envelope(value: dict[str, Any], headers: Headers) -> ServiceAsked:
    service = _text(value["service"])
    service = _ALSO.get(service, service)
    if service not in SERVICES:
        raise Refused("unknown_service")
    none = QueryParams()
    return ServiceAsked(
        service, _session(value, none, headers), _unit(value, none), value.get("data"), value
    )


def _session(value: Mapping[str, Any], query: QueryParams, headers: Headers) -> str:
    """Where systems have it: in the envelope, as a bearer's token, or beside the question."""
    if "session" in value:
        return _text(value["session"])
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("session") or query.get("session", "")


def _unit(value: Mapping[str, Any], query: QueryParams) -> Any:
    return value.get("madonvi") or query.get("MaDinhDanhDV") or query.get("madonvi")


def _json(body: bytes) -> Any:
    try:
        return _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused("not_json") from None


def _text(value: Any) -> str:
    try:
        return plain(value)
    except WrongField:
        return ""
