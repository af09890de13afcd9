"""TLS of the hub's own ports: a certificate and its key from files, read again when they change, so
that a certificate is renewed without a stop.

Who runs on the hub's machine (its screen, the simulation) asks the same port, and takes for the hub
whoever has the certificate that the settings name, whatever name stands in it.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from cryptography import x509
from prometheus_client import CollectorRegistry, generate_latest

from schemas.clock import now_ms, to_ms
from schemas.errors import EnvironmentBroken, HubError, SettingsError
from schemas.listening import address, reached_at
from schemas.settings import Settings
from schemas.storage import private_content
from serving.telemetry import Metric

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0

_EXPIRY = Metric(
    "lgsp_tls_certificate_expiry_seconds",
    "gauge",
    (),
    "Time until the certificate of this port ends, of a chain the first of them; less than 0: it"
    " has ended. No sample without TLS.",
    "Below 30 days: renew it, and put the new pair into the files of LGSP_TLS_CERT and"
    " LGSP_TLS_KEY; the process takes it up by itself.",
)
TLS_METRICS = (_EXPIRY,)


class ServerTls:
    """A certificate with its key. `context` is for the server, and has what was read last."""

    def __init__(self, cert: Path, key: Path, clock: Callable[[], int] = now_ms) -> None:
        """Raises: EnvironmentBroken for files that can't be used, in one sentence."""
        self._cert, self._key, self._clock = cert, key, clock
        self._seen = self._stamps()
        self.context = _read(cert, key)
        self._ends_at = _end_of(cert)

    @classmethod
    def of(cls, settings: Settings) -> ServerTls | None:
        """As the settings say; None: without TLS.

        Raises: SettingsError for one file without the other; EnvironmentBroken
        """
        cert, key = settings.tls_cert, settings.tls_key
        if cert is None and key is None:
            return None
        if cert is None or key is None:
            there, missing = ("KEY", "CERT") if cert is None else ("CERT", "KEY")
            raise SettingsError(
                f"LGSP_TLS_{there} goes with LGSP_TLS_{missing}: name both files, or none."
            )
        return cls(cert, key)

    def look(self) -> None:
        """Take up files that changed. Those that can't be used are said once, and the pair that was
        read before stays.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            _read(self._cert, self._key)  # whether they are a pair, before anything is changed
            self.context.load_cert_chain(self._cert, self._key, _no_password)
            self._ends_at = _end_of(self._cert)
        except (HubError, OSError, ssl.SSLError) as error:
            log.error("The certificate that was read before is used on: %s", error)
        else:
            log.info("The certificate in %s was read anew.", self._cert)

    def text(self) -> str:
        """When it ends, in Prometheus' text format."""
        registry = CollectorRegistry()
        _EXPIRY.gauge(registry).set((self._ends_at - self._clock()) / 1000)
        return generate_latest(registry).decode()

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in (self._cert, self._key)]


class TlsLoop(uvloop.Loop):
    """uvloop's loop, in which a client has less than a minute for its handshake: until then the
    server does not know of it, and can't have it make room for another.
    """

    async def create_server(self, *given: Any, **named: Any) -> Any:
        """As the loop's own."""
        if named.get("ssl") is not None:
            named.setdefault("ssl_handshake_timeout", HANDSHAKE_SECONDS)
        return await super().create_server(*given, **named)


def base_url(settings: Settings, port: int) -> str:
    """Where this machine reaches a port of the hub's own."""
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{address(reached_at(settings.host), port)}"


def own_context(settings: Settings) -> ssl.SSLContext | None:
    """With what the hub's own programs ask its ports; None: without TLS.

    Raises: EnvironmentBroken
    """
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(settings.tls_cert)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(settings.tls_cert, error) from error
    return context


def _read(cert: Path, key: Path) -> ssl.SSLContext:
    private_content(key, "LGSP_TLS_KEY", group=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, _no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise EnvironmentBroken(
                f"The key in {key} (LGSP_TLS_KEY) is not that of the certificate in {cert}"
                " (LGSP_TLS_CERT): name the two files that were made together."
            ) from error
        raise EnvironmentBroken(
            f"{cert} (LGSP_TLS_CERT) and {key} (LGSP_TLS_KEY) are no certificate and key in PEM"
            " without a password: look at them with `openssl x509 -in` and `openssl pkey -in`."
        ) from error
    except OSError as error:
        raise _unusable(cert, error) from error
    return context


def _unusable(cert: Path, error: Exception) -> EnvironmentBroken:
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return EnvironmentBroken(
        f"The certificate in {cert} (LGSP_TLS_CERT) can't be read ({why}): mend the path, its"
        " rights or the file."
    )


def _no_password() -> str:
    """A key that has one is refused, since nobody is there to type it."""
    return ""


def _end_of(cert: Path) -> int:
    """When the first of a chain ends (epoch ms)."""
    try:
        chain = x509.load_pem_x509_certificates(cert.read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(cert, error) from error
    return min(to_ms(one.not_valid_after_utc) for one in chain)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
