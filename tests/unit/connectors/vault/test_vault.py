"""The vault: what is kept in it is read by who has the master key, as it was written, where it was
written, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.publishing.lanes import OutgoingRecord
from connectors.vault import keeping
from connectors.vault.datakeys import (
    TICK,
    UNKNOWN,
    DataKey,
    KnownKeys,
    VaultOwner,
    keys_applied,
    new_data_key,
)
from connectors.vault.keeping import (
    begin_rotation,
    chosen_keys,
    day_of,
    ends_at,
    erase,
    finish_rotation,
    over,
    rewrap,
    tick,
)
from connectors.vault.master import VAULT_KEY_FILE, MasterKeys, master_path
from connectors.vault.sealing import CHUNK_BYTES, VaultRef, data_key_id, opened, sealed, sealed_size
from connectors.vault.vault import MOST_AGENCIES, Vault, VaultItem
from schemas.clock import DAY_MS, as_date, numbered_day
from schemas.errors import (
    EnvironmentBroken,
    HubError,
    MasterKeyMissing,
    OriginalGone,
    VaultDamaged,
    VaultError,
)
from schemas.settings import Settings
from schemas.topics import FACT_BYTES, VAULT, VAULT_KEYS

NOON = 1_764_478_800_000  # 2025-11-30, noon in Viet Nam
OWNER = VaultOwner.at("quarantine", "SAMPLE.A", "shop", NOON)
MASTERS = MasterKeys([b"m" * 32])
NAME = "Nguyễn Thị Mẫu".encode()


class Kafka:
    """Stands for the publisher and the two topics."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.records: list[Any] = []

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        self.records += [
            SimpleNamespace(topic=one.topic, offset=0, key=one.key, value=one.value)
            for one in records
        ]

    def of(self, topic: str) -> dict[bytes, bytes]:
        """What stands there after compaction."""
        found = {one.key: one.value for one in self.records if one.topic == topic}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def known(self) -> KnownKeys:
        keys, erased = dict[str, DataKey](), set[str]()
        keys_applied(keys, erased, [one for one in self.records if one.topic == VAULT_KEYS])
        return KnownKeys(keys, erased)

    def read(self, ref: VaultRef, masters: MasterKeys) -> bytes:
        """As connectors/vault/reading.py does."""
        records = self.of(VAULT)
        key = self.known.keys.get(data_key_id(records[ref.keys[0]]))
        if key is None:
            raise OriginalGone("its key is gone")
        return opened(ref, records, key, key.plain(masters, VAULT_KEYS), VAULT)


@pytest.fixture
def kafka(tmp_path: Path) -> Kafka:
    return Kafka(Settings(data=tmp_path))


@pytest.fixture
def masters(kafka: Kafka) -> MasterKeys:
    return MasterKeys.of(kafka.settings)


def key_and_plain(owner: VaultOwner = OWNER) -> tuple[DataKey, bytes]:
    key = new_data_key(owner, MASTERS, VAULT_KEYS, NOON)
    return key, key.plain(MASTERS, VAULT_KEYS)


def item(whole: bytes, **chosen: Any) -> VaultItem:
    return VaultItem(OWNER._replace(**chosen), whole)


# ---- a thing in its records


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(-1, 1))
def test_a_thing_comes_back_as_it_was_in_chunks_that_fit_their_topic(
    some: bytes, chunks: int, more: int
) -> None:
    whole = (some or b"x") * (chunks * CHUNK_BYTES // len(some or b"x"))
    whole = (whole + b"\0" * CHUNK_BYTES)[: max(0, chunks * CHUNK_BYTES + more)]
    key, plain = key_and_plain()
    ref = VaultRef.of(len(whole))
    records = dict(sealed(whole, ref, key, plain, VAULT))
    assert [*records] == ref.keys
    assert max(map(len, records.values())) + 1_000 < FACT_BYTES
    assert sum(len(one) + len(value) for one, value in records.items()) <= sealed_size(whole)
    assert opened(ref, records, key, plain, VAULT) == whole
    assert VaultRef.parse(str(ref)) == ref


@pytest.mark.parametrize("text", ["", "x", "a/b", f"{'a' * 32}/0", f"{'a' * 32}/-1", "a" * 32])
def test_what_names_nothing_is_no_name(text: str) -> None:
    assert VaultRef.parse(text) is None


WHOLE = NAME * (2 * CHUNK_BYTES // len(NAME))


@given(st.data())
def test_a_record_that_was_changed_anywhere_is_not_read(data: st.DataObject) -> None:
    key, plain = key_and_plain()
    ref = VaultRef.of(len(NAME))
    ((name, value),) = sealed(NAME, ref, key, plain, VAULT)
    place = data.draw(st.integers(0, len(value) - 1))
    changed = bytearray(value)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultDamaged):
        opened(ref, {name: bytes(changed)}, key, plain, VAULT)
    with pytest.raises(VaultDamaged):
        opened(ref, {name: value[:place]}, key, plain, VAULT)


def test_a_record_that_was_moved_is_not_read() -> None:
    """To another topic, another thing, another place among the chunks; a chunk too few is told."""
    key, plain = key_and_plain()
    ref = VaultRef.of(len(WHOLE))
    records = dict(sealed(WHOLE, ref, key, plain, VAULT))
    first, second, *_ = ref.keys
    other = VaultRef.of(len(WHOLE))
    shorter = ref._replace(chunks=ref.chunks - 1)
    moved = [
        (ref, records, "simulated." + VAULT),
        (other, dict(zip(other.keys, records.values(), strict=True)), VAULT),
        (ref, records | {first: records[second], second: records[first]}, VAULT),
        (shorter, dict(zip(shorter.keys, records.values(), strict=False)), VAULT),
    ]
    for where, found, topic in moved:
        with pytest.raises(VaultDamaged):
            opened(where, found, key, plain, topic)
    with pytest.raises(OriginalGone):
        opened(ref, {first: records[first]}, key, plain, VAULT)


@pytest.mark.parametrize(
    "other", [OWNER._replace(agency="B"), OWNER._replace(client="b"), OWNER._replace(day=1)]
)
def test_a_thing_is_read_as_nobody_elses_and_of_no_other_day(other: VaultOwner) -> None:
    key, plain = key_and_plain()
    ref = VaultRef.of(len(NAME))
    records = dict(sealed(NAME, ref, key, plain, VAULT))
    theirs = DataKey(
        **{**{name: getattr(key, name) for name in key.__struct_fields__}}
        | {"agency": other.agency, "client": other.client, "day": other.day}
    )
    with pytest.raises(VaultDamaged):
        opened(ref, records, theirs, plain, VAULT)
    with pytest.raises(VaultDamaged):
        theirs.plain(MASTERS, VAULT_KEYS)


def test_another_master_key_reads_nothing_and_says_which_is_missing() -> None:
    key, _ = key_and_plain()
    with pytest.raises(MasterKeyMissing, match=MASTERS.newest):
        key.plain(MasterKeys([b"n" * 32]), VAULT_KEYS)
    with pytest.raises(VaultDamaged):
        key.plain(MASTERS, "simulated." + VAULT_KEYS)
    with pytest.raises(VaultDamaged):
        MasterKeys([b"n" * 32]).unwrap(MasterKeys([b"n" * 32]).newest, key.wrapped, b"")


# ---- the file of the master key


def test_the_master_key_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    masters = MasterKeys.of(settings)
    path = tmp_path / VAULT_KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert MasterKeys.of(settings).ids == masters.ids
    path.chmod(0o640)
    with pytest.raises(EnvironmentBroken, match=r"chmod 600 .*lgsp vault rotate"):
        MasterKeys.of(settings)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(EnvironmentBroken, match="LGSP_VAULT_KEY_FILE"):
        MasterKeys.of(settings)


def test_another_file_can_be_named(tmp_path: Path) -> None:
    named = tmp_path / "elsewhere" / "key"
    MasterKeys.of(Settings(data=tmp_path, vault_key_file=named))
    assert named.stat().st_size == 32
    assert not (tmp_path / VAULT_KEY_FILE).exists()


# ---- writing


async def test_what_is_kept_is_in_clear_nowhere_and_comes_back(
    kafka: Kafka, masters: MasterKeys
) -> None:
    vault = Vault(kafka.settings, lambda: kafka.known)
    wholes = [NAME, b"", WHOLE, NAME]
    refs = await vault.keep(kafka, [item(whole) for whole in wholes])
    assert [kafka.read(ref, masters) for ref in refs] == wholes
    assert len(kafka.known.keys) == 1, "one key for an owner's day"
    for one in kafka.records:
        assert NAME not in one.value
    assert (len({*refs}), len(kafka.of(VAULT))) == (4, 5)


async def test_each_agency_client_and_day_has_a_key_of_its_own(kafka: Kafka) -> None:
    vault = Vault(kafka.settings, lambda: kafka.known)
    others = [item(NAME), item(NAME, agency="B"), item(NAME, client="b"), item(NAME, day=1)]
    await vault.keep(kafka, others)
    await vault.keep(kafka, others)
    assert {key.owner for key in kafka.known.keys.values()} == {one.owner for one in others}
    assert len(kafka.known.keys) == 4
    assert VaultOwner.at("quarantine", "", "", NOON)[1:3] == (UNKNOWN, UNKNOWN)


async def test_a_key_that_another_gateway_made_is_used_unless_its_master_key_is_unknown(
    kafka: Kafka, tmp_path: Path
) -> None:
    first = Vault(kafka.settings, lambda: kafka.known)
    await first.keep(kafka, [item(NAME)])
    await Vault(kafka.settings, lambda: kafka.known).keep(kafka, [item(NAME)])
    assert len(kafka.known.keys) == 1
    elsewhere = kafka.settings.model_copy(update={"data": tmp_path / "elsewhere"})
    (ref,) = await Vault(elsewhere, lambda: kafka.known).keep(kafka, [item(NAME)])
    assert len(kafka.known.keys) == 2
    assert kafka.read(ref, MasterKeys.of(elsewhere)) == NAME


@pytest.mark.parametrize("seen", [True, False])
async def test_a_key_that_was_erased_is_used_no_more(
    kafka: Kafka, masters: MasterKeys, seen: bool
) -> None:
    """Whether this process had seen it in Kafka before or not."""
    known = [KnownKeys()]
    vault = Vault(kafka.settings, lambda: known[0])
    (before,) = await vault.keep(kafka, [item(NAME)])
    if seen:
        known[0] = kafka.known
        await vault.keep(kafka, [item(NAME)])
    await erase(kafka, kafka.settings, kafka.known.keys.values())
    known[0] = kafka.known
    (after,) = await vault.keep(kafka, [item(NAME)])
    assert kafka.read(after, masters) == NAME
    with pytest.raises(OriginalGone):
        kafka.read(before, masters)


async def test_who_makes_codes_up_makes_only_so_many_keys(kafka: Kafka) -> None:
    vault = Vault(kafka.settings, lambda: kafka.known)
    await vault.keep(kafka, [item(b"", agency=f"M.{one}") for one in range(MOST_AGENCIES + 9)])
    assert len(kafka.known.keys) == MOST_AGENCIES + 1
    assert any(key.agency == UNKNOWN for key in kafka.known.keys.values())
    await vault.keep(kafka, [item(b"", client="b")])
    assert len(kafka.known.keys) == MOST_AGENCIES + 2, "another client is not held up"


# ---- erasing, retention, rotation


async def test_a_day_erased_is_a_day_forgotten(kafka: Kafka, masters: MasterKeys) -> None:
    vault = Vault(kafka.settings, lambda: kafka.known)
    kept = [
        item(NAME),
        item(NAME, day=OWNER.day - 1),
        item(NAME, agency="B"),
        item(NAME, client="b"),
    ]
    refs = await vault.keep(kafka, kept)
    day = as_date(numbered_day(OWNER.day))
    assert {day_of(key) for key in kafka.known.of(OWNER)} == {day}
    chosen = chosen_keys(kafka.known, "SAMPLE.A", "shop", day)
    assert [key.owner for key in chosen] == [OWNER]
    assert len(chosen_keys(kafka.known, None, "b", None)) == 1
    await erase(kafka, kafka.settings, chosen)
    with pytest.raises(OriginalGone):
        kafka.read(refs[0], masters)
    assert [kafka.read(ref, masters) for ref in refs[1:]] == [NAME] * 3


def test_keys_go_when_the_days_of_their_purpose_are_over() -> None:
    key, _ = key_and_plain()
    midnight = NOON + DAY_MS // 2
    assert ends_at(key) == midnight + 14 * DAY_MS
    known = KnownKeys({key.id: key})
    assert over(known, ends_at(key) - 1) == []
    assert over(known, ends_at(key)) == [key]


async def test_what_was_erased_comes_back_by_no_later_record(
    kafka: Kafka, masters: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody erases a key while the master key is changed."""

    async def read(_: Settings) -> KnownKeys:
        return kafka.known

    monkeypatch.setattr(keeping, "read_known_keys", read)
    (ref,) = await Vault(kafka.settings, lambda: kafka.known).keep(kafka, [item(NAME)])
    before = kafka.known
    newer = begin_rotation(kafka.settings, before)
    await erase(kafka, kafka.settings, before.keys.values())
    assert await rewrap(kafka, kafka.settings, before.keys.values(), newer) == 1
    assert not kafka.of(VAULT_KEYS), "nor after Kafka took what was outdated away"
    with pytest.raises(OriginalGone):
        kafka.read(ref, newer)


async def test_a_changed_master_key_reads_what_is_old_and_the_old_one_nothing_new(
    kafka: Kafka, masters: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(_: Settings) -> KnownKeys:
        return kafka.known

    monkeypatch.setattr(keeping, "read_known_keys", read)
    settings = kafka.settings
    vault = Vault(settings, lambda: kafka.known)
    (old,) = await vault.keep(kafka, [item(NAME)])
    newer = begin_rotation(settings, kafka.known)
    assert newer.newest != masters.newest
    assert begin_rotation(settings, kafka.known).ids == newer.ids, "interrupted, it goes on"
    (between,) = await vault.keep(kafka, [item(NAME, day=OWNER.day + 1)])
    assert await rewrap(kafka, settings, kafka.known.keys.values(), newer) == 1
    with pytest.raises(HubError, match="a gateway may be using the old one"):
        finish_rotation(settings, kafka.known)
    monkeypatch.setattr(
        keeping, "time", SimpleNamespace(time=lambda: master_path(settings).stat().st_mtime + 999)
    )
    alone = finish_rotation(settings, kafka.known)
    assert alone.ids == {newer.newest}
    assert master_path(settings).stat().st_mode & 0o777 == 0o600
    (after,) = await vault.keep(kafka, [item(NAME)])
    for ref in (old, between, after):
        assert kafka.read(ref, alone) == NAME
        with pytest.raises(VaultError):
            kafka.read(ref, masters)


async def test_the_old_master_key_stays_while_a_key_needs_it(
    kafka: Kafka, masters: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Vault(kafka.settings).keep(kafka, [item(NAME)])
    begin_rotation(kafka.settings, kafka.known)
    monkeypatch.setattr(keeping, "time", SimpleNamespace(time=lambda: float(2**40)))
    with pytest.raises(HubError, match="once more"):
        finish_rotation(kafka.settings, kafka.known)
    assert masters.newest in MasterKeys.of(kafka.settings).ids


async def test_nothing_is_changed_where_a_key_can_not_be_unwrapped(
    kafka: Kafka, tmp_path: Path
) -> None:
    elsewhere = kafka.settings.model_copy(update={"data": tmp_path / "elsewhere"})
    await Vault(elsewhere).keep(kafka, [item(NAME)])
    masters = MasterKeys.of(kafka.settings)
    with pytest.raises(MasterKeyMissing):
        begin_rotation(kafka.settings, kafka.known)
    assert MasterKeys.of(kafka.settings).ids == masters.ids


async def test_a_tick_says_nothing(kafka: Kafka) -> None:
    await tick(kafka, kafka.settings, NOON)
    assert {one.key for one in kafka.records} == {TICK}
    assert kafka.known.keys == {}


def test_a_record_that_is_no_key_takes_no_other_along(caplog: pytest.LogCaptureFixture) -> None:
    key, _ = key_and_plain()
    records = [
        SimpleNamespace(topic=VAULT_KEYS, offset=at, key=name, value=value)
        for at, (name, value) in enumerate(
            [(b"x", b"{"), (b"\xff", key.value), (key.id.encode(), key.value), (None, b"x")]
        )
    ]
    keys, erased = dict[str, DataKey](), set[str]()
    keys_applied(keys, erased, records)
    assert keys == {key.id: key}
    assert len(caplog.messages) == 2
