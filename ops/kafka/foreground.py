"""`lgsp kafka`: the embedded broker in the foreground."""

from __future__ import annotations

import contextlib
import signal
import time
from types import FrameType
from typing import NoReturn

from rich.console import Console

from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.storage import lack_of_room
from ops.logfiles import rotate
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.listening import open_to_others
from schemas.pauses import Pauses
from schemas.settings import Settings
from serving import logs

_ROTATE_SECONDS = 5.0


def run_kafka(settings: Settings) -> int:
    """Until Ctrl-C or SIGTERM; the exit code. While the disk is full it waits for room.

    Raises: EnvironmentBroken as `EmbeddedKafka.start` does, and if the broker ends by itself.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    logs.set_up(settings, "kafka", aiokafka="CRITICAL")  # that it doesn't answer at once is no news
    if warning := open_to_others("Kafka", settings.kafka_host, "LGSP_KAFKA_HOST"):
        Console(stderr=True).print(warning, soft_wrap=True, markup=False)
    kafka, pauses, waiting = EmbeddedKafka.of(settings), Pauses(), False
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            try:
                with kafka:
                    pauses.succeeded()
                    waiting = False
                    until_ended(kafka)
            except StorageTrouble as full:
                if not waiting:  # said once
                    _say(str(full))
                waiting = True
                time.sleep(pauses.next())
    return 0


def until_ended(kafka: EmbeddedKafka) -> NoReturn:
    """Raises: StorageTrouble if it ended for want of room, else EnvironmentBroken."""
    _say(f"Kafka listens on {kafka.bootstrap}, its data is in {kafka.data}. Ctrl-C stops it.")
    while (code := kafka.wait(_ROTATE_SECONDS)) is None:
        rotate(kafka.output)
    ended = EnvironmentBroken(
        f"Kafka ended by itself (exit code {code}): see {kafka.server_log}, then start it again."
    )
    raise kafka.full or lack_of_room(kafka.data) or ended  # by now there may be room again


def _say(sentence: str) -> None:
    Console().print(sentence, soft_wrap=True, markup=False)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
