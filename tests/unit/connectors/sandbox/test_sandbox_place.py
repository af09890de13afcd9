"""The sandbox of a gateway: nothing of it is opened before there is a client in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from accesses import Clients, draft
from packet_doors import KnownAtOnce

from connectors.sandbox import place
from connectors.sandbox.place import OpensSandbox
from schemas.errors import SettingsError
from schemas.settings import Settings
from serving.access import changes
from serving.directory.directory import Directory


class Opened:
    """Stands for a publisher that runs."""

    made: list[Opened]

    def __init__(self, settings: Settings) -> None:
        self.settings, self.budget = settings, None
        self.started = asyncio.Event()
        self.stopped = False
        self.made.append(self)

    async def start(self) -> None:
        self.started.set()

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    Opened.made = []

    async def topics_are_there(settings: Settings, _: Any) -> list[str]:
        return []

    monkeypatch.setattr(place, "Publisher", Opened)
    monkeypatch.setattr(place, "when_ready", topics_are_there)
    monkeypatch.setattr(place, "_LOOK_SECONDS", 0)
    return Opened.made


def opens(clients: Clients, folder: Path, beats: list[Any]) -> OpensSandbox:
    async def beat(publisher: Any) -> None:
        beats.append(publisher)

    return OpensSandbox(
        Settings(data=folder, space="simulated"),
        lambda: clients.register.clients.values(),
        KnownAtOnce(Directory()),
        beat,
    )


async def test_nothing_is_opened_before_the_first_client_and_once_then(
    made: list[Opened], tmp_path: Path
) -> None:
    clients, beats = Clients(draft("live")), list[Any]()
    sandbox = opens(clients, tmp_path, beats)
    looking = asyncio.create_task(sandbox.keep())
    gone = clients.add(draft("gone", live=False))
    clients.put(changes.revoked(gone, clients.now))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (made, sandbox.opened) == ([], None)
    clients.add(draft("new", live=False))
    await looking
    (publisher,) = made
    assert publisher.settings.space == "simulated.sandbox"
    await publisher.started.wait()
    assert sandbox.open() is sandbox.open() is sandbox.opened
    assert (len(made), beats) == (1, [publisher])
    await sandbox.stop()
    assert publisher.stopped


async def test_topics_that_can_not_be_made_hold_up_nothing_official(
    made: list[Opened], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any
) -> None:
    async def refuses(settings: Settings, _: Any) -> list[str]:
        raise SettingsError("Topics are missing.")

    monkeypatch.setattr(place, "when_ready", refuses)
    sandbox = opens(Clients(), tmp_path, [])
    sandbox.open()
    await made[0].started.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    await sandbox.stop()
    assert "The sandbox can't be opened: Topics are missing." in caplog.text
