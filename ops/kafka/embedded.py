"""The embedded Kafka: one real Apache Kafka broker (KRaft) as a child process, for a machine with
neither Docker nor Java.

    <data>/log/                Kafka's own storage: the system of record
    <data>/logs/               what the broker says: server.log, and broker.out for errors and
                               what comes before logging is up
    <data>/server.properties   written at every start, like log4j2.properties
    <data>/broker.pid          the broker, to find one that outlived a killed `lgsp`
    <data>/owner.lock          held by the process that started the broker: never two on one folder

The broker trusts everyone who can connect; it therefore listens on the loopback address, whatever
`LGSP_HOST` says, unless `LGSP_KAFKA_HOST` names another.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self

from ops.kafka.jars import classpath
from ops.kafka.java import java_program
from ops.kafka.processes import (
    end_process,
    first_complaint,
    is_broker_of,
    java_environment,
    read_pid,
    wait_until,
)
from ops.kafka.storage import (
    BROKER,
    FLOOR,
    lack_of_room,
    prepare_storage,
    write_configuration,
)
from schemas.errors import EnvironmentBroken, HubError, StorageTrouble
from schemas.listening import LOOPBACK, address, connects, require_free
from schemas.settings import Settings
from schemas.storage import trouble_of
from serving.absence import why_silent

_STOP_SECONDS = 30.0
ROOM_SECONDS = 1.0
# Serial collection: on a heap this small it costs no more CPU than G1, pauses no longer, and takes
# fewer threads and less memory.
JVM = (
    "-server",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Djava.io.tmpdir=tmp",
    "--enable-native-access=ALL-UNNAMED",
    "-Dlog4j2.disableJmx=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)


class EmbeddedKafka:
    """One broker on one data folder. Every method blocks; from an event loop, call them through
    `asyncio.to_thread`.

    data: the broker's folder. host: address to listen on. heap: a Java -Xmx value. home: an
    unpacked Kafka to run instead of the pinned jars. repository: URL of a Maven mirror to fetch
    those from. properties: what is otherwise than in a broker that is alone.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 9092,
        host: str = LOOPBACK,
        heap: str = "512m",
        home: Path | None = None,
        repository: str = "",
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.data = data.resolve()
        self.port = port
        self.host = host
        self.heap = heap
        self.home = home
        self.repository = repository
        self.properties = properties
        # why the broker of the last start was ended, if that was for want of room
        self.full: StorageTrouble | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The broker that the settings describe."""
        return cls(
            settings.data / "kafka",
            port=settings.kafka_port,
            host=settings.kafka_host,
            heap=settings.kafka_heap,
            home=settings.kafka_home,
            repository=settings.kafka_repository,
        )

    @property
    def bootstrap(self) -> str:
        """Its address for clients, `host:port`."""
        return address(self.host, self.port)

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @property
    def server_log(self) -> Path:
        """Where the broker logs."""
        return self.data / "logs" / "server.log"

    @property
    def output(self) -> Path:
        """What it says before its logging is up, and its errors once more."""
        return self.data / "logs" / "broker.out"

    def start(self, timeout: float = 90.0) -> None:
        """Bring the broker up; returns once it answers clients. On any failure nothing is left
        running, and it may be tried again.

        timeout: seconds until it must answer. Raises: StorageTrouble while the disk is full;
        EnvironmentBroken if the folder or the port is taken, jars or Java are missing, or Kafka
        does not come up.
        """
        java, jars = java_program(), classpath(home=self.home, repository=self.repository)
        command = [
            str(java),
            *JVM,
            f"-Xmx{self.heap}",
            f"-Dlgsp.kafka={self.data}",
            "-cp",
            os.pathsep.join(map(str, jars)),
        ]
        self._own_folder()
        try:
            self._stop_orphan()  # first: nobody watches that one's room
            full = lack_of_room(self.data)
            if full is not None:
                raise full
            self._require_free_port()
            self._prepare(command)
            self.full = None
            process = self._launch(command)
            self._await_answer(time.monotonic() + timeout)
        except BaseException as error:
            self.stop()
            if isinstance(error, EnvironmentBroken):
                full = lack_of_room(self.data, FLOOR)
                if full is not None:
                    raise full from error
            raise
        threading.Thread(
            target=self._watch_room, args=(process,), name="kafka-room", daemon=True
        ).start()

    def _watch_room(self, process: subprocess.Popen[bytes]) -> None:
        """End the broker in order before the disk is full to the last byte."""
        while process.poll() is None:
            if (full := lack_of_room(self.data, FLOOR)) is not None:
                self.full = full
                end_process(process, _STOP_SECONDS)
            time.sleep(ROOM_SECONDS)

    def require_startable(self) -> None:
        """Look, without starting anything, whether folder and port can be had.

        Raises: EnvironmentBroken as `start` does. A broker that outlived its `lgsp` is no obstacle:
        the start ends it.
        """
        self._own_folder()
        try:
            pid = read_pid(self._pid_file)
            if pid is None or not is_broker_of(pid, self.data):
                self._require_free_port()
        finally:
            self._release_folder()

    def end_orphan(self) -> None:
        """End by force, which loses nothing, a broker of this folder whose `lgsp` was killed; one
        that somebody keeps is left alone.
        """
        try:
            self._own_folder()
        except HubError:
            return
        try:
            self._stop_orphan((signal.SIGKILL, 10.0))
        finally:
            self._release_folder()

    def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """End the broker: politely, then after `timeout` seconds (or a second Ctrl-C) by force,
        which loses nothing either.
        """
        process, self._process = self._process, None
        try:
            if process is not None:
                end_process(process, timeout)
                self._pid_file.unlink(missing_ok=True)
        finally:
            self._release_folder()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the broker to end by itself; its exit code, or None if it still runs after
        `timeout` seconds or was never started.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout) if self._process is not None else None
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def owner_lock(self) -> Path:
        """Held by the process that keeps the broker, whose number is in it."""
        return self.data / "owner.lock"

    @property
    def _pid_file(self) -> Path:
        return self.data / "broker.pid"

    def _own_folder(self) -> None:
        try:
            self.server_log.parent.mkdir(parents=True, exist_ok=True)
            lock = self.owner_lock.open("a+", encoding="ascii")
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = _first_line(lock)
            lock.close()
            raise EnvironmentBroken(
                f"Kafka's data folder {self.data} is in use by a running `lgsp` (process {owner}):"
                " stop that one or set LGSP_DATA."
            ) from error
        self._lock = lock
        with contextlib.suppress(OSError):  # on a full disk it stays unsaid whose it is
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()

    def _release_folder(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):  # what could not be written is tried once more
                self._lock.close()
            self._lock = None

    def _unwritable(self, error: OSError) -> EnvironmentBroken:
        found = trouble_of(error, self.data, "Kafka's storage")
        if found is not None and found.reason == "full":
            return found
        return EnvironmentBroken(
            f"Kafka cannot write its data folder {self.data} ({error.strerror}): make it writable"
            " or set LGSP_DATA."
        )

    def _stop_orphan(self, *ways: tuple[signal.Signals, float]) -> None:
        """End a broker of this folder whose `lgsp` was killed; the lock says that nobody owns it.
        `ways`: signals and seconds for each.
        """
        if (pid := read_pid(self._pid_file)) is None:
            return
        for number, patience in ways or ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0)):
            if is_broker_of(pid, self.data):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                wait_until(lambda: not is_broker_of(pid, self.data), patience)

    def _require_free_port(self) -> None:
        require_free("Kafka", self.host, self.port, "LGSP_KAFKA_PORT", "LGSP_KAFKA_HOST")

    def _prepare(self, command: list[str]) -> None:
        temporary = self.data / "tmp"
        try:
            # native libraries that a killed broker left unpacked
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            write_configuration(self.data, self.host, self.port, self.properties)
            node = self.properties.get("node.id", BROKER["node.id"])
            prepare_storage(
                self.data, [*command, "kafka.tools.StorageTool"], java_environment(), node
            )
        except OSError as error:
            raise self._unwritable(error) from error

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        try:
            self.output.write_bytes(b"")
            # to append, so that it can be emptied while the broker writes
            with self.output.open("ab") as output:
                self._process = process = subprocess.Popen(
                    [*command, "kafka.Kafka", "server.properties"],
                    cwd=self.data,
                    env=java_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C in the terminal is for `lgsp`, which stops Kafka last
                    start_new_session=True,
                )
            self._pid_file.write_text(str(process.pid), encoding="ascii")
        except OSError as error:
            raise self._unwritable(error) from error
        return process

    def _await_answer(self, deadline: float) -> None:
        def settled() -> bool:
            if self.pid is None:
                return True
            return connects(self.host, self.port) and not why_silent(self.bootstrap)

        answered = wait_until(settled, deadline - time.monotonic())
        if self.pid is None:
            reason = first_complaint(self.output.read_text(encoding="utf-8", errors="replace"))
            raise EnvironmentBroken(
                f"Kafka ended while starting ({reason}): mend that and start again;"
                f" {self.server_log} tells more."
            )
        if not answered:
            raise EnvironmentBroken(
                f"Kafka does not answer on {self.bootstrap} in time: see {self.server_log}, then"
                " start again."
            )


def _first_line(file: IO[str]) -> str:
    file.seek(0)
    return file.readline().strip() or "unknown"
