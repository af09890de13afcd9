"""The three modes of CloudEvents over HTTP: which one a request uses, and its items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from connectors.cloudevents.jsonitems import (
    NO_UTF8,
    ItemTooLong,
    JsonItem,
    NotJson,
    TooManyItems,
    body_text,
    is_array,
    read_array,
    read_one,
)
from schemas.masking import shown
from serving.problems import Problem

STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
JSON_TYPE = "application/json"
ATTRIBUTES = ("specversion", "id", "source", "type", "time", "subject")


def check_media_type(headers: Mapping[str, str]) -> str:
    """The body's media type, one of the three.

    Raises: Problem (415)
    """
    kind, *parameters = [
        part.strip() for part in headers.get("content-type", "").lower().split(";")
    ]
    if kind not in (STRUCTURED_TYPE, BATCH_TYPE, JSON_TYPE):
        raise Problem(
            "unsupported-media-type",
            f"Content-Type is {shown(kind) or 'missing'}:"
            f" send {STRUCTURED_TYPE}, {BATCH_TYPE} or {JSON_TYPE}.",
        )
    charset = next(
        (
            value.partition("=")[2].strip('"')
            for value in parameters
            if value.startswith("charset=")
        ),
        "utf-8",
    )
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(
            "unsupported-media-type", f"The charset is {shown(charset)}: JSON travels as UTF-8."
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            "unsupported-media-type",
            "The body is compressed: send it as it is, without Content-Encoding.",
        )
    return kind


def _is_batch(kind: str, headers: Mapping[str, str], text: str) -> bool:
    """Whether the answer is to a batch: said by the media type or, for plain JSON, by the body.

    Raises: Problem (400) for a body of the other shape than its media type says.
    """
    array = is_array(text)
    if kind == BATCH_TYPE and not array:
        raise Problem(
            "not-json",
            f"{BATCH_TYPE} is a JSON array of CloudEvents:"
            f" send {STRUCTURED_TYPE} for a single one.",
        )
    if kind == STRUCTURED_TYPE and array:
        raise Problem(
            "not-json",
            f"{STRUCTURED_TYPE} is one CloudEvent, a JSON object: send {BATCH_TYPE} for several.",
        )
    return kind == BATCH_TYPE or (kind == JSON_TYPE and array and not _is_binary(kind, headers))


def _is_binary(kind: str, headers: Mapping[str, str]) -> bool:
    """Whether the event's attributes are HTTP headers."""
    return kind == JSON_TYPE and "ce-specversion" in headers


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether a request's event has its attributes in the headers, as far as they say it.

    Raises: Problem (415)
    """
    return _is_binary(check_media_type(headers), headers)


def items_of(body: bytes, headers: Headers, limit: int) -> Iterator[JsonItem]:
    """The request's items, parsed one by one as they are drawn.

    Raises: Problem (400, 413, 415)
    """
    kind = check_media_type(headers)
    try:
        text = body_text(body)
        if _is_batch(kind, headers, text):
            yield from read_array(text, limit)
        elif _is_binary(kind, headers):
            yield _binary(headers, text)
        else:
            yield read_one(text)
    except NotJson as error:
        raise Problem("not-json", f"The body can't be read as JSON: {error}.") from None
    except (ItemTooLong, TooManyItems) as error:
        raise Problem("too-large", str(error)) from None


def _binary(headers: Headers, text: str) -> JsonItem:
    """The event of a binary-mode request, in the shape of a structured one; its text too, so that
    the quarantine keeps all of it.

    Raises: NotJson, ItemTooLong
    """
    data = read_one(text) if text.strip(" \t\r\n") else JsonItem({}, "{}", ())
    attributes = {
        name: _attribute(headers[f"ce-{name}"]) for name in ATTRIBUTES if f"ce-{name}" in headers
    }
    repeated = tuple(name for name in ATTRIBUTES if len(headers.getlist(f"ce-{name}")) > 1)
    head = json.dumps(attributes, ensure_ascii=False)
    whole = f'{head[:-1]}, "data": {data.text}}}'
    strange = [
        f"the header ce-{name} is not percent-encoded UTF-8"
        for name, value in attributes.items()
        if NO_UTF8.search(value)
    ]
    return JsonItem(
        {**attributes, "data": data.value}, whole, repeated + data.repeated, "; ".join(strange)
    )


def _attribute(value: str) -> str:
    """A header's value as the attribute (CloudEvents HTTP binding 3.1.3.2): unquoted, then
    percent-decoded.
    """
    value = value.strip(" \t")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote_to_bytes(value.encode("latin-1")).decode("utf-8", "surrogateescape")
