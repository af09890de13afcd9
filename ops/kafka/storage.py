"""What the embedded Kafka finds in its folder when it starts: configuration, and storage that is
whole or not there at all.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ops.kafka.ports import free_port
from ops.kafka.processes import first_complaint
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.listening import LOOPBACK, address
from schemas.storage import free_bytes, mebibytes

# The same in every installation, so that a lost or half-written meta.properties can be written
# again: partitions are assigned to the directory's id, and a broker that draws a new one no longer
# finds its data.
IDENTITY = {
    "version": "1",
    "node.id": "1",
    "cluster.id": "bGdzcC1odWIta2Fma2EtMQ",
    "directory.id": "bGdzcC1odWItZGlyZWN0MQ",
}
# bytes of room: with less a running broker is stopped, with so much one is started
FLOOR, ENOUGH = 32 << 20, 64 << 20
_FOR_GOOD_MINUTES = (1 << 31) - 1  # the greatest that Kafka takes: some 4,000 years
BROKER = {
    "process.roles": "broker,controller",
    "node.id": IDENTITY["node.id"],
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",  # topics are declared, never born of a typing error
    "log.retention.ms": "-1",  # the system of record: only a topic's own declaration may delete
    "message.max.bytes": str(8 << 20),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    # What workers have counted is kept as long as what they count: a hub may be off for longer than
    # Kafka's seven days (Tết alone is).
    "offsets.retention.minutes": str(_FOR_GOOD_MINUTES),
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # 1.2 million keys a pass; the default takes a quarter of a small heap
    "log.cleaner.dedupe.buffer.size": str(32 << 20),
    "broker.heartbeat.interval.ms": "500",
    # after a kill the controller waits this long before it lets the broker in again
    "broker.session.timeout.ms": "3000",
}
_LOGGING = """\
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
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %m %throwable{short.localizedMessage}%n
logger.settings.name = org.apache.kafka.common.config
logger.settings.level = warn
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
rootLogger.appenderRef.console.ref = console
rootLogger.appenderRef.console.level = error
"""


def identity(node: str) -> dict[str, str]:
    """What meta.properties says of the broker with this `node.id`, a digit: no two of a cluster may
    have one directory id.
    """
    directory = base64.urlsafe_b64encode(f"lgsp-hub-direct{node}".encode()).decode().rstrip("=")
    return IDENTITY | {"node.id": node, "directory.id": directory}


def lack_of_room(data: Path, least: int = ENOUGH) -> StorageTrouble | None:
    """Why a broker had better not write there: one that meets the end of the disk half-way through
    a batch has to mend its log.
    """
    free = free_bytes(data)
    if free is None or free >= least:
        return None
    return StorageTrouble(
        f"Disk full: Kafka waits for {ENOUGH >> 20} MiB of room, and {data} has {mebibytes(free)}"
        " left. Make room there; it then goes on by itself, and nothing that was accepted is"
        " lost.",
        "full",
    )


def write_configuration(
    data: Path, host: str, port: int, properties: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write server.properties, the same for formatting, and the logging configuration. Paths in
    them are relative to `data`.

    properties: what is otherwise than in BROKER, as for a broker that isn't alone.
    """
    # a new one at each start: nobody has to keep a second port free
    quorum = f"{LOOPBACK}:{free_port()}"
    own = {
        **BROKER,
        "listeners": f"PLAINTEXT://{address(host, port)},CONTROLLER://{quorum}",
        "advertised.listeners": f"PLAINTEXT://{address(host, port)}",
        "controller.quorum.voters": f"{IDENTITY['node.id']}@{quorum}",
        **properties,
    }
    _write_properties(data / "server.properties", own | {"log.dirs": "log"})
    _write_properties(data / "format.properties", own | {"log.dirs": "log.part"})
    (data / "log4j2.properties").write_text(_LOGGING, encoding="ascii")


def prepare_storage(
    data: Path, tool: list[str], environment: Mapping[str, str], node: str = IDENTITY["node.id"]
) -> None:
    """Make the folder `log` ready: format it if it is new, mend its identity if that was lost.

    tool: the command line that runs Kafka's StorageTool. node: the broker's `node.id`. Raises:
    EnvironmentBroken if storage cannot be made, or holds data without the metadata that says what
    it is.
    """
    log = data / "log"
    if (log / "__cluster_metadata-0").is_dir():
        _mend_identity(log, node)
    elif log.is_dir() and any(log.iterdir()):
        raise EnvironmentBroken(
            f"Kafka's storage {log} has lost its metadata: put a backup in its place, or delete it"
            " to begin empty."
        )
    else:
        _format(data, tool, environment, node)


def _mend_identity(log: Path, node: str) -> None:
    file = log / "meta.properties"
    lines = file.read_text(encoding="latin-1").splitlines() if file.is_file() else []
    if not IDENTITY.keys() <= {line.partition("=")[0] for line in lines if line.partition("=")[2]}:
        _write_properties(file, identity(node))


def _format(data: Path, tool: list[str], environment: Mapping[str, str], node: str) -> None:
    """Format beside the place and move there in one step: a kill in between leaves nothing
    half-formatted.
    """
    part = data / "log.part"
    shutil.rmtree(part, ignore_errors=True)
    command = [
        *tool,
        "format",
        "--cluster-id",
        IDENTITY["cluster.id"],
        "--config",
        "format.properties",
    ]
    done = subprocess.run(
        command, cwd=data, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EnvironmentBroken(
            f"Kafka's storage {data / 'log'} cannot be made:"
            f" {first_complaint(done.stdout + done.stderr)}."
        )
    _write_properties(part / "meta.properties", identity(node))
    os.rename(part, data / "log")


def _write_properties(file: Path, values: Mapping[str, str]) -> None:
    file.write_text("".join(f"{key}={value}\n" for key, value in values.items()), encoding="ascii")
