"""Where the hub's processes listen: addresses for people, who can reach them, and why a port can't
be had.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

from schemas.errors import EnvironmentBroken

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_every_address(host: str) -> bool:
    """Whether it stands for all addresses of the machine, so that it can be listened on but not
    called.
    """
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def reached_at(host: str) -> str:
    """The host at which this machine reaches who listens there."""
    return LOOPBACK if is_every_address(host) else host


def address(host: str, port: int) -> str:
    """`host:port` as clients write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_to_others(who: str, host: str, setting: str = "LGSP_HOST") -> str:
    """The one line of warning where others reach who listens there; empty on the loopback
    address.
    """
    if is_loopback(host):
        return ""
    return (
        f"{who} listens on {host}: whoever reaches that address may use it. Only in a closed"
        f" network; otherwise unset {setting}."
    )


def listen(host: str, port: int, *, backlog: int = 1024) -> socket.socket:
    """A socket that listens there.

    Raises: OSError, see `cannot_listen`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=backlog)


def connects(host: str, port: int, seconds: float = 1.0) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), seconds) as probe:
            # Where the kernel gives a client the very port it wants to reach, it reaches itself.
            return bool(probe.getsockname() != probe.getpeername())
    except OSError:
        return False


def cannot_listen(
    error: OSError,
    who: str,
    host: str,
    port: int,
    setting: str,
    host_setting: str = "LGSP_HOST",
) -> EnvironmentBroken:
    """The one sentence for a port that can't be had. `who` begins it where the port is not simply
    taken.
    """
    where = address(host, port)
    if error.errno == errno.EADDRINUSE:
        return EnvironmentBroken(
            f"{where} is in use: stop what listens there, or set {setting} to a free port."
        )
    return EnvironmentBroken(
        f"{who} can't listen on {where} ({error.strerror or error}: correct {host_setting} or"
        f" {setting})."
    )


def require_free(
    who: str, host: str, port: int, setting: str, host_setting: str = "LGSP_HOST"
) -> None:
    """Look whether one could listen there.

    Raises: EnvironmentBroken, caused by the OSError that says why not.
    """
    try:
        listen(host, port).close()
    except OSError as error:
        raise cannot_listen(error, who, host, port, setting, host_setting) from error
