"""What a setting's text has to be, where its type alone does not say it. Each check gives the value
back, or raises a ValueError that says what the setting takes.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationInfo

from schemas.listening import is_every_address
from schemas.officehours import parse_days, parse_hours

NO_PROXY = "none"
_BOOKS = r"[a-z0-9-]+"
_SERVER = r"[^\s,/:]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5}"


def outlasts_session(seconds: float, others: ValidationInfo) -> float:
    """Who waits for a broker's answer does so for as long as a session at least."""
    session = others.data.get("session_timeout", 0)
    if seconds < session:
        raise ValueError(
            f"a request may not end before a session does (LGSP_SESSION_TIMEOUT is {session:g})"
        )
    return seconds


def broker_host(host: str) -> str:
    """An address that the embedded Kafka can be called at."""
    if is_every_address(host):
        raise ValueError(
            "Kafka tells its clients where to call it: name one address of this machine"
        )
    if ":" in host:
        raise ValueError("the embedded Kafka speaks IPv4: name an IPv4 address or a host name")
    return host


def broker_servers(text: str) -> str:
    """Bootstrap servers, or nothing."""
    return _matching(
        rf"(({_SERVER})(,({_SERVER}))*)?",
        text,
        "write host:port, several with commas between, without blanks",
    )


def java_memory(text: str) -> str:
    """A Java -Xmx value."""
    return _matching(r"[1-9]\d*[kKmMgG]?", text, "write a Java -Xmx value such as 512m or 1g")


def mirror_url(text: str) -> str:
    """The address of a Maven repository, or nothing."""
    return _matching(
        r"(https?://\S+)?",
        text,
        "write the URL of a Maven repository, which begins with https:// or http://",
    )


def one_name_of_books(text: str) -> str:
    """The name of books."""
    return _matching(_BOOKS, text, "it takes small letters, digits and hyphens")


def names_of_books(text: str) -> str:
    """Names of books with commas between, or nothing."""
    return _matching(
        rf"({_BOOKS}(,{_BOOKS})*)?",
        text,
        "it takes names of small letters, digits and hyphens, with commas between",
    )


def proxies(text: str) -> str:
    """Addresses and networks with commas between, or `none`."""
    if text == NO_PROXY:
        return text
    for one in text.split(","):
        try:
            network = ip_network(one, strict=True)
        except ValueError:
            raise ValueError(
                f"{one!r} is no address and no network: write 10.0.0.5 or 10.0.0.0/24, several with"
                f" commas between and without blanks, or {NO_PROXY}"
            ) from None
        if network.prefixlen == 0:
            raise ValueError("everybody can't be a proxy: whoever asks could name any address")
    return text


def existing_file(path: Path | None) -> Path | None:
    """A file that is there, if one is named."""
    if path is not None and not path.is_file():
        raise ValueError("there is no such file")
    return path


def working_hours(text: str) -> str:
    """Working hours of a day."""
    parse_hours(text)
    return text


def days_off(text: str) -> str:
    """Days with commas between, or nothing."""
    parse_days(text)
    return text


def make_up_days(text: str, others: ValidationInfo) -> str:
    """The same, none of them a day off."""
    if both := sorted(parse_days(text) & parse_days(others.data.get("days_off", ""))):
        raise ValueError(f"{both[0]} is in LGSP_DAYS_OFF too: take it out of one of them")
    return text


def _matching(pattern: str, text: str, otherwise: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError(otherwise)
    return text
