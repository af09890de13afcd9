"""What a service prints where its log takes no more; /dev/full is a disk without room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from disks import small_disk

from ops.up.supervise import SUPERVISOR

TALKS = """
import logging, os, sys
from ops.up.lossy import lose_what_does_not_fit
if os.environ.get("{supervisor}"):
    lose_what_does_not_fit()
logging.basicConfig(level="INFO")
for _ in range(3):
    print("x" * 100_000, flush=True)
    logging.info("y" * 100_000)
print("the end", flush=True)
"""


@pytest.mark.parametrize(("supervised", "code"), [("1", 0), ("", 1)])
def test_a_full_disk_ends_no_service_that_talks(tmp_path: Path, supervised: str, code: int) -> None:
    """Whoever prints into a file without being supervised is told."""
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        with (disk.folder / "service.log").open("ab") as log:
            script = TALKS.format(supervisor=SUPERVISOR)
            environment = os.environ | {SUPERVISOR: supervised}
            done = subprocess.run(
                [sys.executable, "-c", script],
                stdout=log,
                stderr=log,
                env=environment,
                check=False,
                timeout=60,
            )
        assert done.returncode == code


def test_what_fits_is_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    with file.open("ab") as log:
        script = TALKS.format(supervisor=SUPERVISOR)
        subprocess.run(
            [sys.executable, "-c", script],
            stdout=log,
            stderr=log,
            env=os.environ | {SUPERVISOR: "1"},
            check=True,
            timeout=60,
        )
    lines = file.read_text("utf-8").splitlines()
    assert [line[-1] for line in lines] == ["x", "y"] * 3 + ["d"]


def test_pipes_stay_as_they_are() -> None:
    script = (
        "import sys; from ops.up.lossy import lose_what_does_not_fit as lose; before = sys.stdout;"
        " lose(); print(before is sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n"
