"""Whatever packets and steps come, in whatever order, again and with jumps: what the facts come to
is what the last packet says.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from packet_facts import joined, reception_in, standing_in
from strategies import examples

from connectors.packets.difference import PacketDifference
from connectors.packets.states import (
    FactUnsent,
    Packet,
    PacketRecord,
    PacketStep,
    decode_record,
    encode_record,
)
from connectors.packets.taking import take_packet, take_status, take_steps

START, HOUR = 1_762_135_200_000, 3_600_000
HEARD = START + 100 * HOUR  # when the first packet is heard of
instants = st.integers(0, 40).map(lambda hours: START + hours * HOUR)
or_blank = st.one_of(st.just(0), instants)
states = st.integers(1, 10)


@st.composite
def packets(draw: Any) -> Packet:
    return Packet(
        status=draw(states),
        procedure=draw(st.sampled_from(["P.1", "P.1", "P.2"])),
        received_at=draw(instants),
        due_at=draw(or_blank),
        ended_at=draw(or_blank),
        returned_at=draw(or_blank),
        refused_at=draw(or_blank),
        channel=draw(st.sampled_from([None, None, "online", "counter"])),
        returned_how=draw(st.sampled_from(["counter", "post"])),
        result_digitised=draw(st.booleans()),
        paid_online=draw(st.booleans()),
        fees=draw(st.sampled_from([0, 50_000])),
        supplements=tuple(sorted(set(draw(st.lists(st.tuples(instants, or_blank), max_size=2))))),
    )


steps = st.lists(st.builds(PacketStep, instants, states), min_size=1, max_size=3)
said = st.one_of(packets(), packets(), steps, st.builds(PacketStep, instants, states))


class History(NamedTuple):
    facts: list[FactUnsent]
    record: PacketRecord


def take(record: PacketRecord, one: Any, heard_at: int) -> PacketDifference:
    common = {"source": "sample", "agency": "H00.SAMPLE", "heard_at": heard_at}
    if isinstance(one, Packet):
        return take_packet(record, one, channel=None, **common)
    if isinstance(one, PacketStep):
        if record.packet is None:
            return PacketDifference([], record)
        return take_status(record, record.packet, one, **common)
    return take_steps(record, one, **common)


def tell(history: list[Any], apart: int = HOUR) -> History:
    """All of it, one after the other, through the form that is kept between."""
    record, facts = PacketRecord("sample", "HS-1"), []
    for number, one in enumerate(history):
        found = take(record, one, HEARD + number * apart)
        facts += found.facts
        record = decode_record(encode_record(found.record))
    return History(facts, record)


@given(st.lists(said, min_size=1, max_size=6), st.sampled_from([0, 1, HOUR]))
@examples(1_500)
def test_the_facts_come_to_what_the_last_packet_says(history: list[Any], apart: int) -> None:
    facts, record = tell(history, apart)
    state, standing = joined(facts), record.standing
    assert standing_in(state) == told_of(standing)
    reception = standing.reception
    assert reception_in(state) == (
        None
        if reception is None
        else (reception.received_at, reception.agency, reception.procedure, reception.channel)
    )


def told_of(standing: Any) -> Any:
    """A return ends a dossier that has no finish; a reception is compared by itself."""
    return msgspec.structs.replace(standing, reception=None)


@given(st.lists(said, min_size=1, max_size=5), st.randoms(use_true_random=False))
@examples(500)
def test_neither_order_nor_repetition_of_the_facts_is_of_account(
    history: list[Any], random: Random
) -> None:
    facts, _ = tell(history)
    again = facts + random.sample(facts, len(facts) // 2)
    random.shuffle(again)
    assert standing_in(joined(again)) == standing_in(joined(facts))


@given(st.lists(said, min_size=1, max_size=5))
@examples(500)
def test_what_is_sent_again_says_nothing_more(history: list[Any]) -> None:
    _, record = tell(history)
    again = take(record, history[-1], HEARD + 1_000 * HOUR)
    assert again.facts == []
    assert again.record == record


@given(st.lists(said, min_size=1, max_size=5))
@examples(300)
def test_every_fact_has_an_id_of_its_own(history: list[Any]) -> None:
    facts, _ = tell(history)
    ids = [str(fact.fields["event_id"]) for fact in facts]
    assert len(ids) == len(set(ids))
    assert max(map(len, ids), default=0) <= 128
