"""Who a request speaks as, from its Authorization header: HTTP Basic `client:key`, `Bearer key` or
`Bearer token`.

What was proved is remembered for a while by the header's hash, so that requests in a row cost no
more than looking it up. It holds for one register: whatever is changed there is looked at anew.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from schemas.clock import iso, now_ms
from schemas.settings import Settings
from schemas.spaces import hub_of
from serving.access.clients import Client, ClientKey, Identity
from serving.access.errors import UNREAD, AccessUnknown, NotKnown
from serving.access.keys import KeyText, Pepper, parse_key
from serving.access.register import ClientRegister
from serving.access.secrets import pepper_of, token_seed_of
from serving.access.tokens import TOKEN_SECONDS, Tokens

log = logging.getLogger(__name__)

REMEMBERED = 4_096  # headers
LONGEST_HEADER = 4_096  # characters
HOW = "send HTTP Basic with the client's name and its key, or `Authorization: Bearer` with the key"


class Gate:
    """Proves who asks. Where access is open everybody is anybody, whatever the header says."""

    def __init__(
        self,
        pepper: Pepper,
        tokens: Tokens,
        register: Callable[[], ClientRegister | None],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """`register` is the newest one; None while it was not read yet."""
        self._pepper, self._tokens = pepper, tokens
        self._register, self._clock = register, clock
        self._proved: OrderedDict[bytes, tuple[ClientRegister, int, Identity]] = OrderedDict()
        self._foreign: set[str] = set()  # keys of another pepper, that were told of

    @classmethod
    def of(cls, settings: Settings, register: Callable[[], ClientRegister | None]) -> Gate:
        """With the secrets of this installation.

        Raises: EnvironmentBroken for a file of a secret that others may read.
        """
        tokens = Tokens(token_seed_of(settings), hub_of(settings.space))
        return cls(Pepper(pepper_of(settings)), tokens, register)

    def identify(self, authorization: str | None) -> Identity:
        """Who sends this header.

        Raises: NotKnown; AccessUnknown while the register was not read yet
        """
        register = self._known()
        if not authorization:
            raise NotKnown(f"The request does not say who sends it: {HOW}.")
        if len(authorization) > LONGEST_HEADER:
            raise NotKnown(f"The header Authorization is too long: {HOW}.")
        now, mark = self._clock(), sha256(authorization.encode("utf-8", "surrogateescape")).digest()
        found = self._proved.get(mark)
        if found is not None and found[0] is register and now < found[1]:
            self._proved.move_to_end(mark)
            return found[2]
        identity, until = self._prove(register, authorization, now)
        self._proved[mark] = (register, until, identity)
        if len(self._proved) > REMEMBERED:
            self._proved.popitem(last=False)
        return identity

    def credentials(self, name: str, secret: str) -> Identity:
        """Who says this name and this key, as OAuth's client_id and client_secret.

        Raises: NotKnown, AccessUnknown
        """
        return self._by_key(self._known(), secret, self._clock(), name)[0]

    def token(self, identity: Identity) -> tuple[str, int]:
        """A token for who was proved by a key, and the seconds that it holds.

        Raises: NotKnown for who was not.
        """
        client, key = identity.client, None
        if client is not None:
            key = client.key(identity.key)
        if client is None or key is None:
            raise NotKnown(f"A token is given for a key: {HOW}.")
        now = self._clock()
        seconds = min(TOKEN_SECONDS, (key.expires_at - now) // 1000)
        return self._tokens.issue(client.name, key.id, now), seconds

    def _known(self) -> ClientRegister:
        register = self._register()
        if register is None:
            raise AccessUnknown(UNREAD)
        return register

    def _prove(
        self, register: ClientRegister, authorization: str, now: int
    ) -> tuple[Identity, int]:
        """Who it is, and until when that need not be asked again (epoch ms)."""
        scheme, _, rest = authorization.strip().partition(" ")
        credentials = rest.strip()
        if scheme.lower() == "basic":
            name, secret = _basic(credentials)
            return self._by_key(register, secret, now, name)
        if scheme.lower() == "bearer" and credentials.startswith("lgsp_"):
            return self._by_key(register, credentials, now)
        if scheme.lower() == "bearer" and credentials:
            return self._by_token(register, credentials, now)
        raise NotKnown(f"The header Authorization can't be read: {HOW}.")

    def _by_key(
        self, register: ClientRegister, text: str, now: int, name: str | None = None
    ) -> tuple[Identity, int]:
        key = parse_key(text) or KeyText("", "")
        client, kept = register.keys.get(key.id, (None, None))
        if kept is not None and kept.pepper != self._pepper.id:
            self._tell_of(kept)
        if not self._pepper.proves(key, kept) or client is None or kept is None:
            raise NotKnown(
                "The key is not one of the hub's: look for a mistake in copying it, or ask the"
                " hub's operators for a new one (lgsp client rotate)."
            )
        if name is not None and name != client.name:
            raise NotKnown("The key is another client's: send the name that it was made for.")
        require_valid(client, kept, now)
        return Identity(client, kept.id), kept.expires_at

    def _by_token(self, register: ClientRegister, text: str, now: int) -> tuple[Identity, int]:
        claims = self._tokens.read(text, now)
        client = register.clients.get(claims.client)
        kept = None if client is None else client.key(claims.key)
        if client is None or kept is None:
            raise NotKnown("The client of this token is not registered any more.", token=True)
        require_valid(client, kept, now)
        return Identity(client, kept.id), min(kept.expires_at, claims.expires_at)

    def _tell_of(self, kept: ClientKey) -> None:
        """The one reason for a good key to be refused that only the hub's own people can mend."""
        if kept.id not in self._foreign and len(self._foreign) < REMEMBERED:
            self._foreign.add(kept.id)
            log.error(
                "The key %s was made with the pepper %s, and this process has %s: give all"
                " processes and `lgsp client` the same file (LGSP_PEPPER_FILE).",
                kept.id,
                kept.pepper,
                self._pepper.id,
            )


def require_valid(client: Client, key: ClientKey, now: int) -> None:
    """That a key that was proved opens something.

    Raises: NotKnown saying since when it does not.
    """
    if client.revoked_at is not None:
        raise NotKnown(
            f"The client {client.name} was revoked on {iso(client.revoked_at)[:10]}: ask the hub's"
            " operators."
        )
    if key.revoked_at is not None:
        raise NotKnown(
            f"The key {key.id} was revoked on {iso(key.revoked_at)[:10]}: use the client's other"
            " key, or ask the hub's operators for a new one (lgsp client rotate)."
        )
    if now >= key.expires_at:
        raise NotKnown(
            f"The key {key.id} ended on {iso(key.expires_at)[:16].replace('T', ' ')}: use the"
            " client's new key, or ask the hub's operators for one (lgsp client rotate)."
        )


def basic_credentials(authorization: str) -> tuple[str, str]:
    """Name and key of a header of HTTP Basic.

    Raises: NotKnown
    """
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or len(authorization) > LONGEST_HEADER:
        raise NotKnown("A token is given for HTTP Basic with the client's name and its key.")
    return _basic(rest.strip())


def _basic(credentials: str) -> tuple[str, str]:
    """Name and key of HTTP Basic (RFC 7617).

    Raises: NotKnown
    """
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise NotKnown(f"The header Authorization can't be read: {HOW}.") from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise NotKnown(f"The header Authorization holds no name and key: {HOW}.")
    return name, secret
