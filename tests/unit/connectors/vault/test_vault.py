"""The vault: what is kept in it is read by who has the master key, as it was written, where it was
written, and by nobody else.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaults import MASTERS, NAME, NOON, OWNER, Kafka, item, kafka, key_and_plain, masters

from connectors.vault.datakeys import (
    UNKNOWN,
    DataKey,
    KnownKeys,
    VaultOwner,
)
from connectors.vault.keeping import (
    erase,
)
from connectors.vault.master import VAULT_KEY_FILE, MasterKeys
from connectors.vault.sealing import CHUNK_BYTES, VaultRef, opened, sealed, sealed_size
from connectors.vault.vault import MOST_AGENCIES, Vault
from schemas.errors import (
    EnvironmentBroken,
    MasterKeyMissing,
    OriginalGone,
    VaultDamaged,
)
from schemas.settings import Settings
from schemas.topics import FACT_BYTES, VAULT, VAULT_KEYS

__all__ = ["kafka", "masters"]  # fixtures

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
