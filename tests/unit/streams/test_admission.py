"""Which records may count: keys that no connector wrote, and partitions that are not theirs."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as reference
from facts import Record, record, told
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioner import murmur2, partition_of
from schemas.wire import encode
from streams.admission import Home, strange
from streams.families import FAMILIES
from streams.family_state import FamilyState

FACT = told("dossier.received", "11-03 09:00")
PARTITIONS = 4
AT_HOME = Home(partition_of(b"thing", PARTITIONS), PARTITIONS)
ELSEWHERE = Home((AT_HOME.partition + 1) % PARTITIONS, PARTITIONS)


@given(st.binary(max_size=200))
def test_keys_go_where_every_kafka_client_sends_them(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF
    assert partition_of(key, 7) == (reference(key) & 0x7FFFFFFF) % 7


@pytest.mark.parametrize(
    "key", [b"thing", "Hồ sơ 77/2026".encode(), b"H35.SAMPLE-260106-000023", " vừa-đủ".encode()]
)
def test_ids_that_connectors_let_in_are_not_strange(key: bytes) -> None:
    assert strange(key, None) is None


@pytest.mark.parametrize(
    "key",
    [
        b"a|b",
        b"\xff\xfe",
        b"a\x00b",
        "a\u0085b".encode(),
        "a\u202eb".encode(),
        "a\u2066b".encode(),
        b"x" * 129,
    ],
)
def test_keys_that_no_connector_lets_in_are_refused_by_name(key: bytes) -> None:
    """Bars, bytes that are no text, control characters (C1 too), marks that change the direction of
    writing, endless ones.
    """
    changes = FamilyState(FAMILIES["dossiers"]).fold([Record(key, encode(FACT[0]))])
    assert changes.states == []
    assert "no id that a connector lets in" in changes.refused[0].reason


def test_a_record_on_a_partition_that_is_not_its_keys_is_refused_by_name() -> None:
    """It would be a second thing of that id, and count twice."""
    changes = FamilyState(FAMILIES["dossiers"], ELSEWHERE).fold([record(*FACT)])
    assert changes.states == []
    assert (
        f"belongs to partition {AT_HOME.partition}, not {ELSEWHERE.partition}"
        in changes.refused[0].reason
    )
    assert len(FamilyState(FAMILIES["dossiers"], AT_HOME).fold([record(*FACT)]).states) == 1


def test_heartbeats_choose_their_partition_themselves() -> None:
    beat = told("hub.heartbeat", "11-03 09:00")
    for partition in range(PARTITIONS):
        assert (
            len(
                FamilyState(FAMILIES["heartbeats"], Home(partition, PARTITIONS))
                .fold([record(*beat)])
                .states
            )
            == 1
        )


async def test_what_was_let_in_before_goes_when_states_are_counted_anew() -> None:
    family_state = FamilyState(FAMILIES["dossiers"])
    family_state.keep(family_state.fold([record(*FACT)]))
    family_state.home = ELSEWHERE
    assert await family_state.recount_pages() == [b"thing"]
    assert (len(family_state.states), len(family_state.pages)) == (0, 0)
