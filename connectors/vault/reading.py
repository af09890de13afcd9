"""Reading what is kept whole: the data keys by their topic, and a thing by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from aiokafka import TopicPartition

from connectors.vault.datakeys import DataKey, KnownKeys, keys_applied
from connectors.vault.master import MasterKeys
from connectors.vault.sealing import VaultRef, data_key_id, gone, opened
from schemas.errors import OriginalGone, VaultError
from schemas.kafka.clients import reading
from schemas.kafka.reading import read_between, read_to_end
from schemas.settings import Settings
from schemas.topics import vault_keys_topic, vault_topic

_CLOCKS_MS = 60_000  # that brokers' clocks may differ


async def read_known_keys(settings: Settings) -> KnownKeys:
    """Every data key that there is at this moment.

    Raises: KafkaUnavailable
    """
    keys, erased = dict[str, DataKey](), set[str]()
    partition = TopicPartition(vault_keys_topic(settings.space), 0)
    async with reading(settings) as reader:
        reader.assign([partition])
        async for _, records in read_to_end(reader, partition):
            keys_applied(keys, erased, records)
    return KnownKeys(keys, erased)


async def read_whole(settings: Settings, ref: VaultRef, at: int) -> bytes:
    """A thing of the vault, decrypted; `at` is when it was noted elsewhere that it is there (epoch
    ms by the broker's clock), at once after it came.

    Raises: OriginalGone, MasterKeyMissing, VaultDamaged, KafkaUnavailable
    """
    found = (await read_wholes(settings, [ref], at))[ref]
    if isinstance(found, VaultError):
        raise found
    return found


async def read_wholes(
    settings: Settings, refs: Sequence[VaultRef], at: int
) -> dict[VaultRef, bytes | VaultError]:
    """Likewise several, read at once; of each the thing, or why it can't be read. `at` is the
    earliest.

    Raises: KafkaUnavailable, EnvironmentBroken
    """
    records = await _records(settings, {name for ref in refs for name in ref.keys}, at)
    known, masters = await read_known_keys(settings), MasterKeys.of(settings)
    return {ref: _opened(settings, ref, records, known, masters) for ref in refs}


def _opened(
    settings: Settings,
    ref: VaultRef,
    records: Mapping[bytes, bytes],
    known: KnownKeys,
    masters: MasterKeys,
) -> bytes | VaultError:
    first = records.get(ref.keys[0])
    try:
        key = None if first is None else known.keys.get(data_key_id(first))
        if key is None:
            return OriginalGone(gone(ref))
        plain = key.plain(masters, vault_keys_topic(settings.space))
        return opened(ref, records, key, plain, vault_topic(settings.space))
    except VaultError as error:
        return error


async def _records(settings: Settings, wanted: Set[bytes], at: int) -> dict[bytes, bytes]:
    """The values of records, by their keys; looked for from where they should be.

    Up to the end in any case: a tombstone may stand behind them that Kafka did not act on yet.
    """
    partition = TopicPartition(vault_topic(settings.space), 0)
    found = dict[bytes, bytes]()
    early = max(0, at - int(settings.publish_timeout * 1000) - _CLOCKS_MS)
    async with reading(settings) as reader:
        beginning = (await reader.beginning_offsets([partition]))[partition]
        end = (await reader.end_offsets([partition]))[partition]
        place = (await reader.offsets_for_times({partition: early}))[partition]
        start = end if place is None else place.offset
        for first, last in ((start, end), (beginning, start)):
            if first < last and found.keys() != wanted:
                earlier = dict[bytes, bytes]()
                async for records in read_between(reader, partition, first, last):
                    earlier |= {one.key: one.value or b"" for one in records if one.key in wanted}
                found = earlier | found
    return {key: value for key, value in found.items() if value}
