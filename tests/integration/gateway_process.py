"""A gateway as a process of its own, for tests to ask over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ops.kafka.ports import free_port

PROGRAM = (
    "import sys; from connectors.gateway import run_gateway; from schemas.settings import settings;"
    " sys.exit(run_gateway(settings()))"
)


class Process:
    """A gateway process: its address, its exit code, what it printed."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    def await_status(self, path: str, status: int, seconds: float = 40) -> httpx.Response:
        """Ask until the answer has this status."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = httpx.get(self.url + path)
                if answer.status_code == status:
                    return answer
            except httpx.TransportError:
                answer = None
            assert time.monotonic() < deadline, (
                f"{path} does not answer {status}: {answer and answer.text}"
            )
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)

    def memory(self) -> int:
        """The most bytes it ever had in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(
            int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")
        )


@contextmanager
def gateway(kafka: str, folder: Path, **options: Any) -> Iterator[Process]:
    port = free_port()
    chosen = {"kafka_servers": kafka, "gateway_port": port, "data": folder, **options}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LGSP_")
    }
    environment |= {f"LGSP_{name.upper()}": str(value) for name, value in chosen.items()}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Process(chosen["gateway_port"], process)
    finally:
        process.kill()
        process.communicate()
