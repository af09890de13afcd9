"""One entry, by what somebody says of its origin; its original; and dropping both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.publishing.senders import Sends
from connectors.quarantine.entries import Entry, entries
from connectors.quarantine.marks import Mark, write_mark
from connectors.quarantine.original import Original
from connectors.vault.keeping import forget
from connectors.vault.reading import read_wholes
from schemas.errors import HubError, OriginalGone, VaultError
from schemas.settings import Settings

_SHOWN = 10  # origins that a question in want of more signs is answered with
_NO_ORIGINAL = (
    "No original is kept of this entry: it came by a file, a topic or packets, into the"
    " sandbox, before there was a vault, or when there was no room for it. Have its sender send it"
    " again."
)


class NoSuchEntry(HubError):
    """Nothing in the quarantine has that origin."""


@dataclass(slots=True)
class Matches:
    """Entries of the origins that begin with what was asked for."""

    by_origin: dict[str, Entry] = field(default_factory=dict)  # the newest of each
    times: dict[str, int] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """One more."""
        self.by_origin[entry.origin] = entry
        self.times[entry.origin] = self.times.get(entry.origin, 0) + 1

    def one(self, origin: str) -> Entry:
        """The one that is meant.

        Raises: NoSuchEntry; HubError if there are several
        """
        exact = self.by_origin.get(origin)
        if exact is None and len(self.by_origin) > 1:
            first = ", ".join(list(self.by_origin)[:_SHOWN])
            left = len(self.by_origin) - _SHOWN
            more = f" and {left:,} more" if left > 0 else ""
            raise HubError(
                f"Several refusals begin so: {first}{more}. Say more of the one that is meant."
            )
        if not self.by_origin:
            raise NoSuchEntry(
                "Nothing in the quarantine has that origin: entries go after 14 days. `lgsp"
                " quarantine list` shows what is there."
            )
        return exact or next(iter(self.by_origin.values()))


async def find(settings: Settings, origin: str, client: str | None = None) -> Matches:
    """The entries whose origin begins so; of one client alone, or of all.

    Raises: KafkaUnavailable
    """
    matches = Matches()
    async for entry in entries(settings, client=client):
        if entry.begins(origin):
            matches.add(entry)
    return matches


async def originals(settings: Settings, found: Sequence[Entry]) -> dict[str, Original | VaultError]:
    """The originals of entries by their origins, decrypted, or why one can't be read.

    Raises: KafkaUnavailable, EnvironmentBroken
    """
    refs = [entry.ref for entry in found if entry.ref is not None and entry.state != "dropped"]
    read = await read_wholes(settings, refs, min(entry.at for entry in found)) if refs else {}
    told: dict[str, Original | VaultError] = {}
    for entry in found:
        whole = None if entry.ref is None else read.get(entry.ref)
        if whole is None:
            told[entry.origin] = OriginalGone(_NO_ORIGINAL)
        elif isinstance(whole, VaultError):
            told[entry.origin] = whole
        else:
            try:
                told[entry.origin] = Original.decode(whole)
            except VaultError as error:
                told[entry.origin] = error
    return told


async def original_of(settings: Settings, entry: Entry) -> Original:
    """The original of one entry, decrypted.

    Raises: VaultError, KafkaUnavailable, EnvironmentBroken
    """
    found = (await originals(settings, [entry]))[entry.origin]
    if isinstance(found, VaultError):
        raise found
    return found


async def drop(sender: Sends, settings: Settings, entry: Entry, by: str) -> Mark:
    """Forget an entry and its original; returns once that is on all in-sync replicas.

    Raises: KafkaUnavailable
    """
    if entry.ref is not None:
        await forget(sender, settings, entry.ref)
    mark = Mark(state="dropped", by=by)
    await write_mark(sender, settings, entry.origin, mark)
    return mark
