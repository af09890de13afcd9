"""What the quarantine keeps of an item that the gateway refused: what the hub knows of it, and no
word of anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.cloudevents.decode import FieldError
from connectors.cloudevents.jsonitems import JsonItem
from schemas.digests import Digest
from schemas.events import ACCEPTED
from schemas.masking import shown
from schemas.quarantine import Quarantined, QuarantineExcerpt, bounded, excerpt_of, structure_of

# that the hub reads
_ATTRIBUTES = ("specversion", "id", "source", "type", "time", "subject", "datacontenttype")
UNREADABLE = "can't be read as JSON"
_SHOWN_PARTS = 5  # of a list
_EVENT_FIELDS = [name for event in ACCEPTED.values() for name in event.model_fields]
_KNOWN = frozenset((*_ATTRIBUTES, "data", "data_base64", *_EVENT_FIELDS))


def kept_of_item(item: JsonItem, digest: Digest) -> QuarantineExcerpt:
    """What stays of an item: of a known type its known fields, of all else its structure alone."""
    value, payload = item.value, item.text.encode("utf-8", "surrogateescape")
    if not isinstance(value, dict):
        return excerpt_of(payload, digest, UNREADABLE if item.problem else structure_of(value))
    kind, data = value.get("type"), value.get("data")
    model = ACCEPTED.get(kind) if isinstance(kind, str) else None
    source = shown(value["source"]) if "source" in value else ""
    if model is None:
        return excerpt_of(payload, digest, structure_of(value), source=source)
    fields = {name: _told(value[name]) for name in _ATTRIBUTES if name in value}
    unknown = sum(name not in _ATTRIBUTES and name != "data" for name in value)
    if isinstance(data, dict):
        fields |= {f"data.{name}": _told(data[name]) for name in model.model_fields if name in data}
        unknown += sum(name not in model.model_fields for name in data)
    elif "data" in value:
        fields["data"] = structure_of(data)
    return excerpt_of(
        payload, digest, source=source, type=model.type, fields=bounded(fields), unknown=unknown
    )


def refused_item(
    origin: str, errors: Iterable[FieldError], kept: QuarantineExcerpt, **known: Any
) -> Quarantined:
    """The item for the quarantine, with its reason. Names that no event has are counted, not
    told. `known` are further fields of Quarantined.
    """
    errors = list(errors)
    reason = "; ".join(dict.fromkeys(_reasons(errors)))
    kind = "+".join(sorted({error.kind for error in errors}))
    return Quarantined(origin, reason, kind, kept, **known)


def _reasons(errors: Iterable[FieldError]) -> Iterator[str]:
    for error in errors:
        if not error.field or all(
            part in _KNOWN or part.isdecimal() for part in error.field.split(".")
        ):
            yield f"{error.field or 'event'}: {error.message}"
        else:
            yield "a field that the hub does not know" + (
                " stands twice" if error.kind == "repeated_name" else ""
            )


def _told(value: Any) -> str:
    if isinstance(value, list):
        more = f", … ({len(value):,})" if len(value) > _SHOWN_PARTS else ""
        return ", ".join(map(shown, value[:_SHOWN_PARTS])) + more
    return shown(value)
