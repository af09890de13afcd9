"""The sandbox on a real Kafka: nothing of it is official before its client is live, and then
everything is that was kept, once.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from accesses import basic, draft
from gateway_process import Process, gateway
from harness import until
from one_stop_system import PASSWORD, OneStopSystem
from topic_reader import Ends, ends_of, records_since

from connectors.gateway.examples import EXAMPLES
from connectors.publishing.publisher import Publisher, record_of
from connectors.sandbox import moving
from connectors.sandbox.moving import Moved, Moving
from connectors.sandbox.proof import StageProof
from connectors.sandbox.writer import SandboxWriter
from ops.access import live
from ops.access.live import HERE, run_live
from schemas.clock import now_ms
from schemas.events.dossiers import DossierReceived
from schemas.families import DECLARED_FAMILIES
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.spaces import sandbox_of
from schemas.topics import events_topic, packets_topic, quarantine_topic
from serving.access import changes
from serving.access.clients import Client
from serving.access.errors import ClientMoving
from serving.access.keys import Pepper
from serving.access.secrets import pepper_of
from serving.access.topic import Change, change_client, read_clients

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def running(kafka: str, folder: Path) -> Iterator[Process]:
    with gateway(kafka, folder, access="required") as process:
        process.await_status("/readyz", 200)
        yield process


@pytest.fixture
async def here(settings: Settings, folder: Path) -> Settings:
    made = settings.model_copy(update={"data": folder, "access": "required"})
    await ensure_topics(sandbox(made))
    return made


def sandbox(here: Settings) -> Settings:
    return here.model_copy(update={"space": sandbox_of(here.space)})


async def change(here: Settings, changing: Change[Any]) -> tuple[Client, Any]:
    return await change_client(here, changing, HERE, "changed by a test")


async def register(here: Settings, name: str) -> dict[str, str]:
    """The header of a new client, which is in the sandbox like every new one."""
    pepper = Pepper(pepper_of(here))
    asked = draft(name, agencies=("*",), live=False)
    _, key = await change(here, lambda there: changes.added(there, asked, pepper, now_ms()))
    return basic(name, key)


def event(code: str, number: int) -> dict[str, Any]:
    example = EXAMPLES["dossier.received"]
    data = {**example["data"], "agency": code, "dossier_id": f"{code}-{number}"}
    return {**example, "id": f"{code}-{number}", "source": code, "data": data}


def send(process: Process, code: str, number: int, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{process.url}/v1/events", json=event(code, number), headers=headers)


def accepted(process: Process, code: str, number: int, headers: dict[str, str]) -> httpx.Response:
    """The answer once it is a 202: what is told to be sent again is."""
    answers: list[httpx.Response] = []

    def taken() -> bool:
        answers.append(send(process, code, number, headers))
        return answers[-1].status_code == 202

    until(taken)
    return answers[-1]


async def told(settings: Settings, code: str, ends: Ends | None = None) -> Counter[str]:
    """How often each event of a source is in the space's topic of dossiers."""
    records = await records_since(settings, events_topic("dossiers", settings.space), ends)
    heads = [dict(one.headers) for one in records]
    assert settings.space != "official" or all("lgsp-client" not in one for one in heads)
    return Counter(
        one["ce_id"].decode() for one in heads if one.get("ce_source", b"").decode() == code
    )


async def test_what_a_new_client_sends_is_in_the_sandbox_and_nowhere_else(
    running: Process, here: Settings, code: str
) -> None:
    spaces = [topic(here.space) for topic in (packets_topic, quarantine_topic)]
    spaces += [events_topic(one.name, here.space) for one in DECLARED_FAMILIES if not one.own]
    before = {topic: await ends_of(here, topic) for topic in spaces}
    key = await register(here, code.lower())
    answer = await asyncio.to_thread(accepted, running, code, 1, key)
    assert answer.headers.get_list("LGSP-Space") == ["sandbox"]
    wrong = await asyncio.to_thread(
        httpx.post, f"{running.url}/v1/events", json={"id": "?"}, headers=key
    )
    assert (wrong.status_code, wrong.headers["LGSP-Space"]) == (422, "sandbox")
    unread = await asyncio.to_thread(
        httpx.post,
        f"{running.url}/v1/events",
        content=b"{",
        headers={**key, "Content-Type": "application/json"},
    )
    assert (unread.status_code, unread.headers["LGSP-Space"]) == (400, "sandbox")
    assert await told(sandbox(here), code) == {f"{code}-1": 1}
    assert len(await records_since(sandbox(here), quarantine_topic("sandbox"))) >= 2
    for topic, ends in before.items():
        assert await records_since(here, topic, ends) == [], topic


async def test_a_facts_space_may_be_named_and_then_has_to_be_the_clients(
    running: Process, here: Settings, code: str
) -> None:
    key = await register(here, code.lower())
    await asyncio.to_thread(accepted, running, code, 1, {**key, "LGSP-Space": "sandbox"})
    answer = await asyncio.to_thread(send, running, code, 2, {**key, "LGSP-Space": "official"})
    assert answer.status_code == 409


async def test_kept_is_everything_with_its_ids_and_once(
    running: Process, here: Settings, code: str
) -> None:
    key = await register(here, code.lower())
    for number in range(5):
        await asyncio.to_thread(accepted, running, code, number, key)
    assert await told(here, code) == {}
    assert await asyncio.to_thread(run_live, here, code.lower(), keep=True) == 0
    wanted = dict.fromkeys((f"{code}-{number}" for number in range(5)), 1)
    assert await told(here, code) == wanted
    answer = await asyncio.to_thread(accepted, running, code, 5, key)
    assert answer.headers.get_list("LGSP-Space") == ["official"]
    assert await told(here, code) == {**wanted, f"{code}-5": 1}
    assert await told(sandbox(here), code) == wanted


async def test_dropped_is_everything(running: Process, here: Settings, code: str) -> None:
    key = await register(here, code.lower())
    await asyncio.to_thread(accepted, running, code, 1, key)
    assert await asyncio.to_thread(run_live, here, code.lower(), keep=False) == 0
    await asyncio.to_thread(
        until, lambda: send(running, code, 2, key).headers["LGSP-Space"] == "official"
    )
    assert set(await told(here, code)) == {f"{code}-2"}


async def test_of_two_clients_that_say_the_same_source_one_is_kept(
    running: Process, here: Settings, code: str
) -> None:
    one = await register(here, f"{code.lower()}-a")
    other = await register(here, f"{code.lower()}-b")
    await asyncio.to_thread(accepted, running, code, 1, one)
    await asyncio.to_thread(accepted, running, code, 2, other)
    await asyncio.to_thread(run_live, here, f"{code.lower()}-a", keep=True)
    assert await told(here, code) == {f"{code}-1": 1}


class Killed(Exception):
    """Stands for kill -9: nothing of the run goes on."""


@pytest.fixture
async def filled(here: Settings, code: str) -> str:
    """A client with 60 facts in the sandbox."""
    await register(here, code.lower())
    async with Publisher(sandbox(here)) as publisher:
        writer = SandboxWriter(publisher, code.lower())
        await writer.publish([received(code, number) for number in range(60)])
        await publisher.send(
            record_of(received(code, number), "sandbox") for number in range(100, 130)
        )
    return code


def received(code: str, number: int) -> DossierReceived:
    return DossierReceived(
        event_id=f"{code}-{number}",
        source=code,
        agency=code,
        occurred_at=1_762_000_000_000,
        dossier_id=f"{code}-{number}",
        procedure="1.000000.SAMPLE",
        channel="counter",
    )


async def test_killed_at_any_point_it_goes_on_where_it_was(
    here: Settings, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "AT_ONCE", 7)
    wanted = dict.fromkeys((f"{filled}-{number}" for number in range(60)), 1)
    copied = 0
    for most in (1, 2, 5, 9, 14):

        def dies(moved: Moved, most: int = most) -> None:
            if moved.facts >= most:
                raise Killed

        run = Moving(here, filled.lower(), 1, dies)
        with pytest.raises(Killed):
            await run.run()
        copied += run.moved.facts
        assert (await told(here, filled)).total() == copied
    last = Moving(here, filled.lower(), 1)
    await last.run()
    assert copied + last.moved.facts == 60
    assert await told(here, filled) == wanted
    await Moving(here, filled.lower(), 1).run()
    assert await told(here, filled) == wanted


def kill_after(here: Settings, name: str, seconds: float) -> None:
    """Begin to keep what a client sent, and kill that after a while."""
    command = [sys.executable, "-m", "ops.cli", "client", "live", name, "--keep", "--yes"]
    process = subprocess.Popen(command, env=environment_of(here), stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def test_killed_with_its_process_it_goes_on_where_it_was(here: Settings, code: str) -> None:
    """With kill -9, wherever that comes; what it left open is rolled back by the next run."""
    await register(here, code.lower())
    async with Publisher(sandbox(here)) as publisher:
        writer = SandboxWriter(publisher, code.lower())
        for first in range(0, 6_000, 500):
            await writer.publish([received(code, first + number) for number in range(500)])
    chance = random.Random(code)
    for seconds in sorted(chance.uniform(1, 2.5) for _ in range(8)):
        await asyncio.to_thread(kill_after, here, code.lower(), seconds)
    if (await read_clients(here))[code.lower()].stage != "live":
        await asyncio.to_thread(run_live, here, code.lower(), keep=True)
    assert await told(here, code) == {f"{code}-{number}": 1 for number in range(6_000)}


async def test_a_run_that_another_one_has_overtaken_ends_nothing(
    here: Settings, filled: str
) -> None:
    name = filled.lower()
    await change(
        here, lambda there: (changes.moving(changes.found(there, name), now_ms(), "first"), None)
    )
    await change(
        here, lambda there: (changes.moving(changes.found(there, name), now_ms(), "second"), None)
    )
    with pytest.raises(changes.ClientMistake, match="has begun since"):
        await change(
            here, lambda there: (changes.live(changes.found(there, name), now_ms(), "first"), None)
        )
    assert (await read_clients(here))[name].stage == "moving"


async def test_nothing_is_lost_of_who_sends_on_while_it_is_moved(
    running: Process, here: Settings, code: str
) -> None:
    """By two gateways, of which one may hear of it later than the other."""
    key = await register(here, code.lower())
    await asyncio.to_thread(accepted, running, code, 0, key)
    over, sent, refused = threading.Event(), [0], Counter[int]()
    with gateway(here.kafka_servers, here.data, access="required") as other:
        other.await_status("/readyz", 200)
        await asyncio.to_thread(accepted, other, code, 0, key)

        def sends(process: Process, first: int) -> None:
            number = first
            while not over.is_set():
                number += 2
                while (status := send(process, code, number, key).status_code) != 202:
                    refused[status] += 1
                sent.append(number)

        senders = [
            threading.Thread(target=sends, args=(process, first))
            for first, process in enumerate((running, other))
        ]
        for one in senders:
            one.start()
        try:
            await asyncio.to_thread(until, lambda: len(sent) > 20)
            done = await asyncio.to_thread(run_live, here, code.lower(), keep=True)
            moved = len(sent)
            await asyncio.to_thread(until, lambda: len(sent) > moved + 20)
        finally:
            over.set()
            for one in senders:
                await asyncio.to_thread(one.join)
    assert done == 0
    assert set(refused) <= {503}
    assert set(await told(here, code)) == {f"{code}-{number}" for number in sent}


async def test_whoever_asks_kafka_is_told_that_a_client_has_left(here: Settings, code: str) -> None:
    """A gateway that hears of it late asks before each answer, and its question is never late."""
    name = code.lower()
    await register(here, name)
    proof = StageProof(here)
    try:
        for _ in range(2):
            await proof.require(name)
        moved, _ = await change(
            here, lambda there: (changes.moving(changes.found(there, name), now_ms(), "run"), None)
        )
        await live.until_visible(here, moved)
        with pytest.raises(ClientMoving):
            await proof.require(name)
        with pytest.raises(ClientMoving):
            await proof.require("nobody-of-that-name")
    finally:
        await proof.stop()


def environment_of(here: Settings) -> dict[str, str]:
    others = {name: one for name, one in os.environ.items() if not name.startswith("LGSP_")}
    return others | {"LGSP_DATA": str(here.data), "LGSP_KAFKA_SERVERS": here.kafka_servers}


def lgsp(here: Settings, *arguments: str) -> str:
    command = [sys.executable, "-m", "ops.cli", "client", *arguments]
    done = subprocess.run(
        command, env=environment_of(here), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def types(settings: Settings, code: str) -> Counter[str]:
    records = await records_since(settings, events_topic("dossiers", settings.space))
    heads = [dict(one.headers) for one in records]
    source = f"packets/{code.lower()}".encode()
    return Counter(one["ce_type"].decode() for one in heads if one.get("ce_source") == source)


@pytest.mark.parametrize("keep", [True, False])
async def test_packets_go_on_where_they_were_or_begin_anew(
    running: Process, here: Settings, code: str, keep: bool
) -> None:
    password = here.data / "password"
    password.write_text(PASSWORD)
    name, agency = code.lower(), code.upper()
    await asyncio.to_thread(
        lgsp,
        here,
        *("add", name, "--title-vi", "Mẫu", "--title-en", "Sample", "--agency", agency),
        *("--source", f"packets/{name}", "--door", "packets", "--family", "dossiers"),
        *("--packets-user", name, "--packets-password-file", str(password)),
        *("--packets-source", f"packets/{name}"),
    )
    system = OneStopSystem(running, agency)
    await asyncio.to_thread(system.login)
    await asyncio.to_thread(system.send)
    assert system.space == "sandbox"
    assert len(await asyncio.to_thread(system.known)) == 1
    assert await types(sandbox(here), code) == {"dossier.received": 1}
    assert await types(here, code) == {}
    await asyncio.to_thread(run_live, here, name, keep=keep)
    await asyncio.to_thread(
        until, lambda: system.known() is not None and system.space == "official"
    )
    assert len(await asyncio.to_thread(system.known)) == int(keep), "the session goes on"
    end = "20251105090000"
    await asyncio.to_thread(lambda: system.send(TrangThaiHoSo="9", NgayKetThucXuLy=end))
    assert await types(here, code) == {"dossier.received": 1, "dossier.finished": 1}
    assert await types(sandbox(here), code) == {"dossier.received": 1}
