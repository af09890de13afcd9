"""States: small, readable by older and newer readers, and event ids that are kept in few bytes."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
import pytest
from facts import Record
from hypothesis import given
from hypothesis import strategies as st
from strategies import PRINTABLE, examples

from schemas.states import (
    APPLIED_KEY,
    ClosingFact,
    Dossier,
    FinishFact,
    HandlerFact,
    Heartbeat,
    InventoryItem,
    PaymentFact,
    RatingFact,
    ReceptionFact,
    ReturnFact,
    StatesApplied,
    applied_state,
    id_text,
    pack_id,
    read_applied,
)
from schemas.work_states import (
    Activity,
    ActivityFact,
    AssignmentFact,
    Document,
    ProgressFact,
    SendingFact,
    Task,
)
from streams.families import FAMILIES
from streams.family_state import FamilyState

IDS = st.one_of(
    st.text(PRINTABLE, min_size=1, max_size=40),
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    st.uuids().map(lambda uuid: uuid.hex),
    st.from_regex(
        r"[0-9a-f ]{8}-[0-9a-f ]{4}-[0-9a-fA-F]{4}-[0-9a-f]{4}-[0-9a-fé -]{12}", fullmatch=True
    ),
)

# States as they were first written: they must stay readable for as long as any topic holds one.
DOSSIER = (
    "dc001099cf0000019aaed84380c411003f2504e04f8911d39a0c0305e82c3301cf0000019aaed84380a54833"
    "352e31a170000407cf0000019aaed843"
    "8594cf0000019aaed84381c4026532a54833352e32a46465736b81cf0000019aaed84380cf0000019aaed843"
    "e493cf0000019aaed84382c4026533c2"
    "93cf0000019aaed84383c4026534c381a17394cf0000019aaed84389c4026535c3c095cf0000019aaed8438a"
    "c4026536c2a4706f7374cf0000019aae"
    "d8438bc093cf0000019aaed84384c4026537cf0000019aaed8438c93cf0000019aaed84385c4026538c0cf00"
    "00019aaed84386cf0000019aaed84387"
    "81a17294cf0000019aaed8438802cdc350c381ad4833352e317c4833352e327c31c381a17194cf0000019aae"
    "d8438dc3a970726f63656475726505c0"
)
DOCUMENT = (
    "9496cf0000019aaed84380c4026531a54833352e31a23138c3c281a54833352e3282a23031cf0000019aaed8"
    "4381a23033cf0000019aaed8438281a5"
    "61736b6564cf0000019aaed84383c0"
)
TASK = (
    "9795cf0000019aaed84380c4026531a54833352e31a54833352e32a4706c616e81cf0000019aaed84380cf00"
    "00019aaed843e493cf0000019aaed843"
    "81c4026532a772756e6e696e67cf0000019aaed84382cf0000019aaed84383cf0000019aaed84384c0"
)
ACTIVITY = (
    "9298cf0000019aaed84380c4026531ac776f726b5f7265636f726473a54833352e31a7636f6d6d756e65cf00"
    "00019aaed8437bc3c2cf0000019aaed8437f"
)
ITEM = (
    "9382cf0000019aaed8437b96cf0000019aaed84380c4026531b16167656e63792e72656769737465726564a5"
    "4833352e31cf0000019aaed8438583a5"
    "6c6576656ca7636f6d6d756e65a5616c69617391a64833352e3031a86578706563746564c3cf0000019aaed8"
    "438996cf0000019aaed84380c4026532"
    "af6669677572652e7265706f72746564a54833352e31c082a96e756d657261746f72fdab64656e6f6d696e61"
    "746f72c0cf0000019aaed84387cf0000"
    "019aaed84386"
)
HEARTBEAT = "91cf0000019aaed84380"
NOON = 1_763_870_000_000
APPLIED = "91cd1f90"
STATES = [Dossier, Document, Task, Activity, InventoryItem, Heartbeat]


@examples(400)
@given(IDS)
def test_an_id_comes_out_as_it_went_in(event_id: str) -> None:
    assert id_text(pack_id(event_id)) == event_id


@examples(200)
@given(IDS, IDS)
def test_different_ids_stay_different(one: str, other: str) -> None:
    assert (pack_id(one) == pack_id(other)) == (one == other)


def test_a_uuid_takes_17_bytes() -> None:
    assert len(pack_id(str(uuid4()))) == 17
    assert len(pack_id(str(UUID(int=0)))) == 17


@pytest.mark.parametrize(
    "event_id",
    [
        "A5A3F5C2-0000-4000-8000-0123456789AB",
        "0" * 36,
        "-" * 36,
        " " * 8 + "-1234-1234-1234-123456789012",
    ],
)
def test_what_only_looks_like_a_uuid_is_kept_as_text(event_id: str) -> None:
    assert pack_id(event_id) == event_id.encode()


@pytest.mark.parametrize("state", STATES)
def test_states_are_arrays_whose_fields_all_have_defaults(state: type[msgspec.Struct]) -> None:
    """So that fields may be appended: an older record leaves the new ones at their defaults."""
    assert msgspec.msgpack.Decoder(state).decode(msgspec.msgpack.encode([])) == state()
    assert isinstance(msgspec.msgpack.decode(msgspec.msgpack.encode(state())), list)


@pytest.mark.parametrize("state", STATES)
def test_an_older_reader_passes_over_appended_fields(state: type[msgspec.Struct]) -> None:
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(state()))
    assert (
        msgspec.msgpack.Decoder(state).decode(msgspec.msgpack.encode([*row, {"new": 1}])) == state()
    )


def test_every_family_reads_its_own_states() -> None:
    for family in FAMILIES.values():
        assert family.decoder()(msgspec.msgpack.encode(family.state())) == family.state()


def test_the_first_states_ever_written_are_still_read() -> None:
    dossier = FAMILIES["dossiers"].decoder()(bytes.fromhex(DOSSIER))
    assert dossier == Dossier(
        reception=ReceptionFact(
            NOON,
            pack_id("3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
            NOON,
            "H35.1",
            "p",
            0,
            4,
            7,
            NOON + 5,
        ),
        handler=HandlerFact(NOON + 1, b"e2", "H35.2", "desk"),
        dues={NOON: NOON + 100},
        supplement=[NOON + 2, b"e3", False],
        fee=[NOON + 3, b"e4", True],
        finish={"s": FinishFact(NOON + 9, b"e5", True, None)},
        returned=ReturnFact(NOON + 10, b"e6", False, "post", NOON + 11),
        withdrawal=ClosingFact(NOON + 4, b"e7", NOON + 12),
        stop=ClosingFact(NOON + 5, b"e8", None),
        reopened=NOON + 6,
        step_at=NOON + 7,
        payments={"r": PaymentFact(NOON + 8, 2, 50_000, True)},
        transfers={"H35.1|H35.2|1": True},
        ratings={"q": RatingFact(NOON + 13, True, "procedure", 5)},
    )
    assert FAMILIES["documents"].decoder()(bytes.fromhex(DOCUMENT)) == Document(
        sent=SendingFact(NOON, b"e1", "H35.1", "18", True, False),
        statuses={"H35.2": {"01": NOON + 1, "03": NOON + 2}},
        recall={"asked": NOON + 3},
    )
    assert FAMILIES["heartbeats"].decoder()(bytes.fromhex(HEARTBEAT)) == Heartbeat(NOON)
    assert FAMILIES["tasks"].decoder()(bytes.fromhex(TASK)) == Task(
        assigned=AssignmentFact(NOON, b"e1", "H35.1", "H35.2", "plan"),
        dues={NOON: NOON + 100},
        progress=ProgressFact(NOON + 1, b"e2", "running"),
        completed=NOON + 2,
        returned=NOON + 3,
        cancelled=NOON + 4,
    )
    assert FAMILIES["activities"].decoder()(bytes.fromhex(ACTIVITY)) == Activity(
        stated=ActivityFact(NOON, b"e1", "work_records", "H35.1", "commune", NOON - 5, True, False),
        cancelled=NOON - 1,
    )
    assert FAMILIES["inventory"].decoder()(bytes.fromhex(ITEM)) == InventoryItem(
        statements={
            NOON - 5: (
                NOON,
                b"e1",
                "agency.registered",
                "H35.1",
                NOON + 5,
                {"level": "commune", "alias": ["H35.01"], "expected": True},
            ),
            NOON + 9: (
                NOON,
                b"e2",
                "figure.reported",
                "H35.1",
                None,
                {"numerator": -3, "denominator": None},
            ),
        },
        heartbeat=NOON + 7,
        first_heartbeat=NOON + 6,
    )


def test_how_far_states_have_come_is_kept_under_no_things_key() -> None:
    assert applied_state(8_080) == (b"", bytes.fromhex(APPLIED))
    assert read_applied(bytes.fromhex(APPLIED)) == StatesApplied(8_080)
    assert read_applied(msgspec.msgpack.encode([8_080, "of a newer version"])).next == 8_080
    for family in FAMILIES.values():
        changes = FamilyState(family).fold([Record(APPLIED_KEY, b"whatever it says")])
        assert (changes.states, len(changes.refused)) == (
            [],
            1,
        ), "an event without a key would be taken for it"
