"""What is done with refusals on the hub's machine, without HTTP: their originals are shown, sent
again through the gateway's own door, or dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import click

from connectors.gateway.health import Health
from connectors.gateway.refusals import RefusalKeeper
from connectors.gateway.replay import Replay
from connectors.publishing.publisher import Publisher
from connectors.quarantine.entries import Entry
from connectors.quarantine.finding import drop, find, original_of, originals
from connectors.quarantine.marks import THIS_MACHINE, Mark
from connectors.quarantine.original import Original
from connectors.vault.reading import read_known_keys
from connectors.vault.vault import Vault
from schemas.errors import HubError, KafkaUnavailable, VaultError
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from serving.access.errors import NotAllowed
from serving.access.register import ClientRegister, RegisterFeed
from serving.access.rights import rights_now
from serving.directory.directory import Directory
from serving.directory.feed import DirectoryFeed

MOST_AT_ONCE = 1_000  # entries of one command: their originals are in memory together
_LOOK_SECONDS, _LOOKS = 0.1, 600


def run_original(settings: Settings, origin: str) -> int:
    """Print the original of a refusal, as it came. The only way by which one is told."""
    original = asyncio.run(_original(settings, origin))
    for name, value in original.headers:
        click.echo(f"{name}: {value}")
    click.echo()
    click.echo(original.body)
    return 0


async def _original(settings: Settings, origin: str) -> Original:
    await ensure_topics(settings)
    return await original_of(settings, (await find(settings, origin)).one(origin))


def run_replay(settings: Settings, origins: Sequence[str], *, every: bool) -> int:
    """Send refusals again; exit code 0 if all of them were taken in, 3 if some wait on."""
    marks = asyncio.run(_replay(settings, origins, every=every))
    for origin, mark in marks.items():
        done = "is taken in" if mark.status == 202 else f"answered {mark.status}: {mark.said}"
        click.echo(f"{origin} {done}")
    waiting = sum(mark.state == "waiting" for mark in marks.values())
    click.echo(f"{len(marks):,} sent again, of which {waiting:,} wait on.")
    return 3 if waiting else 0


async def _replay(settings: Settings, origins: Sequence[str], *, every: bool) -> dict[str, Mark]:
    await ensure_topics(settings)
    found = await _chosen(settings, origins, every=every)
    if dropped := [entry.origin for entry in found if entry.state == "dropped"]:
        raise HubError(f"{dropped[0]} was dropped: its original is gone. Nothing was sent.")
    read = await originals(settings, found)
    marks: dict[str, Mark] = {}
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(settings))
        known = await read_known_keys(settings)
        health = Health()
        keeper = RefusalKeeper(settings, publisher, health, Vault(settings, lambda: known))
        replay = Replay(settings, publisher, health, keeper)
        register: ClientRegister | None = None
        directory: Directory | None = None
        if any(entry.client for entry in found):
            register, directory = await stack.enter_async_context(_rights(settings))
        for entry in found:
            original = read[entry.origin]
            if isinstance(original, VaultError):
                marks[entry.origin] = Mark(state="waiting", by=THIS_MACHINE, said=str(original))
                continue
            try:
                rights = rights_now(entry.client, settings.access, register, lambda: directory)
                marks[entry.origin] = await replay.send(entry, original, rights, THIS_MACHINE)
            except NotAllowed as error:
                marks[entry.origin] = Mark(
                    state="waiting", by=THIS_MACHINE, status=403, said=str(error)
                )
    return marks


@asynccontextmanager
async def _rights(settings: Settings) -> AsyncIterator[tuple[ClientRegister | None, Directory]]:
    """The register and the directory as they are now.

    Raises: KafkaUnavailable; what reading them can't mend
    """
    register, directory = RegisterFeed(settings), DirectoryFeed(settings)
    feeds = (register, directory)
    for feed in feeds:
        feed.start()
    try:
        for _ in range(_LOOKS):
            if failure := register.failure or directory.failure:
                raise failure
            if register.register is not None and directory.progress.ready:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            raise KafkaUnavailable(
                "The register of clients and the directory of agencies can't be read in time:"
                " nothing was sent, do it again later."
            )
        yield register.register, directory.directory
    finally:
        for feed in feeds:
            await asyncio.to_thread(feed.stop)


def run_drop(settings: Settings, origins: Sequence[str], *, every: bool) -> int:
    """Forget refusals and their originals."""
    dropped = asyncio.run(_drop(settings, origins, every=every))
    for origin in dropped:
        click.echo(f"{origin} is dropped.")
    click.echo(
        f"{len(dropped):,} dropped. Nobody can read their originals any more; they go from Kafka's"
        " disk within the hour while a gateway runs."
    )
    return 0


async def _drop(settings: Settings, origins: Sequence[str], *, every: bool) -> list[str]:
    await ensure_topics(settings)
    found = await _chosen(settings, origins, every=every)
    async with Publisher(settings) as publisher:
        for entry in found:
            await drop(publisher, settings, entry, THIS_MACHINE)
    return [entry.origin for entry in found]


async def _chosen(settings: Settings, origins: Sequence[str], *, every: bool) -> list[Entry]:
    """The entries that are meant: one for each origin that was said, or with `every` all that begin
    so and wait.

    Raises: HubError
    """
    chosen: dict[str, Entry] = {}
    for origin in origins:
        matches = await find(settings, origin)
        if not every or not matches.by_origin:
            entry = matches.one(origin)
            chosen[entry.origin] = entry
        else:
            chosen |= {
                name: entry for name, entry in matches.by_origin.items() if entry.state == "waiting"
            }
    if len(chosen) > MOST_AT_ONCE:
        raise HubError(
            f"These are {len(chosen):,} entries, and one command takes {MOST_AT_ONCE:,}: say more"
            " of their origins."
        )
    return [*chosen.values()]
