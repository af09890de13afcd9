"""`lgsp client live`: a client leaves the sandbox, with what it sent there or without.

One change of the register begins it and one ends it; between them the client's requests get 503, so
that nothing is taken in on one side that was to be on the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from connectors.sandbox.moving import Moved, Moving
from ops.access.run import HERE, require_hub
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.spaces import sandbox_of
from serving.access import changes, topic
from serving.access.clients import Client

_VISIBLE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def run_live(settings: Settings, name: str, *, keep: bool, console: Console | None = None) -> int:
    """Make a client live, and say what became of what it sent in the sandbox."""
    require_hub(settings)
    console = console or Console()
    _say(console, f"No conformance run of {name} is known: what it sends was tried by nobody here.")
    if keep:
        moved = asyncio.run(_kept(settings, name, console))
        _say(
            console,
            f"Copied by this run, each once and with its own id: facts of {name}: {moved.facts:,};"
            f" last packets: {moved.packets:,}.",
        )
    else:
        asyncio.run(_dropped(settings, name))
        _say(console, f"What {name} sent in the sandbox stays there until it is forgotten.")
    _say(console, f"{name} is live: within seconds every gateway lets what it sends count.")
    return 0


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


async def _dropped(settings: Settings, name: str) -> None:
    await ensure_topics(settings)
    now = now_ms()
    await topic.change_client(
        settings,
        lambda there: (changes.live(changes.found(there, name), now), None),
        HERE,
        "live, what it sent before dropped",
    )


async def _kept(settings: Settings, name: str, console: Console) -> Moved:
    await ensure_topics(settings)
    await ensure_topics(settings.model_copy(update={"space": sandbox_of(settings.space)}))
    run, now = uuid4().hex, now_ms()
    client, _ = await topic.change_client(
        settings,
        lambda there: (changes.moving(changes.found(there, name), now, run), None),
        HERE,
        "moving out of the sandbox",
    )
    await until_visible(settings, client)
    assert client.move is not None
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"Moving what {name} sent", total=None)
        moving = Moving(
            settings,
            name,
            client.move.since,
            lambda moved: progress.update(bar, completed=moved.looked, total=moved.of),
        )
        moved = await moving.run()
    await topic.change_client(
        settings,
        lambda there: (changes.live(changes.found(there, name), now_ms(), run), None),
        HERE,
        "live, with what it sent before",
    )
    return moved


async def until_visible(settings: Settings, client: Client) -> None:
    """Return once everybody who reads the register finds the change: Kafka says that it is made a
    moment before. What a gateway takes in after that, it tells nobody.

    Raises: KafkaUnavailable
    """
    try:
        async with asyncio.timeout(_VISIBLE_SECONDS):
            while not _is_moved_by(await topic.read_clients(settings), client):  # noqa: ASYNC110 - of Kafka
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise KafkaUnavailable(
            f"The register of clients changes while {client.name} is moved, or Kafka does not show"
            " it: run the same command again, it goes on where it stopped."
        ) from None


def _is_moved_by(there: Mapping[str, Client], client: Client) -> bool:
    found = there.get(client.name)
    return found is not None and found.move == client.move
