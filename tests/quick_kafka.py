"""Embedded brokers that start in a third of their time, for tests that start many.

Most of a start is Java loading and compiling classes. Its ahead-of-time cache (JDK 25) keeps what
one start has loaded for all later ones; pytest's cache folder keeps that from run to run. The
settings of the broker itself are those of the product.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import ops.kafka.embedded
from ops.kafka.embedded import JVM, EmbeddedKafka
from ops.kafka.jars import classpath
from ops.kafka.java import java_program
from ops.kafka.ports import free_port

# A Java that knows no such cache passes over it. Without the second compiler a broker is slower
# only after minutes.
QUICK = (*JVM, "-XX:+IgnoreUnrecognizedVMOptions", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
PATIENCE = 180.0  # seconds; the cache is written when the broker ends


@pytest.fixture(scope="session", autouse=True)
def quick_brokers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every broker that this process starts itself starts from the cache."""
    folder = request.config.cache.mkdir("kafka")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops.kafka.embedded, "JVM", QUICK)
        with alone(folder / "lock"):
            cache = folder / f"{loaded()}.aot"
            if not cache.exists():
                make(cache, patch)
        patch.setattr(ops.kafka.embedded, "JVM", (*QUICK, f"-XX:AOTCache={cache}"))
        yield


def loaded() -> str:
    """What a cache is of: another Java or other classes need another one."""
    files = [java_program(), *classpath()]
    return hashlib.sha256(
        "".join(f"{file} {file.stat().st_mtime_ns}\n" for file in files).encode()
    ).hexdigest()[:16]


def make(cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Start a broker once, which leaves the cache at its end."""
    part = cache.with_suffix(".part")
    patch.setattr(ops.kafka.embedded, "JVM", (*QUICK, f"-XX:AOTCacheOutput={part}"))
    with TemporaryDirectory() as data:
        broker = EmbeddedKafka(Path(data), port=free_port())
        broker.start()
        broker.stop(PATIENCE)
    if part.exists():
        os.replace(part, cache)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """While another process does the same, wait."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
