"""The vault's keys: erased, by hand or when their days are over, and wrapped anew when the master
key is changed.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from vaults import NAME, NOON, OWNER, Kafka, item, kafka, key_and_plain, masters

from connectors.vault import keeping
from connectors.vault.datakeys import (
    TICK,
    DataKey,
    KnownKeys,
    keys_applied,
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
from connectors.vault.master import MasterKeys, master_path
from connectors.vault.vault import Vault
from schemas.clock import DAY_MS, as_date, numbered_day
from schemas.errors import (
    HubError,
    MasterKeyMissing,
    OriginalGone,
    VaultError,
)
from schemas.settings import Settings
from schemas.topics import VAULT_KEYS

__all__ = ["kafka", "masters"]  # fixtures


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


def test_an_erased_key_stays_erased_whatever_is_written_behind_it() -> None:
    key, _ = key_and_plain()
    records = [
        SimpleNamespace(topic=VAULT_KEYS, offset=at, key=key.id.encode(), value=value)
        for at, value in enumerate([key.value, None, key.value])
    ]
    keys, erased = dict[str, DataKey](), set[str]()
    assert keys_applied(keys, erased, records)
    assert (keys, erased) == ({}, {key.id})


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
    assert finish_rotation(settings, kafka.known).ids == alone.ids
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


async def test_a_rotation_that_was_not_finished_hinders_no_other(
    kafka: Kafka, masters: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Months later somebody takes another master key, since the newest got known."""

    async def read(_: Settings) -> KnownKeys:
        return kafka.known

    monkeypatch.setattr(keeping, "read_known_keys", read)
    (ref,) = await Vault(kafka.settings, lambda: kafka.known).keep(kafka, [item(NAME)])
    second = begin_rotation(kafka.settings, kafka.known)
    monkeypatch.setattr(keeping, "time", SimpleNamespace(time=lambda: float(2**40)))
    assert begin_rotation(kafka.settings, kafka.known).ids == second.ids, "a key needs the old one"
    await rewrap(kafka, kafka.settings, kafka.known.keys.values(), second)
    third = begin_rotation(kafka.settings, kafka.known)
    assert third.newest not in second.ids
    assert third.ids == {third.newest, second.newest}
    await rewrap(kafka, kafka.settings, kafka.known.keys.values(), third)
    assert kafka.read(ref, third) == NAME
