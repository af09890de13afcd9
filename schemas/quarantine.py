"""Records of `lgsp.quarantine`: what could not be taken in, where it came from and why.

The value is the refused bytes as they came (cut at 64 KiB), the headers say the rest, so nothing is re-encoded and lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.wire import Headers

CUT = 64 << 10


@dataclass(frozen=True, slots=True)
class Quarantined:
    """`origin` says where it stood: `kafka:topic/partition/offset`, `http:request/item`, `file:name/line`."""

    origin: str
    reason: str
    payload: bytes

    @property
    def key(self) -> bytes:
        """The origin: a repeated import or a restart names the same place again."""
        return self.origin.encode()

    @property
    def value(self) -> bytes:
        """At most 64 KiB of what came."""
        return self.payload[:CUT]

    @property
    def headers(self) -> Headers:
        """Reason, origin and the full length as Kafka headers."""
        return [("reason", self.reason.encode()), ("origin", self.origin.encode()), ("length", str(len(self.payload)).encode())]
