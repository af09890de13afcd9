"""Tokens: what a client gets for its key by OAuth 2 (RFC 6749, client credentials only) and shows
for ten minutes. JSON Web Tokens signed with Ed25519 (RFC 9068, RFC 9864), by joserfc.

A token names the client and the key that it was got with: it ends with that key at the latest, and
once the key is revoked nobody accepts it. It holds in one space.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from schemas.spaces import OFFICIAL
from serving.access.errors import NotKnown

TOKEN_SECONDS = 600
LONGEST_TOKEN = 2_048  # characters; ours have some 400
_ALGORITHM, _TYPE, _ISSUER = "Ed25519", "at+jwt", "lgsp-hub"
_LEEWAY_SECONDS = 5  # between the clocks of two gateways


class TokenClaims(NamedTuple):
    """What a token says: whose it is, of which of its keys, and until when (epoch ms)."""

    client: str
    key: str
    expires_at: int


class Tokens:
    """Signs and reads the tokens of a space."""

    def __init__(self, seed: bytes, space: str = OFFICIAL) -> None:
        """seed: 32 bytes, the private key."""
        self._key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed))
        self._audience = f"lgsp:{space}"
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: self._now,
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": _ISSUER},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            key={"essential": True},
            exp={"essential": True},
        )
        self._now = 0

    def issue(self, client: str, key: str, now: int) -> str:
        """A token from `now` (epoch ms) for TOKEN_SECONDS."""
        seconds = now // 1000
        claims = {
            "iss": _ISSUER,
            "aud": self._audience,
            "sub": client,
            "key": key,
            "iat": seconds,
            "exp": seconds + TOKEN_SECONDS,
            "jti": uuid4().hex,
        }
        header = {"alg": _ALGORITHM, "typ": _TYPE}
        return jwt.encode(header, claims, self._key, algorithms=[_ALGORITHM])

    def read(self, text: str, now: int) -> TokenClaims:
        """What a token says, after its signature, its space and its time were looked at.

        Raises: NotKnown
        """
        if len(text) > LONGEST_TOKEN:
            raise _no_token()
        try:
            token = jwt.decode(text, self._key, algorithms=[_ALGORITHM])
            if token.header.get("typ") != _TYPE:
                raise _no_token()
            self._now = now // 1000
            self._claims.validate(token.claims)
            claims = token.claims
            return TokenClaims(str(claims["sub"]), str(claims["key"]), int(claims["exp"]) * 1000)
        except (JoseError, ValueError, TypeError, UnicodeError):
            raise _no_token() from None


def _no_token() -> NotKnown:
    return NotKnown(
        "The token does not hold: it is over, of another hub or space, or none at all. Get a new"
        " one from POST /oauth/token.",
        token=True,
    )
