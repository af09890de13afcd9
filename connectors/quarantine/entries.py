"""Entries of `lgsp.quarantine` as people look at them, with what was done with them since. Whole
bodies that earlier versions kept come out as today's: masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import TopicPartition

from connectors.cloudevents.jsonitems import JsonItem
from connectors.quarantine.excerpts import UNREADABLE, kept_of_item
from connectors.quarantine.marks import EntryState, PlacedMark, read_marks
from connectors.vault.sealing import VaultRef
from schemas.clock import iso
from schemas.digests import Digest, known_digest
from schemas.kafka.clients import reading
from schemas.kafka.reading import read_to_end
from schemas.masking import file_shown, masked_sentence
from schemas.quarantine import FORM, QuarantineExcerpt, excerpt_of
from schemas.settings import Settings
from schemas.times import SAMPLE_TIME
from schemas.topics import quarantine_topic

EARLIER = "earlier_version"
# what is quoted, masked (xx xxx, ##/##) or a number, as one; the sample of a time never differs
_VARIES = re.compile(
    rf"(?P<sample>{re.escape(SAMPLE_TIME)})|(?P<quoted>'[^']*')"
    r"|\bxx+(?: x+)*\b|#[#.,:/+-]*#|\d[\d.,:/T+-]*\d"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One refusal."""

    origin: str
    at: int  # epoch ms, by the broker's clock
    reason: str
    kind: str
    kept: QuarantineExcerpt
    client: str = ""  # that sent it, where that is known
    ref: VaultRef | None = None  # its original
    marked: PlacedMark | None = None

    @property
    def state(self) -> EntryState:
        """How it stands. A mark of before concerns what was noted of the same place before."""
        if self.marked is None or self.marked.at < self.at:
            return "waiting"
        return self.marked.mark.state

    @property
    def door(self) -> str:
        """`http`, `file` or `kafka`."""
        return self.origin.partition(":")[0]

    def begins(self, said: str) -> bool:
        """Whether its origin is what somebody said, or begins so; a request may be cut before the
        item too (`http:0b6bd1c4/1`).
        """
        if self.origin.startswith(said):
            return True
        request, _, item = said.rpartition("/")
        own, _, own_item = self.origin.rpartition("/")
        return (
            self.door == "http" and bool(request) and item == own_item and own.startswith(request)
        )

    @property
    def source(self) -> str:
        """Who it came from, as far as that is known."""
        if self.kept.source:
            return self.kept.source
        if self.door == "kafka":
            topic = self.origin.removeprefix("kafka:").partition("/")[0]
            return f"({topic})"
        return "(not told)"

    @property
    def hash(self) -> tuple[str, str]:
        """The hash of what came, and the key that it was made with."""
        return self.kept.digest_key, self.kept.digest

    @property
    def day(self) -> str:
        """The province's day, YYYY-MM-DD."""
        return iso(self.at)[:10]

    @property
    def general(self) -> str:
        """The reason without what differs from one refusal to the next of its sort."""
        return _VARIES.sub(_generalised, self.reason)

    def told(self) -> dict[str, Any]:
        """For machines."""
        head: dict[str, Any] = {"origin": self.origin, "at": iso(self.at)}
        head |= {"door": self.door, "source": self.source}
        head |= {"kind": self.kind, "reason": self.reason, "state": self.state}
        head |= {"client": self.client or None, "original": self.ref is not None}
        head |= {"done": self._done()}
        return head | {
            name: getattr(self.kept, name)
            for name in QuarantineExcerpt.__struct_fields__
            if name != "source"
        }

    def _done(self) -> dict[str, Any] | None:
        if self.marked is None or self.marked.at < self.at:
            return None
        mark = self.marked.mark
        done = {"at": iso(self.marked.at), "by": mark.by, "status": mark.status}
        return done | {"said": mark.said or None, "request": mark.request or None}


def _generalised(found: re.Match[str]) -> str:
    if found["sample"]:
        return found["sample"]
    return "'…'" if found["quoted"] else "…"


def entry_of(record: Any, digest: Digest, marks: Mapping[str, PlacedMark] | None = None) -> Entry:
    """The entry that a record is; of one that an earlier version wrote, `digest` makes the hash."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    origin = (record.key or b"").decode("utf-8", "replace")
    if origin.startswith("file:"):  # earlier versions told names of files as they were
        name, _, line = origin.removeprefix("file:").rpartition("/")
        origin = f"file:{file_shown(name, digest)}/{line}"
    reason, value = headers.get("reason", ""), record.value or b""
    if headers.get("form", "").encode() == FORM:
        try:
            kept = msgspec.json.decode(value, type=QuarantineExcerpt)
        except msgspec.MsgspecError:
            kept = excerpt_of(value, digest, UNREADABLE)
        return Entry(
            origin,
            record.timestamp,
            reason,
            headers.get("kind", ""),
            kept,
            headers.get("client", ""),
            VaultRef.parse(headers.get("vault", "")),
            (marks or {}).get(origin),
        )
    kept = _kept_of_body(origin, value, digest, headers.get("length", ""))
    marked = (marks or {}).get(origin)
    return Entry(origin, record.timestamp, masked_sentence(reason), EARLIER, kept, marked=marked)


def _kept_of_body(origin: str, body: bytes, digest: Digest, length: str) -> QuarantineExcerpt:
    """What today's version would have kept of a body. Those longer than 64 KiB were cut, so that
    their hash is that of the cut.
    """
    text = body.decode("utf-8", "surrogateescape")
    try:
        item = JsonItem(json.loads(text), text, ())
    except (ValueError, RecursionError):
        item = JsonItem(None, text, (), UNREADABLE)
    kept = kept_of_item(item, digest) if origin.startswith("http:") else excerpt_of(body, digest)
    return msgspec.structs.replace(kept, length=int(length)) if length.isdecimal() else kept


async def entries(
    settings: Settings, since: int = 0, client: str | None = None
) -> AsyncIterator[Entry]:
    """All entries since an instant (epoch ms), oldest first; of one client alone, or of all.

    Raises: KafkaUnavailable
    """
    partition = TopicPartition(quarantine_topic(settings.space), 0)
    digest, marks = known_digest(settings.data), await read_marks(settings)
    only = None if client is None else ("client", client.encode())
    async with reading(settings) as reader:
        reader.assign([partition])
        async for _, records in read_to_end(reader, partition):
            for record in records:
                if record.timestamp >= since and (only is None or only in record.headers):
                    yield entry_of(record, digest, marks)
