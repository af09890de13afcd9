"""Where `lgsp` begins: to import what the command line needs takes most of a second, and whoever
presses Ctrl-C meanwhile is answered as later.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130  # as shells end after Ctrl-C
SENTENCE = "Interrupted. The same command can be run again at any time."


def main() -> None:
    """The console script."""
    # where somebody ignores Ctrl-C (nohup, a job in the background), it stays ignored
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)
    from ops.cli import main as command_line

    if signal.getsignal(signal.SIGINT) is _end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line()


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Nothing was begun yet. An exception could be lost in a module that is half imported."""
    os.write(2, f"{SENTENCE}\n".encode())
    os._exit(INTERRUPTED)
