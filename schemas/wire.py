"""Records on the wire: Confluent wire format (a zero byte, the contract's id in four bytes, the
Avro body) and CloudEvents headers.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

from fastavro import schemaless_reader, schemaless_writer

from schemas.clock import EARLIEST_MS, LATEST_MS
from schemas.contracts import Contract, contracts, latest_contracts
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES, Event
from schemas.ids import LONGEST_ID
from schemas.masking import quoted

MAGIC = b"\0"
Fields = dict[str, Any]
# beside the agencies: what ends up in cells' keys
CODES = ("procedure", "document_type", "category", "kind", "field", "indicator")
Headers = list[tuple[str, bytes]]
LONGEST_WORD = 64  # characters of one of a list of words; newer producers may know more of them
_SHORT = 4 * LONGEST_ID  # bytes of a record in which no text can have more than the longest id


def prefix(contract: Contract) -> bytes:
    """The five bytes in front of a record of this contract."""
    return MAGIC + contract.id.to_bytes(4, "big")


def encode(event: Event) -> bytes:
    """The event's record value under the newest contract of its type."""
    contract = latest_contracts()[event.type]
    return encode_fields(contract, event.__dict__)


def encode_fields(contract: Contract, fields: Fields) -> bytes:
    """A record value from plain fields; surplus fields (the key) are left out."""
    out = BytesIO()
    out.write(prefix(contract))
    schemaless_writer(out, contract.parsed, fields)
    return out.getvalue()


class _Route(NamedTuple):
    """How records of one contract are decoded, and which of their fields are checked."""

    writer: Any
    reader: Any  # None when the writer's contract is the newest
    type: str
    codes: tuple[str, ...]
    instants: tuple[str, ...]  # other than occurred_at, which every event has
    # with the least and the greatest that a connector lets in
    amounts: tuple[tuple[str, int, int], ...]
    # texts and lists of them, with the most characters of each that a connector lets in
    texts: tuple[tuple[str, int], ...]


class Decoder:
    """Decodes record values of one family; older versions come out in the shape of the newest."""

    def __init__(self, family: str) -> None:
        self.routes = {
            prefix(contract): _route(contract)
            for contract in contracts().values()
            if contract.family == family
        }

    def __call__(self, value: bytes | None) -> tuple[str, Fields]:
        """The event type and its fields, without the thing's id.

        Raises: ContractError for a value that no contract of this family decodes completely, or
        whose times or codes could not have come through a connector.
        """
        if value is None:
            raise ContractError("the record has no value")
        route = self.routes.get(value[:5])
        if route is None:
            raise ContractError(f"no contract of this family begins with {_beginning(value)}")
        body = BytesIO(value)
        body.seek(5)
        try:
            fields: Fields = schemaless_reader(body, route.writer, route.reader)  # type: ignore[assignment]
        except Exception as error:  # fastavro raises whatever its readers hit on damaged bytes
            raise ContractError(
                f"{route.type}: the bytes do not decode: they are cut off, or another program wrote"
                " them"
            ) from error
        if body.tell() != len(value):
            raise ContractError(
                f"{route.type}: {len(value) - body.tell()} bytes are left over behind the record"
            )
        if not EARLIEST_MS <= fields["occurred_at"] < LATEST_MS:
            raise ContractError(
                f"{route.type}: occurred_at {fields['occurred_at']} is no time between 1980 and"
                " 2100 in epoch milliseconds"
            )
        if route.instants or route.amounts:
            _refuse_absurd(route, fields)
        if len(value) > _SHORT:  # rare
            _refuse_endless(route, fields)
        for name in route.codes:
            code = fields[name]
            if code is not None and not code.isprintable():  # no connector lets such a code in
                raise ContractError(f"{route.type}: {name} {quoted(code)} is no code")
        if b"|" in value:  # rare, and mostly a byte of a number
            _refuse_bars(route, fields)
        return route.type, fields


def _beginning(value: bytes) -> str:
    """The first bytes of a record; of one that is none of the hub's the first alone, since text may
    follow.
    """
    return value[: 5 if value[:1] == MAGIC else 1].hex(" ") or "nothing"


def _refuse_absurd(route: _Route, fields: Fields) -> None:
    for name in route.instants:
        instant = fields[name]
        if instant is not None and not EARLIEST_MS <= instant < LATEST_MS:
            raise ContractError(
                f"{route.type}: {name} {instant} is no time between 1980 and 2100 in epoch"
                " milliseconds"
            )
    for name, least, greatest in route.amounts:
        amount = fields[name]
        if amount is not None and not least <= amount <= greatest:
            raise ContractError(
                f"{route.type}: {name} {amount} is not between {least} and {greatest}"
            )


def _refuse_endless(route: _Route, fields: Fields) -> None:
    for name, most in route.texts:
        texts = fields[name] if isinstance(fields[name], list) else [fields[name]]
        if any(text is not None and len(text) > most for text in texts):
            raise ContractError(f"{route.type}: {name} has more than {most} characters")


def _refuse_bars(route: _Route, fields: Fields) -> None:
    for name in route.codes:
        if "|" in (fields[name] or ""):
            raise ContractError(f"{route.type}: {name} {quoted(fields[name])} is no code")


def _route(contract: Contract) -> _Route:
    newest = latest_contracts()[contract.type]
    names = [field["name"] for field in newest.schema["fields"]]
    return _Route(
        contract.parsed,
        None if contract is newest else newest.parsed,
        contract.type,
        tuple(name for name in names if name.endswith("agency") or name in CODES),
        tuple(
            name
            for name in names
            if name.endswith(("_at", "_from", "_to")) and name != "occurred_at"
        ),
        _bounds(EVENT_TYPES[contract.type]),
        _texts(EVENT_TYPES[contract.type]),
    )


# a ledger makes decoders for every partition that it takes over, and a model's schema takes
# milliseconds
@cache
def _bounds(event: type[Event]) -> tuple[tuple[str, int, int], ...]:
    """The whole numbers that an event's model keeps in bounds: a sum of those fits into a cell,
    whoever wrote them.
    """
    found = []
    for name, described in event.model_json_schema(mode="serialization")["properties"].items():
        for choice in described.get("anyOf", [described]):
            if "maximum" in choice:
                found.append((name, choice["minimum"], choice["maximum"]))
    return tuple(found)


@cache
def _texts(event: type[Event]) -> tuple[tuple[str, int], ...]:
    """The texts of an event, so that what is kept of them is bounded, whoever wrote them; its key
    is none of the fields.
    """
    found = []
    for name, described in event.model_json_schema(mode="serialization")["properties"].items():
        for choice in described.get("anyOf", [described]):
            text = choice.get("items", choice)
            if text.get("type") == "string" and name != event.key:
                found.append((name, text.get("maxLength", LONGEST_WORD)))
    return tuple(found)


def cloud_event_headers(event: Event) -> Headers:
    """CloudEvents' required attributes as Kafka headers (CloudEvents 1.0, Kafka protocol binding,
    binary mode).

    The optional ones would only repeat the record (`time`) or the topic (`datacontenttype`), and
    every reader pays for them.
    """
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.event_id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
    ]
