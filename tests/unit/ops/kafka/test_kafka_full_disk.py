"""The embedded Kafka on a disk that is full: nothing is begun, and it waits for room."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops.kafka import embedded, foreground, storage
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from ops.kafka.storage import ENOUGH, FLOOR
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.settings import Settings


class TestFullDisk:
    """`left` is the room that the disk has, of which the test says how much."""

    @pytest.fixture
    def left(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        left = [ENOUGH]
        monkeypatch.setattr(storage, "free_bytes", lambda _: left[0])
        return left

    def test_a_start_without_room_begins_nothing_and_may_be_tried_again(
        self, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(EmbeddedKafka, "_prepare", lambda *_: broken("it was begun"))
        broker = EmbeddedKafka(tmp_path / "kafka")
        for _ in range(2):
            left[0] = ENOUGH - 1
            with pytest.raises(
                StorageTrouble,
                match=(
                    r"^Disk full: Kafka waits for 64 MiB of room, and .* has 64\.0 MiB left\. Make"
                    r" room"
                ),
            ):
                broker.start()

    def test_a_start_that_failed_for_want_of_room_says_so(
        self, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            left[0] = FLOOR - 1
            raise EnvironmentBroken("Kafka ended while starting (it gave no reason)")

        monkeypatch.setattr(embedded, "java_program", lambda: Path("java"))
        monkeypatch.setattr(embedded, "classpath", lambda **_: [])
        monkeypatch.setattr(EmbeddedKafka, "_prepare", fails)
        broker = EmbeddedKafka(tmp_path / "kafka", port=free_port())
        with pytest.raises(StorageTrouble, match="Disk full"):
            broker.start()
        left[0] = ENOUGH
        monkeypatch.setattr(
            EmbeddedKafka, "_prepare", lambda *_: broken("the folder was free again")
        )
        with pytest.raises(EnvironmentBroken, match="free again"):
            EmbeddedKafka(tmp_path / "kafka", port=free_port()).start()

    @pytest.mark.parametrize("full", ["owner.lock", "broker.pid", "server.properties"])
    def test_a_file_that_does_not_fit_is_a_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
    ) -> None:
        """/dev/full is a disk without room."""
        data = tmp_path / "kafka"
        data.mkdir()
        (data / full).symlink_to("/dev/full")
        monkeypatch.setattr(embedded, "java_program", lambda: Path("/bin/true"))
        monkeypatch.setattr(embedded, "classpath", lambda **_: [])
        monkeypatch.setattr(embedded, "prepare_storage", lambda *_: None)
        monkeypatch.setattr(embedded, "read_pid", lambda _: None)
        with pytest.raises(EnvironmentBroken) as refused:
            EmbeddedKafka(data, port=free_port()).start(timeout=5)
        # which is not needed
        assert isinstance(refused.value, StorageTrouble) == (full != "owner.lock")

    def test_a_running_broker_is_ended_before_the_last_byte(
        self, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(embedded, "ROOM_SECONDS", 0.01)
        process, broker = subprocess.Popen(["sleep", "600"]), EmbeddedKafka(tmp_path)
        broker._process = process
        watch = threading.Thread(target=broker._watch_room, args=(process,))
        watch.start()
        left[0] = FLOOR
        watch.join(0.2)
        assert process.poll() is None
        left[0] = FLOOR - 1
        watch.join(20)
        assert process.poll() == -signal.SIGTERM
        left[0] = ENOUGH  # somebody made room while it ended
        with pytest.raises(StorageTrouble, match="Disk full"):
            foreground.until_ended(broker)


def broken(sentence: str) -> None:
    raise EnvironmentBroken(sentence)


def test_in_the_foreground_it_waits_for_room_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Again after it has run."""
    full = StorageTrouble("Disk full: make room", "full")
    starts, pauses = iter([full, full, full, None, full, None]), []

    def start(broker: EmbeddedKafka) -> None:
        if trouble := next(starts):
            raise trouble

    waits = iter([full, KeyboardInterrupt()])

    def wait(broker: EmbeddedKafka, timeout: float) -> None:
        raise next(waits)

    monkeypatch.setattr(foreground.logs, "set_up", lambda *_, **__: None)
    monkeypatch.setattr(EmbeddedKafka, "start", start)
    monkeypatch.setattr(EmbeddedKafka, "wait", wait)
    # Its own name, not the module's function: other threads of this process sleep too.
    monkeypatch.setattr(foreground, "time", SimpleNamespace(sleep=pauses.append))
    assert foreground.run_kafka(Settings(data=tmp_path)) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in said] == ["Disk", "Kafka", "Disk", "Kafka"]
    assert len(pauses) == 5
