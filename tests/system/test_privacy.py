"""Personal data sent by mistake, through every door and in every place, is found nowhere
afterwards; in the vault not without the master key. All of it is made up.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from aiokafka import TopicPartition
from harness import until
from packet_planted import LOGIN, planted_requests, with_session
from test_up import Up, up

from connectors.gateway.examples import EXAMPLES
from connectors.gateway.modes import BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE
from connectors.quarantine.entries import entries
from connectors.quarantine.finding import originals
from connectors.quarantine.original import Original
from schemas.errors import MasterKeyMissing, VaultError
from schemas.kafka.clients import consumer
from schemas.kafka.reading import read_to_end
from schemas.personal import personal_number
from schemas.settings import Settings
from schemas.topics import TOPICS

__all__ = ["up"]  # fixture

# Signs that stand for one another in the forms that a search has to know are in them: accents,
# blanks, a quote.
NAME, CITIZEN, OLD, PHONE = "Nguyễn Thị Mẫu", "001085012345", "012345678", "0912345678"
ADDRESS, MAIL = "12 đường Mẫu, phường Mẫu", "mau.nguyen@sample.vn"
PLANTED = (NAME, CITIZEN, OLD, PHONE, ADDRESS, MAIL, "NGUYEN THI MAU")
RECEIVED = EXAMPLES["dossier.received"]
BAD = {**RECEIVED, "id": "bad-1", "data": {**RECEIVED["data"], "channel": "pigeon"}}
BROKEN = ('{"?": "?"', "?", '["?" "?"]', '{"?": 1, "?": 2}', '{"id": ?}')
MAP = """\
source: sample/test
every_event: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{at}"}
events:
  - event: dossier.received
    id: "{id}/received"
    fields: {procedure: SAMPLE.P, channel: online}
"""


def items(value: str) -> list[Any]:
    """What is refused for one reason or another, with the value in each place that there is."""
    data = BAD["data"]
    fields = ("dossier_id", "agency", "procedure", "channel", "unit", "due_at", "level", "ho_ten")
    return [
        *({**BAD, "data": {**data, name: value}} for name in fields),
        *({**BAD, name: value} for name in (*RECEIVED, "subject", "extra")),
        *({**BAD, "data": {**data, name: {value: [value]}}} for name in fields),
        {**BAD, "data": {**data, value: value}},
        {value: value},
        {**BAD, value: value},
        [value],
        value,
        {**BAD, "type": "no.such", "data": {value: value}},
        {**BAD, "comment": value * 5_000},
    ]


def through_the_gateway(url: str) -> Iterator[str]:
    """Everything that is answered."""
    with httpx.Client(base_url=url, timeout=60) as client:

        def post(body: Any, kind: str = JSON_TYPE, **headers: str) -> str:
            content = (
                body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
            )
            named = {name.replace("_", "-"): text for name, text in headers.items()}
            answer = client.post(
                "/v1/events", content=content, headers={"Content-Type": kind, **named}
            )
            assert 400 <= answer.status_code < 500, answer.text
            return answer.text + str(answer.headers)

        for value in PLANTED:
            yield post(items(value), BATCH_TYPE)
            yield from (
                post(item, STRUCTURED_TYPE) for item in items(value) if isinstance(item, dict)
            )
            yield from (post(text.replace("?", value).encode(), JSON_TYPE) for text in BROKEN)
            yield post({"?": value * 1_000_000}, JSON_TYPE)  # oversize
            yield post([{"?": value}] * 2_000, BATCH_TYPE)
            attributes = {f"ce-{name}": quote(text) for name, text in BAD.items() if name != "data"}
            for name in ("id", "source", "type", "time", "subject"):
                yield post(BAD["data"], JSON_TYPE, **(attributes | {f"ce-{name}": quote(value)}))
            yield post(BAD, f"text/{quote(value)}")
            yield post(BAD, f"{JSON_TYPE}; charset={quote(value)}")
            yield post(
                BAD, f"{JSON_TYPE}; charset=utf-16", X_Name=quote(value), Cookie=quote(value)
            )
            yield client.get(f"/{quote(value)}?name={quote(value)}").text
        yield client.get("/metrics").text


def through_the_packets(url: str) -> Iterator[str]:
    """Everything that one-stop systems are answered."""
    with httpx.Client(base_url=f"{url}/packets", timeout=60) as client:
        session = client.post("/mapi/login", json=LOGIN).json()["session"]
        for value in PLANTED:
            for request in planted_requests(value):
                method, path, body, headers = with_session(request, session)
                answer = client.request(method, path, content=body, headers=headers)
                assert answer.status_code in (200, 413), answer.text
                yield answer.text + str(answer.headers)


def through_the_api(url: str) -> Iterator[str]:
    """Everything that is answered; not asked for a field of procedures, since a figure goes with
    the scope that it was asked for.
    """
    with httpx.Client(base_url=url, timeout=60) as client:
        for value in map(quote, PLANTED):
            names = (
                "agency",
                "from",
                "to",
                "window",
                "by",
                "level",
                "compare",
                "books",
                "format",
                "own",
                value,
            )
            for path in (
                "/v1/indicators",
                "/v1/counts",
                "/v1/coverage",
                "/v1/agencies",
                "/v1/dossiers",
            ):
                yield from (client.get(f"{path}?{name}={value}").text for name in names)
            yield from (
                client.get(f"{path}/{value}").text
                for path in ("", "/v1/indicators", "/v1/agencies", "/v1/dossiers")
            )
            yield client.get("/v1/indicators", headers={"X-Name": value}).text
        yield client.get("/metrics").text


def through_imports(folder: Path, environment: dict[str, str]) -> str:
    """Everything that is printed."""
    folder.mkdir()
    (folder / "map.yaml").write_text(MAP)
    files = [
        file for number, value in enumerate(PLANTED) for file in files_of(folder, number, value)
    ]
    printed = lgsp(3, environment, "import", *map(str, files), "--map", str(folder / "map.yaml"))
    # What the mapping reads stands in clear in the rejections, so that it can be corrected there:
    # of those only the rest is looked at.
    for path in folder.glob("*-read.csv.rejected.csv"):
        path.unlink()
    return printed


def lgsp(code: int, environment: dict[str, str], *arguments: str) -> str:
    """What a command prints that ends with this code."""
    command = [sys.executable, "-m", "ops.cli", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def files_of(folder: Path, number: int, value: str) -> Iterator[Path]:
    """Files whose rows are rejected, but for one."""
    rows = [("D-1", "2025-11-03", value, value), (f"D-{number}", "no time", value, value)]
    if personal_number(value):
        rows.append((value, "no time", value, value))
    names = ("id", "at", "ho_ten", value)
    lines = [";".join(cells) for cells in (names, *rows)] + [value, f'"{value};x', f"{value};" * 6]
    objects = [
        json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False) for cells in rows
    ]
    objects += [value, f'{{"{value}": 1, "{value}": 2}}', f'"{value}"']
    read = ["id;at", f"{number};{value}", f"{value};no time"]
    for name, content in (
        (f"{number}.csv", lines),
        (f"{number}.jsonl", objects),
        (f"{number}-read.csv", read),
    ):
        (folder / name).write_text("\n".join(content) + "\n", "utf-8")
        yield folder / name


async def everything(settings: Settings) -> list[bytes]:
    """Keys, values and headers of every record of every topic."""
    found: list[bytes] = []
    async with consumer(settings) as reader:
        for topic in TOPICS:
            partitions = [
                TopicPartition(topic.name, number)
                for number in range(topic.partition_count(settings))
            ]
            reader.assign(partitions)
            async for _, records in read_to_end(reader, *partitions):
                found += [
                    b"\n".join(
                        (record.key or b"", record.value or b"", repr(record.headers).encode())
                    )
                    for record in records
                ]
    return found


async def whole(settings: Settings) -> list[Original | VaultError]:
    """What the vault tells who has the master key of these settings."""
    found = [entry async for entry in entries(settings) if entry.ref is not None]
    return [*(await originals(settings, found)).values()]


def forms(value: str) -> set[bytes]:
    """How a text may have been written: as it is, escaped for JSON, for an address, for Python."""
    texts = (value, json.dumps(value)[1:-1], quote(value), repr(value.encode())[2:-1])
    return {text.encode() for text in texts} | {value.encode("utf-16-le")}


def found_in(content: bytes) -> list[str]:
    return [value for value in PLANTED if any(form in content for form in forms(value))]


def refused_over_http(settings: Settings) -> int:
    records = asyncio.run(everything(settings))
    return sum(record.startswith(b"http:") for record in records)


def test_personal_data_sent_by_mistake_is_found_nowhere(up: Up, tmp_path: Path) -> None:
    data = Path(up.environment["LGSP_DATA"])
    up.start(simulate="0")
    until(lambda: up.send(1) == 202)
    until(lambda: up.received("SAMPLE.TEST") == 1)
    settings = Settings(data=data, kafka_port=int(up.environment["LGSP_KAFKA_PORT"]))
    told = [*through_the_gateway(f"http://127.0.0.1:{up.gateway}")]
    with_originals = refused_over_http(settings)  # of packets none are kept whole
    told += [
        *through_the_packets(f"http://127.0.0.1:{up.gateway}"),
        *through_the_api(f"http://127.0.0.1:{up.metrics}"),
    ]
    told.append(through_imports(tmp_path / "files", up.environment))
    told.append(httpx.get(f"http://127.0.0.1:{up.environment['LGSP_WORKER_PORT']}/metrics").text)
    until(lambda: up.received("SAMPLE.A") == 1)
    records = asyncio.run(everything(settings))
    refused = [record for record in records if record.startswith((b"http:", b"file:"))]
    assert len(refused) > 500
    kept = asyncio.run(whole(settings))
    assert len(kept) == with_originals > 400
    bodies = b"".join(one.body for one in kept if isinstance(one, Original))
    assert set(found_in(bodies)) == set(PLANTED), "who has the master key can mend it"
    thief = settings.model_copy(update={"data": tmp_path / "thief"})
    assert {type(one) for one in asyncio.run(whole(thief))} == {MasterKeyMissing}
    told.append(lgsp(0, up.environment, "quarantine", "list"))
    assert f"{len(refused):,} refused, of " in told[-1]
    told.append(lgsp(0, up.environment, "quarantine", "list", "--json", "--limit", "5000"))
    assert len(told[-1].splitlines()) == len(refused)
    assert up.interrupt() == 0

    assert [values for text in told if (values := found_in(text.encode()))] == []
    assert [values for record in records if (values := found_in(record))] == []
    written = [
        path
        for folder in (data, tmp_path / "files")
        for path in folder.rglob("*")
        if path.is_file()
    ]
    planted = {
        path
        for path in written
        if path.suffix in (".csv", ".jsonl") and ".rejected" not in path.name
    }
    assert [
        (path, values)
        for path in written
        if path not in planted and (values := found_in(path.read_bytes()))
    ] == []
    assert {"cube.sqlite", "listing.sqlite", "quarantine.key", "vault.key", "gateway.log"} <= {
        path.name for path in written
    }
    assert found_in(up.said().encode()) == []

    hubs_own = [data, *data.rglob("*"), *(tmp_path / "files").glob("*.rejected.csv")]
    assert [path for path in hubs_own if path.stat().st_mode & 0o077] == [], (
        "nobody but the hub's own user may read or write these"
    )
