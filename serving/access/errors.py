"""Why somebody is not let in. Nothing here knows HTTP: a door makes its own answers of them.

AccessError
├── NotKnown         it does not say who it is, or not in a way that holds (HTTP: 401)
├── NotAllowed       it is known, and may not do this (403)
├── OverLimit        it may, but not so much at once (429)
└── AccessUnknown    it is not known yet who may: ask again (503)
"""

from __future__ import annotations

from schemas.errors import HubError

UNREAD = "The register of clients is being read: send the same request again in a few seconds."


class AccessError(HubError):
    """Base of what keeps somebody out."""


class NotKnown(AccessError):
    """A request that does not say who it is, or says it with a key, token or password that does not
    hold. `token`: it was a token, which its client may get anew by itself.
    """

    def __init__(self, message: str, *, token: bool = False) -> None:
        super().__init__(message)
        self.token = token


class NotAllowed(AccessError):
    """A client that may not do what it asks; names what it may."""


class OverLimit(AccessError):
    """A client that sends more than it may; after `retry_seconds` it may again."""

    def __init__(self, message: str, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class AccessUnknown(AccessError):
    """The register, or the directory that rights rest on, was not read yet."""
