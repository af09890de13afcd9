"""The embedded Kafka: one real Apache Kafka broker (KRaft) as a child process, for a machine with neither Docker nor Java.

    <data>/log/                Kafka's own storage: the system of record
    <data>/logs/               what the broker says (server.log, and broker.out for what comes before logging is up)
    <data>/server.properties   written at every start, like log4j2.properties
    <data>/broker.pid          the broker, to find one that outlived a killed `lgsp`
    <data>/owner.lock          held by the process that started the broker; never two on one folder

Storage is formatted beside its place and moved there in one step, so a kill during the first start leaves nothing half-formatted.
The broker trusts everyone who can connect; it therefore listens on the loopback address even if the hub listens on all addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, NoReturn, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from rich.console import Console

from ops.java import java_program
from ops.kafka_jars import classpath
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

CLUSTER_ID = "bGdzcC1odWIta2Fma2EtMQ"  # the same everywhere: a broker's folder can be moved or its identity file rewritten
POLL_SECONDS = 0.05
JVM = (
    "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true", "-Dlog4j2.disableJmx=true", "-Dfile.encoding=UTF-8",
)
BROKER = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",  # topics are declared, never born of a typing error
    "log.retention.ms": "-1",  # the system of record: only a topic's own declaration may delete
    "message.max.bytes": str(8 << 20),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": str(32 << 20),  # 1.2 million keys a pass; the default would take a quarter of a small heap
    "num.io.threads": "4",
}
LOGGING = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = logs/server.log
appender.file.filePattern = logs/server.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %p %c{1} %m%n
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


class EmbeddedKafka:
    """One broker on one data folder. Every method blocks; from an event loop, call them through `asyncio.to_thread`."""

    def __init__(
        self, data: Path, *, port: int = 9092, host: str = "127.0.0.1", heap: str = "512m", home: Path | None = None, repository: str = "",
    ) -> None:
        self.data = data.resolve()
        self.port = port
        self.host = "127.0.0.1" if host == "0.0.0.0" else host
        self.heap = heap
        self.home = home
        self.repository = repository
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The broker that the settings describe."""
        return cls(
            settings.data / "kafka", port=settings.kafka_port, host=settings.host, heap=settings.kafka_heap,
            home=settings.kafka_home, repository=settings.kafka_repository,
        )

    @property
    def bootstrap(self) -> str:
        """Its address for clients, `host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, timeout: float = 90.0) -> None:
        """Bring the broker up; returns once it answers clients. On any failure nothing is left running.

        Raises: EnvironmentBroken if the folder or the port is taken, jars or Java are missing, or Kafka does not come up.
        """
        java, jars = java_program(), classpath(home=self.home, repository=self.repository)
        self._own_folder()
        try:
            self._stop_orphan()
            self._require_free_port()
            self._write_configuration()
            self._format(java, jars)
            self._launch(java, jars)
            self._await_answer(time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float = 30.0) -> None:
        """End the broker: politely, then after `timeout` seconds (or a second Ctrl-C) by force, which loses nothing either."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process, timeout)
                self._pid_file.unlink(missing_ok=True)
        finally:
            self._release_folder()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the broker to end by itself; its exit code, or None if it still runs after `timeout` seconds."""
        if self._process is None:
            return 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def _pid_file(self) -> Path:
        return self.data / "broker.pid"

    def _own_folder(self) -> None:
        try:
            (self.data / "logs").mkdir(parents=True, exist_ok=True)
            lock = (self.data / "owner.lock").open("a+", encoding="ascii")
        except OSError as error:
            raise EnvironmentBroken(
                f"Kafka's data folder {self.data} cannot be written ({error.strerror}): make it writable or choose another with LGSP_DATA."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EnvironmentBroken(
                f"Kafka's data folder {self.data} is in use by a running `lgsp` (process {owner}): stop that one or set LGSP_DATA to another folder."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _release_folder(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _stop_orphan(self) -> None:
        """End a broker of this folder whose `lgsp` was killed; the lock says that nobody owns it."""
        pid = _read_pid(self._pid_file)
        if pid is None or not _is_broker_of(pid, self.data):
            return
        for number, patience in ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if _until(lambda: not _is_broker_of(pid, self.data), patience):
                return

    def _require_free_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise EnvironmentBroken(
                    f"Kafka cannot listen on {self.bootstrap} ({error.strerror}): stop the program that does or set LGSP_KAFKA_PORT to a free port."
                ) from error

    def _write_configuration(self) -> None:
        controller = free_port(self.host)
        listeners = f"PLAINTEXT://{self.bootstrap}"
        own = BROKER | {
            "listeners": f"{listeners},CONTROLLER://{self.host}:{controller}",
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"1@{self.host}:{controller}",
        }
        _write_properties(self.data / "server.properties", own | {"log.dirs": "log"})
        _write_properties(self.data / "format.properties", own | {"log.dirs": "log.part"})
        (self.data / "log4j2.properties").write_text(LOGGING, encoding="ascii")

    def _format(self, java: Path, jars: list[Path]) -> None:
        if (self.data / "log" / "meta.properties").is_file():
            return
        part = self.data / "log.part"
        shutil.rmtree(part, ignore_errors=True)
        command = self._command(java, jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "format.properties")
        done = subprocess.run(command, cwd=self.data, env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnvironmentBroken(f"Kafka's storage in {self.data} cannot be made: {_last_line(done.stderr or done.stdout)}")
        os.rename(part, self.data / "log")

    def _launch(self, java: Path, jars: list[Path]) -> None:
        shutil.rmtree(self.data / "tmp", ignore_errors=True)  # native libraries that a killed broker left unpacked
        (self.data / "tmp").mkdir()
        command = self._command(java, jars, "kafka.Kafka", "server.properties")
        with (self.data / "logs" / "broker.out").open("wb") as out:
            self._process = subprocess.Popen(
                command, cwd=self.data, env=_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for `lgsp`, which stops Kafka last
            )
        self._pid_file.write_text(str(self._process.pid), encoding="ascii")

    def _command(self, java: Path, jars: list[Path], main: str, *arguments: str) -> list[str]:
        own = (f"-Xmx{self.heap}", f"-Dlgsp.kafka={self.data}", "-Djava.io.tmpdir=tmp", "-Dlog4j2.configurationFile=log4j2.properties")
        return [str(java), *JVM, *own, "-cp", os.pathsep.join(map(str, jars)), main, *arguments]

    def _await_answer(self, deadline: float) -> None:
        if not _until(lambda: self.pid is None or _accepts(self.host, self.port), deadline - time.monotonic()):
            raise EnvironmentBroken(f"Kafka did not open {self.bootstrap} in time: see {self.data / 'logs' / 'server.log'}.")
        if self.pid is None:
            self._explain_end()
        asyncio.run(_metadata(self.bootstrap, deadline))

    def _explain_end(self) -> NoReturn:
        logs = self.data / "logs"
        reason = _last_error(logs / "server.log") or _last_line((logs / "broker.out").read_text(errors="replace")) or "no reason given"
        raise EnvironmentBroken(f"Kafka ended while starting ({reason}): see {logs / 'server.log'}.")


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def run(settings: Settings) -> int:
    """`lgsp kafka`: the broker in the foreground until Ctrl-C or SIGTERM; the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    with contextlib.suppress(KeyboardInterrupt), EmbeddedKafka.of(settings) as kafka:
        console.print(f"Kafka listens on {kafka.bootstrap}; data in {kafka.data}. Ctrl-C stops it.")
        code = kafka.wait()
        raise EnvironmentBroken(f"Kafka ended by itself (exit code {code}): see {kafka.data / 'logs' / 'server.log'}, then start it again.")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes], timeout: float) -> None:
    try:
        process.terminate()
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}  # a Java in the C locale cannot open a folder with Vietnamese letters


def _read_pid(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _is_broker_of(pid: int, data: Path) -> bool:
    """Whether the process is a broker that this module started on this folder (process numbers are used again)."""
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
    return f"-Dlgsp.kafka={data} ".encode() in shown.stdout


def _write_properties(file: Path, values: Mapping[str, str]) -> None:
    file.write_text("".join(f"{key}={value}\n" for key, value in values.items()), encoding="ascii")


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


async def _metadata(bootstrap: str, deadline: float) -> None:
    """Ask for the cluster's metadata until a broker is in it."""
    while True:
        client = AIOKafkaClient(bootstrap_servers=bootstrap)
        try:
            await client.bootstrap()
            if client.cluster.brokers():
                return
        except KafkaError as error:
            if time.monotonic() > deadline:
                raise EnvironmentBroken(f"Kafka on {bootstrap} does not answer: {error}.") from error
        finally:
            await client.close()
        await asyncio.sleep(POLL_SECONDS)


def _last_error(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if " ERROR " in line or " FATAL " in line), "")


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
