"""A data folder that can only be read: every command that writes there says so in one sentence and
ends with an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import small_disk

from ops.kafka.ports import free_port


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "data", 8, "ro") as disk:
        yield disk.folder


@pytest.mark.parametrize("command", ["up", "kafka", "metrics", "worker"])
def test_a_folder_that_can_only_be_read_is_one_sentence(folder: Path, command: str) -> None:
    ports = {
        f"LGSP_{name}_PORT": str(free_port()) for name in ("KAFKA", "METRICS", "GATEWAY", "WORKER")
    }
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", command],
        env=os.environ | ports | {"LGSP_DATA": str(folder), "SIMULATE": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    [sentence] = [
        line for line in done.stderr.splitlines() if "Read-only" in line or "read-only" in line
    ]
    assert str(folder) in sentence
    assert "LGSP_DATA" in sentence
    assert "Traceback" not in done.stderr


def test_who_only_looks_at_the_quarantine_needs_no_room(folder: Path) -> None:
    """Nothing is said of the folder: Kafka, which is away here, is all that it needs."""
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", "quarantine", "list"],
        env=os.environ | {"LGSP_DATA": str(folder), "LGSP_KAFKA_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.stderr.startswith("No Kafka answers at ")
    assert len(done.stderr.splitlines()) == 1
