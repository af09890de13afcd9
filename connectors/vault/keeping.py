"""What becomes of data keys: erased, by hand or when the days of their purpose are over, and
wrapped anew when the master key is changed.

A key erased is a tombstone. Kafka takes what stood before it off its disk within the hour, given
that something is written behind it: a tick (`tick`), which says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import date

from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Sends
from connectors.vault.datakeys import TICK, DataKey, KnownKeys
from connectors.vault.master import (
    MasterKeys,
    add_master,
    forget_older_masters,
    master_path,
)
from connectors.vault.reading import read_known_keys
from connectors.vault.sealing import VaultRef
from schemas.clock import DAY_MS, OFFSET_MS
from schemas.errors import HubError
from schemas.settings import Settings
from schemas.topics import VAULT_DAYS, quarantine_marks_topic, vault_keys_topic, vault_topic

_EPOCH = date(1970, 1, 1)
_SETTLE_SECONDS = 60.0  # beyond publish_timeout: a key that a gateway makes is there by then


def chosen_keys(
    known: KnownKeys, agency: str | None, client: str | None, day: date | None
) -> list[DataKey]:
    """The keys of an agency, or a client, or both, of one day or of all."""
    number = None if day is None else (day - _EPOCH).days
    return [
        key
        for key in known.keys.values()
        if agency in (None, key.agency)
        and client in (None, key.client)
        and number in (None, key.day)
    ]


def day_of(key: DataKey) -> date:
    """The day of what it encrypts."""
    return date.fromordinal(_EPOCH.toordinal() + key.day)


def over(known: KnownKeys, now: int) -> list[DataKey]:
    """The keys whose purpose's days are over at an instant (epoch ms)."""
    return [key for key in known.keys.values() if now >= ends_at(key)]


def ends_at(key: DataKey) -> int:
    """When its purpose's days are over (epoch ms)."""
    end_of_day = (key.day + 1) * DAY_MS - OFFSET_MS
    return end_of_day + VAULT_DAYS[key.purpose] * DAY_MS


async def erase(sender: Sends, settings: Settings, keys: Iterable[DataKey]) -> None:
    """Erase keys; returns once that is on all in-sync replicas: from then on nobody reads what they
    encrypted.

    Raises: KafkaUnavailable
    """
    topic = vault_keys_topic(settings.space)
    await sender.send([OutgoingRecord(topic, key.id.encode(), None, []) for key in keys])


async def forget(sender: Sends, settings: Settings, ref: VaultRef) -> None:
    """Forget one thing; returns once that is on all in-sync replicas.

    Raises: KafkaUnavailable
    """
    topic = vault_topic(settings.space)
    await sender.send([OutgoingRecord(topic, key, None, []) for key in ref.keys])


async def tick(sender: Sends, settings: Settings, now: int) -> None:
    """Let Kafka's segments get on, so that what was erased or dropped goes from the disk.

    Raises: KafkaUnavailable
    """
    space = settings.space
    topics = (vault_keys_topic(space), vault_topic(space), quarantine_marks_topic(space))
    await sender.send([OutgoingRecord(topic, TICK, str(now).encode(), []) for topic in topics])


async def rewrap(
    sender: Sends, settings: Settings, keys: Iterable[DataKey], masters: MasterKeys
) -> int:
    """Wrap keys by the newest master key that others wrapped; how many those were.

    One that somebody erases at this moment is erased again, so that it does not come back.
    Raises: MasterKeyMissing, VaultDamaged; then none was. KafkaUnavailable
    """
    topic = vault_keys_topic(settings.space)
    fresh = [key.rewrapped(masters, topic) for key in keys if key.master != masters.newest]
    await sender.send([OutgoingRecord(topic, key.id.encode(), key.value, []) for key in fresh])
    erased = (await read_known_keys(settings)).erased
    await erase(sender, settings, [key for key in fresh if key.id in erased])
    return len(fresh)


def require_readable(keys: Sequence[DataKey], masters: MasterKeys, settings: Settings) -> None:
    """That this machine's master keys unwrap every key, before anything is changed.

    Raises: MasterKeyMissing, VaultDamaged
    """
    for key in keys:
        key.plain(masters, vault_keys_topic(settings.space))


def begin_rotation(settings: Settings, known: KnownKeys) -> MasterKeys:
    """Put a new master key into the file; where one was put there a moment ago, or a data key
    needs the older one still, that rotation goes on.

    Raises: MasterKeyMissing, VaultDamaged, EnvironmentBroken, OSError
    """
    masters = MasterKeys.of(settings)
    require_readable([*known.keys.values()], masters, settings)
    if len(masters.keys) > 1 and (_unsettled(settings) > 0 or _needs_older(known, masters)):
        return masters
    return add_master(settings)


def finish_rotation(settings: Settings, known: KnownKeys) -> MasterKeys:
    """Take the old master key out of the file, once no data key needs it.

    Raises: HubError where it was changed a moment ago, or a key needs the old one still
    """
    masters = MasterKeys.of(settings)
    if len(masters.keys) > 1 and (left := _unsettled(settings)) > 0:
        raise HubError(
            "The master key was changed a moment ago, and a gateway may be using the old one yet:"
            f" do this again {left:.0f} s from now."
        )
    require_readable([*known.keys.values()], masters, settings)
    if _needs_older(known, masters):
        raise HubError(
            "Data keys are wrapped by the old master key still: `lgsp vault rotate` once more, then"
            " this again."
        )
    return forget_older_masters(settings)


def _unsettled(settings: Settings) -> float:
    """Seconds until every gateway of this machine uses the file as it is now."""
    changed = master_path(settings).stat().st_mtime
    return changed + settings.publish_timeout + _SETTLE_SECONDS - time.time()


def _needs_older(known: KnownKeys, masters: MasterKeys) -> bool:
    return any(key.master != masters.newest for key in known.keys.values())
