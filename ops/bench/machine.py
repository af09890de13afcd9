"""The machine that is measured, in one sentence, and what a process of it uses. Linux tells more
than other systems.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ops.kafka.jars import KAFKA_VERSION
from schemas.settings import Settings

_MEASURED_CORES = 2  # what is needed is said of two


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far: seconds of CPU; memory now and at most, in MB of 1,000,000
    bytes.
    """

    cpu: float
    memory: float
    peak: float


def usage(pid: int) -> Usage:
    """What a running process uses. Raises: ProcessLookupError if there is none."""
    try:
        return (
            _from_proc(Path(f"/proc/{pid}")) if Path("/proc/self/stat").exists() else _from_ps(pid)
        )
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error


def descriptors(pid: int) -> int:
    """How many files and connections a process has open; 0 where the system does not tell."""
    folder = Path(f"/proc/{pid}/fd")
    return len(os.listdir(folder)) if folder.exists() else 0


def _from_proc(folder: Path) -> Usage:
    # Behind the name in brackets, which may hold anything, user and system time are the 12th and
    # 13th field.
    times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    sizes = dict(
        re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", (folder / "status").read_text(), re.MULTILINE)
    )
    ticks = os.sysconf("SC_CLK_TCK")
    return Usage(
        sum(map(int, times)) / ticks,
        int(sizes.get("VmRSS", 0)) * 1024 / 1e6,
        int(sizes.get("VmHWM", 0)) * 1024 / 1e6,
    )


def _from_ps(pid: int) -> Usage:
    told = subprocess.run(
        ["ps", "-o", "time=,rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    if not told:
        raise ProcessLookupError(pid)
    memory = int(told[1]) * 1024 / 1e6
    return Usage(clock_seconds(told[0]), memory, memory)


def clock_seconds(text: str) -> float:
    """Seconds of `[[hours:]minutes:]seconds`, as ps tells them."""
    seconds = 0.0
    for part in text.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def cores() -> list[int]:
    """The cores that this process may use; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(pid: int, chosen: Sequence[int]) -> None:
    """Keep a process, all its threads and what they start to some cores; does nothing where the
    system can't.
    """
    if not chosen or not hasattr(os, "sched_setaffinity"):
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(task.name), chosen)


@contextmanager
def two_cores() -> Iterator[list[int]]:
    """Keep this process and all that it starts to two cores meanwhile; gives them."""
    before = cores()
    chosen = before[:_MEASURED_CORES]
    pin(os.getpid(), chosen)
    try:
        yield chosen
    finally:
        pin(os.getpid(), before)


def describe(settings: Settings) -> str:
    """What a reader needs to judge the figures."""
    count = os.cpu_count() or 1
    kept = f", kept to {_MEASURED_CORES}" if len(cores()) > _MEASURED_CORES else ""
    kafka = f"Kafka of {settings.kafka_home}" if settings.kafka_home else f"Kafka {KAFKA_VERSION}"
    loads = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    return (
        f"{_model()}, {count} cores{kept}, {_memory():.0f} GB, {platform.system()}"
        f" {platform.release()}; Python {platform.python_version()}, {kafka}, aiokafka"
        f" {version('aiokafka')}; load average before: {loads}"
    )


def _model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
