"""Who may scrape `/metrics` of any of the hub's processes: this machine, or Prometheus with a token
of its own.
"""

from __future__ import annotations

import hmac

from schemas.listening import is_loopback
from schemas.settings import Settings
from serving.access.errors import NotKnown
from serving.access.secrets import metrics_token_of

# what proxies add: who comes through one on this machine is not of this machine
PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_HOW = (
    "/metrics answers its own machine, and whoever sends `Authorization: Bearer` with the token"
    " that LGSP_METRICS_TOKEN_FILE holds"
)


class Scraping:
    """Without access being `required` everybody may, and only loopback is listened on."""

    def __init__(self, *, required: bool = False, token: str | None = None) -> None:
        self._required, self._token = required, token

    @classmethod
    def of(cls, settings: Settings) -> Scraping:
        """As the settings say.

        Raises: EnvironmentBroken for a token file that others may read or that holds none.
        """
        if settings.access == "open":
            return cls()
        return cls(required=True, token=metrics_token_of(settings))

    def require(self, peer: str, authorization: str | None, *, proxied: bool) -> None:
        """That who asks from that address, through a proxy or not, may scrape.

        Raises: NotKnown
        """
        if not self._required or (is_loopback(peer) and not proxied):
            return
        scheme, _, given = (authorization or "").strip().partition(" ")
        if self._token is None:
            raise NotKnown(f"{_HOW}; none is set here, so only this machine is answered.")
        sent = given.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(sent, self._token.encode()):
            raise NotKnown(f"{_HOW}: this request has another one, or none.", token=True)
