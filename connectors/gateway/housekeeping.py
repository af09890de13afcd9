"""What a gateway does for vault and quarantine beside its requests: keys whose days are over are
erased, and it is looked how long entries wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from connectors.gateway.health import Health
from connectors.publishing.senders import Sends
from connectors.quarantine.apart import read_apart
from connectors.quarantine.entries import entries
from connectors.vault.datakeys import KnownKeys
from connectors.vault.keeping import erase, over, tick
from schemas.clock import now_ms
from schemas.errors import HubError
from schemas.settings import Settings
from serving.logs import REPEATS

log = logging.getLogger(__name__)

EVERY_SECONDS, AGAIN_SECONDS = 600.0, 30.0
_REST = 50  # times as long as reading the quarantine took, at least


async def keep_house(
    settings: Settings, publisher: Sends, health: Health, known: Callable[[], KnownKeys | None]
) -> None:
    """Do so until cancelled; what fails, or can't be done yet, is done again soon."""
    while True:
        began = time.monotonic()
        done = [
            await _tried(lambda: look_after_keys(settings, publisher, known())),
            await _tried(lambda: look_at_entries(settings, health)),
        ]
        took = time.monotonic() - began
        pause = EVERY_SECONDS if all(done) and known() is not None else AGAIN_SECONDS
        await asyncio.sleep(max(pause, took * _REST))


async def look_after_keys(settings: Settings, publisher: Sends, known: KnownKeys | None) -> None:
    """Erase the keys whose days are over, and let Kafka take off its disk what was erased.

    Raises: KafkaUnavailable
    """
    now = now_ms()
    expired = [] if known is None else over(known, now)
    await erase(publisher, settings, expired)
    await tick(publisher, settings, now)
    if expired:
        log.info(
            "%d keys of the vault are erased: the days of what they are for are over.", len(expired)
        )


async def look_at_entries(settings: Settings, health: Health) -> None:
    """Note how many refusals of this hub's doors wait that have an original, and since when.

    Raises: KafkaUnavailable
    """
    waiting, oldest = await read_apart(settings, lambda: _waiting(settings))
    health.waiting(waiting, oldest)


async def _waiting(settings: Settings) -> tuple[int, int | None]:
    """How many wait, and since when the oldest does (epoch ms)."""
    newest: dict[str, int] = {}
    async for entry in entries(settings):
        if entry.ref is not None and entry.state == "waiting":
            newest[entry.origin] = entry.at
    return len(newest), min(newest.values(), default=None)


async def _tried(work: Callable[[], Awaitable[None]]) -> bool:
    """Whether it was done."""
    try:
        await work()
    except (HubError, KafkaError, OSError) as error:
        log.warning("Vault and quarantine are looked after later: %s", error, extra=REPEATS)
    except Exception:  # nobody awaits this task before the end
        log.exception("Vault and quarantine are looked after later, for an unforeseen reason")
    else:
        return True
    return False
