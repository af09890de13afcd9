"""How large the state of one thing can get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.clock import LATEST_MS
from schemas.states import (
    MOST,
    ClosingFact,
    Dossier,
    DossierAmendments,
    EndCorrection,
    FinishFact,
    HandlerFact,
    InstantsCorrection,
    InventoryItem,
    MoveCorrection,
    PaymentCorrection,
    PaymentFact,
    RatingCorrection,
    RatingFact,
    ReceptionFact,
    RefusalCorrection,
    RefusalFact,
    ReopeningCorrection,
    ReporterFact,
    ReturnCorrection,
    ReturnFact,
    VoidFact,
    pack_id,
)
from schemas.topics import STATE_BYTES
from schemas.work_states import (
    AssignmentCorrection,
    AssignmentFact,
    DeadlineCorrection,
    Document,
    DocumentAmendments,
    InstantCorrection,
    ProgressFact,
    SendingCorrection,
    SendingFact,
    Task,
    TaskAmendments,
)
from streams.families import FAMILIES
from streams.families.inventory import MOST_STATEMENTS

AT = LATEST_MS - 1


def text(number: int, length: int = 128) -> str:
    """One of the largest texts that a connector lets in."""
    return chr(0x10000 + number) * length


def longest(group: str) -> Iterator[str]:
    """As many of the longest ids as are kept of a group."""
    return map(text, range(MOST[group] + 1))


def moments(group: str) -> range:
    """The same of times."""
    return range(AT - MOST[group], AT + 1)


def full_dossier() -> Dossier:
    id_, agency = pack_id(text(0)), "A" * 35
    return Dossier(
        reception=ReceptionFact(AT, id_, AT, agency, "p" * 64, 5, 4, 127, AT, True, AT, agency),
        handler=HandlerFact(AT, id_, agency, text(0, 64)),
        returned=ReturnFact(AT, id_, True, "counter", AT),
        refusal=RefusalFact(AT, id_, agency, "p" * 64, AT),
        withdrawal=ClosingFact(AT, id_, AT),
        stop=ClosingFact(AT, id_, AT),
        reopened=AT,
        step_at=AT,
        reporter=ReporterFact(AT, agency),
        first_step_at=AT,
        dues=dict.fromkeys(moments("dues"), AT),
        papers=dict.fromkeys(moments("papers"), 3),
        fees=dict.fromkeys(moments("fees"), 1),
        earlier=dict.fromkeys(moments("earlier"), 31),
        amended=full_amendments(id_, agency),
        finish=dict.fromkeys(longest("finish"), FinishFact(AT, id_, True, AT)),
        payments=dict.fromkeys(longest("payments"), PaymentFact(AT, 3, 10**15, True, True, AT)),
        ratings=dict.fromkeys(longest("ratings"), RatingFact(AT, True, "procedure", 5)),
        transfers=dict.fromkeys((f"{agency}|{agency}|{at}" for at in moments("transfers")), True),
    )


def full_amendments(id_: bytes, agency: str) -> DossierAmendments:
    moves = (f"{agency}|{agency}|{at}" for at in moments("amended_moves"))
    payment = PaymentCorrection(AT, True, AT, 3, 10**15, True)
    end = EndCorrection(AT, id_, 1, AT, True, AT, True)
    returned = ReturnCorrection(AT, id_, True, AT, True, "counter", AT, True)
    return DossierAmendments(
        void=VoidFact(AT, id_, True, agency, text(0)),
        end=end,
        returned=returned,
        refusal=RefusalCorrection(AT, id_, True, AT, agency, "p" * 64, AT),
        reopened=ReopeningCorrection(AT, id_, AT),
        dues=InstantsCorrection(AT, dict.fromkeys(moments("amended_dues"), AT)),
        papers=InstantsCorrection(AT, dict.fromkeys(moments("amended_papers"), 3)),
        fees=InstantsCorrection(AT, dict.fromkeys(moments("amended_fees"), 1)),
        payments=dict.fromkeys(longest("amended_payments"), payment),
        ratings=dict.fromkeys(
            longest("amended_ratings"), RatingCorrection(AT, True, AT, True, "procedure", 5)
        ),
        moves=dict.fromkeys(moves, MoveCorrection(AT, True, True)),
        earlier_ends=dict.fromkeys(moments("amended_earlier_ends"), end),
        earlier_returns=dict.fromkeys(moments("amended_earlier_returns"), returned),
    )


def full_document() -> Document:
    id_, agency = pack_id(text(0)), "A" * 35
    sent = SendingFact(AT, id_, agency, "d" * 64, True, True)
    correction = InstantCorrection(AT, id_, True, AT, True)
    return Document(
        sent=sent,
        statuses={f"{number:035}": {"01": AT} for number in range(MOST["statuses"] + 1)},
        recall=dict.fromkeys(longest("recall"), AT),
        reporter=ReporterFact(AT, agency),
        amended=DocumentAmendments(
            VoidFact(AT, id_, True, agency, text(0)),
            SendingCorrection(AT, id_, True, sent, True),
            {f"{number:035}|01": correction for number in range(MOST["amended_statuses"] + 1)},
            dict.fromkeys(("asked", "agreed", "refused"), correction),
        ),
    )


def full_task() -> Task:
    id_, agency, label = pack_id(text(0)), "A" * 35, text(0, 64)
    others = (agency,) * 50
    task = AssignmentFact(
        AT, id_, agency, agency, "c" * 64, label, AT, agency, others, label, label, True
    )
    correction = InstantCorrection(AT, id_, True, AT, True)
    return Task(
        assigned=task,
        dues=dict.fromkeys(moments("dues"), AT),
        progress=ProgressFact(AT, id_, "waiting_confirmation", True),
        completed=AT,
        returned=AT,
        cancelled=AT,
        reporter=ReporterFact(AT, agency),
        assigned_dues=dict.fromkeys(moments("assigned_dues"), AT),
        amended=TaskAmendments(
            VoidFact(AT, id_, True, agency, text(0)),
            AssignmentCorrection(AT, id_, True, task, AT, True),
            DeadlineCorrection(AT, dict.fromkeys(moments("amended_dues"), AT), True),
            *(correction,) * 3,
            AT,
            AT,
        ),
    )


def full_item() -> InventoryItem:
    details = {
        "level": "department",
        "parent": "A" * 35,
        "successor": "A" * 35,
        "alias": ["A" * 35] * 10,
        "name_vi": text(0, 120),
        "name_en": text(0, 120),
        "expected": True,
    }
    return InventoryItem(
        dict.fromkeys(
            range(AT - MOST_STATEMENTS, AT),
            (AT, pack_id(text(0)), "agency.registered", "A" * 35, AT, details),
        ),
        AT,
        AT,
    )


@pytest.mark.parametrize(
    "state",
    [full_dossier(), full_document(), full_task(), full_item()],
    ids=type,
)
def test_the_largest_state_is_clearly_below_what_its_topic_takes(state: Any) -> None:
    assert len(msgspec.msgpack.encode(state)) < 0.8 * STATE_BYTES


@pytest.mark.parametrize(
    ("family", "state"),
    [("dossiers", full_dossier()), ("documents", full_document()), ("tasks", full_task())],
)
def test_the_largest_states_have_every_group_full(family: str, state: Any) -> None:
    groups = FAMILIES[family].groups
    assert groups
    assert {group.size(state) - MOST[group.name] for group in groups} == {1}
