"""Sessions: valid at any gateway process, and after a restart. Kafka has their digests only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

import msgspec

from connectors.packets.feed import KnowsPackets
from connectors.packets.index import PacketSession
from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Sends
from schemas.clock import now_ms
from schemas.topics import sessions_topic

SESSION_MS = 30 * 60_000  # one-stop systems use theirs for ten minutes from the login
_BYTES = 32  # so many that a plain hash can't be tried out
_TIDIED = 100  # sessions that are over and forgotten with a login
_LONGEST = 256  # characters; no session of the hub's is longer

_encode = msgspec.msgpack.Encoder().encode


class Sessions:
    """Opens sessions and knows whose they are."""

    def __init__(
        self, publisher: Sends, feed: KnowsPackets, clock: Callable[[], int] = now_ms
    ) -> None:
        self._publisher, self._feed, self._clock = publisher, feed, clock
        self._topic = sessions_topic(publisher.settings.space)

    async def begin(self, client: str) -> str:
        """A new session of a client, once every in-sync replica has it. Others stay.

        Raises: KafkaUnavailable, PacketsBehind
        """
        now = self._clock()
        token = secrets.token_urlsafe(_BYTES)
        value = _encode(PacketSession(client, now + SESSION_MS))
        over = await self._feed.expired(now, _TIDIED)
        records = [OutgoingRecord(self._topic, _digest(token), value, [])]
        records += [OutgoingRecord(self._topic, key, None, []) for key in over]
        await self._publisher.send(records)
        return token

    async def client_of(self, token: str) -> str | None:
        """The name of the client whose session it is; None: it is nobody's, or over.

        Raises: KafkaUnavailable, PacketsBehind
        """
        if not 0 < len(token) <= _LONGEST:
            return None
        key = _digest(token)
        session = await self._feed.session(key, newest=False)
        if session is None:  # another process may have begun it a moment ago
            session = await self._feed.session(key, newest=True)
        if session is None or session.expires_at <= self._clock():
            return None
        return session.client


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest().encode()
