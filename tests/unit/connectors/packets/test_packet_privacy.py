"""Nothing of a person gets past the reading of packets, whatever field it was put into. All data
are made up.
"""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest
from gateways import Remembers, publisher
from packet_doors import OneStop
from packet_planted import planted_requests, with_session

from schemas.topics import packets_topic
from schemas.wire import encode

__all__ = ["publisher"]  # fixture

PLANTED = [
    "Nguyễn Thị Mẫu",
    "NGUYEN THI MAU",
    "001085012345",
    "012345678",
    "0912345678",
    "12 đường Mẫu, phường Mẫu",
    "mau.nguyen@sample.vn",
]


def forms(value: str) -> set[str]:
    return {value, json.dumps(value)[1:-1], quote(value), repr(value.encode())[2:-1]}


@pytest.mark.parametrize("value", PLANTED)
async def test_nothing_planted_is_kept_or_answered(
    publisher: Remembers, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    system = OneStop(publisher)
    await system.login("planted")
    told = []
    for request in planted_requests(value):
        method, path, body, headers = with_session(request, system.session)
        answer = await system.http.request(method, path, content=body, headers=headers)
        told.append(answer.text + str(answer.headers))
    told.append((await system.http.get("http://gateway/metrics")).text)
    assert publisher.events, "what is good beside it is taken in"
    assert {record.topic for record in publisher.records} > {packets_topic()}
    kept = [encode(event) for event in publisher.events]
    kept += [repr(event).encode() for event in publisher.events]
    kept += [
        record.key + (record.value or b"") + repr(record.headers).encode()
        for record in publisher.records
    ]
    logged = [one.getMessage() for one in caplog.records if one.name.startswith("connectors")]
    text = "\n".join([*told, *logged]) + b"\n".join(kept).decode(errors="replace")
    assert [form for form in forms(value) if form in text] == []
