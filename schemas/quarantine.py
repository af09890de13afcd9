"""Records of `lgsp.quarantine`: that something could not be taken in, where it came from and why.
Never the thing itself, which the vault keeps for a while where a door of HTTP refused it.

Of what came stay here its length, a keyed hash (digests.py), and an excerpt of what the hub knows:
fields of its own schemas, codes and times as they are and all else masked (masking.py). Of what
nobody knows, such as a field that no event has, neither name nor value stays. Earlier versions kept
whole bodies; those records have no header `form`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.digests import Digest
from schemas.wire import Headers

FORM = b"2"
LONGEST_REASON = 4_096  # characters
MOST_EXCERPT_FIELDS = 60  # of an excerpt


class QuarantineExcerpt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stays of a refused thing; the record's value, as JSON. `fields` are known ones, as they
    may be told.
    """

    length: int  # bytes of what came
    digest: str  # HMAC-SHA-256 of what came, hexadecimal
    # which key that was made with: digests of different keys tell nothing of one another
    digest_key: str
    source: str = ""
    type: str = ""
    fields: dict[str, str] = {}
    unknown: int = 0  # fields that the hub does not know
    structure: str = ""  # of a thing of which no field is known


@dataclass(frozen=True, slots=True)
class Quarantined:
    """`origin` says where it stood: `kafka:topic/partition/offset`, `http:request/item`,
    `file:name/line`.

    `reason` quotes nothing but what masking.py lets through; `kind` is one word for it, by which
    refusals are counted. `client` sent it, `agency` is the one that it names, each where that is
    known. `original` is what the vault keeps whole, and `vault` its name there: neither stands in
    the record otherwise.
    """

    origin: str
    reason: str
    kind: str
    kept: QuarantineExcerpt
    client: str = ""
    agency: str = ""
    original: bytes = field(default=b"", repr=False)
    vault: str = ""

    @property
    def key(self) -> bytes:
        """The origin: a repeated import or a restart names the same place again."""
        return self.origin.encode()

    @property
    def value(self) -> bytes:
        """What is kept of it."""
        return msgspec.json.encode(self.kept)

    @property
    def headers(self) -> Headers:
        """Reason and origin as Kafka headers, the form of the value; client and vault if any."""
        reason = self.reason[:LONGEST_REASON]
        known = {"client": self.client, "vault": self.vault}
        return [
            ("reason", reason.encode()),
            ("origin", self.origin.encode()),
            ("kind", self.kind.encode()),
            ("form", FORM),
            *((name, text.encode()) for name, text in known.items() if text),
        ]


@dataclass(frozen=True, slots=True)
class Stray:
    """A record of a topic that can't be taken in. It stands where somebody wrote it, so nothing of
    it has to be kept here.
    """

    origin: str
    reason: str
    payload: bytes

    def quarantined(self, digest: Digest) -> Quarantined:
        """What is kept of it."""
        return Quarantined(
            self.origin, self.reason, "not_from_a_door", excerpt_of(self.payload, digest)
        )


def excerpt_of(
    payload: bytes, digest: Digest, structure: str = "", **known: Any
) -> QuarantineExcerpt:
    """What stays of bytes that came; `known` are fields of Kept."""
    return QuarantineExcerpt(
        len(payload), digest.of(payload), digest.key_id, structure=structure, **known
    )


def bounded(fields: Mapping[str, str]) -> dict[str, str]:
    """An excerpt of so many fields as are kept."""
    return dict(list(fields.items())[:MOST_EXCERPT_FIELDS])


_KINDS = {
    dict: "object",
    list: "list",
    str: "text",
    bool: "true or false",
    int: "number",
    float: "number",
    type(None): "null",
}
_PLURAL = ("object", "list", "text", "number", "value")


def structure_of(value: Any) -> str:
    """A JSON value in words, by the kinds of its parts: `an object of 3: 2 texts, 1 number`."""
    kind = _KINDS.get(type(value), "value")
    parts = (
        list(value.values())
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else None
    )
    if parts is None:
        return f"a {kind}" if kind != "null" else kind
    counts = Counter(_KINDS.get(type(part), "value") for part in parts)
    listed = ", ".join(
        f"{count} {name}{'s' if count > 1 and name in _PLURAL else ''}"
        for name, count in counts.most_common()
    )
    return (
        f"{'an' if kind == 'object' else 'a'} {kind} of"
        f" {len(parts):,}{f': {listed}' if listed else ''}"
    )
