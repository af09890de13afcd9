"""Packet by packet: which facts the life of a dossier comes to."""

from __future__ import annotations

from typing import Any

import pytest
from facts import ms

from connectors.packets.difference import PacketDifference
from connectors.packets.states import FactUnsent, Packet, PacketRecord, PacketStep
from connectors.packets.taking import take_packet, take_status, take_steps

AGENCY = "H00.SAMPLE"


class Dossier:
    """One dossier's packets, heard one minute apart from `now` on."""

    def __init__(self) -> None:
        self.record = PacketRecord("sample", "HS-1")
        self.packet = Packet(2, "P", received_at=ms("11-03 09:00"), due_at=ms("11-10 17:00"))
        self.now = ms("11-20 08:00")

    def _took(self, found: PacketDifference) -> list[tuple[str, Any]]:
        self.record, self.now = found.record, self.now + 60_000
        return [short(fact) for fact in found.facts]

    def send(self, **changed: Any) -> list[tuple[str, Any]]:
        """The packet with these fields of its time changed; what was changed before stays."""
        values = {name: at(value) for name, value in changed.items()}
        fields = {name: getattr(self.packet, name) for name in self.packet.__struct_fields__}
        self.packet = Packet(**(fields | values))
        return self._took(
            take_packet(
                self.record,
                self.packet,
                source="s",
                agency=AGENCY,
                channel="other",
                heard_at=self.now,
            )
        )

    def step(self, when: str, status: int) -> list[tuple[str, Any]]:
        steps = [PacketStep(ms(when), status)]
        return self._took(
            take_steps(self.record, steps, source="s", agency=AGENCY, heard_at=self.now)
        )

    def state(self, when: str, status: int) -> list[tuple[str, Any]]:
        assert self.record.packet is not None
        return self._took(
            take_status(
                self.record,
                self.record.packet,
                PacketStep(ms(when), status),
                source="s",
                agency=AGENCY,
                heard_at=self.now,
            )
        )


def at(value: Any) -> Any:
    return ms(value) if isinstance(value, str) and value[:2].isdecimal() else value


def short(fact: FactUnsent) -> tuple[str, Any]:
    """What happened and when; of a correction the time in truth behind `again`, or `none`."""
    name, fields = fact.type.removeprefix("dossier."), fact.fields
    if fields.get("holds") is False:
        return f"{name} none", fields["occurred_at"]
    if fields.get("effective_at") is not None:
        return f"{name} again", fields["effective_at"]
    return name, fields["occurred_at"]


NOW = ms("11-20 08:00")  # when the first packet is heard of; each further one a minute later


def minute(number: int) -> int:
    return NOW + number * 60_000


@pytest.fixture
def dossier() -> Dossier:
    return Dossier()


def test_a_life_with_its_dates_comes_to_facts_of_those_dates(dossier: Dossier) -> None:
    assert dossier.send() == [("received", ms("11-03 09:00"))]
    assert dossier.step("11-03 10:00", 4) == [("step_taken", ms("11-03 10:00"))]
    assert dossier.send(status=4) == []
    assert dossier.send(status=9, ended_at="11-07 15:00") == [("finished", ms("11-07 15:00"))]
    assert dossier.send(status=10, returned_at="11-08 09:00") == [
        ("result_returned", ms("11-08 09:00"))
    ]
    assert dossier.send() == []


def test_states_jump(dossier: Dossier) -> None:
    said = dossier.send(status=10, ended_at="11-07 15:00", returned_at="11-08 09:00")
    assert said == [
        ("received", ms("11-03 09:00")),
        ("finished", ms("11-07 15:00")),
        ("result_returned", ms("11-08 09:00")),
    ]


def test_registered_is_not_received_yet(dossier: Dossier) -> None:
    assert dossier.send(status=1) == []
    assert dossier.send(status=2) == [("received", ms("11-03 09:00"))]


def test_refused_was_never_received(dossier: Dossier) -> None:
    said = dossier.send(status=3, due_at=0, ended_at="11-04 09:00", returned_at="11-04 09:00")
    assert said == [("refused", ms("11-04 09:00"))]
    assert dossier.send() == []
    # taken in after all
    said = dossier.send(status=2, due_at="11-10 17:00", ended_at=0, returned_at=0)
    assert said == [("reopened", ms("11-04 09:00") + 1), ("received", ms("11-03 09:00"))]


def test_an_end_whose_dates_were_blanked_is_reopened_just_behind_it(dossier: Dossier) -> None:
    dossier.send(status=10, ended_at="11-07 15:00", returned_at="11-08 09:00")
    assert dossier.send(status=4, ended_at=0, returned_at=0) == [
        ("reopened", ms("11-08 09:00") + 1)
    ]
    assert dossier.send(status=9, ended_at="11-09 09:00") == [("finished", ms("11-09 09:00"))]


def test_blank_dates_alone_reopen_too(dossier: Dossier) -> None:
    dossier.send(status=9, ended_at="11-07 15:00")
    assert dossier.send(ended_at=0) == [("reopened", ms("11-07 15:00") + 1)]
    assert dossier.send() == [], "it stays open until there is a date"
    assert dossier.send(ended_at="11-08 15:00") == [("finished", ms("11-08 15:00"))]


def test_an_end_moved_back_is_a_correction_and_one_moved_on_is_not(dossier: Dossier) -> None:
    dossier.send(status=9, ended_at="11-07 15:00")
    assert dossier.send(ended_at="11-06 15:00") == [("finished again", ms("11-06 15:00"))]
    assert dossier.send() == []
    assert dossier.send(ended_at="11-07 10:00") == [("finished again", ms("11-07 10:00"))], (
        "an ordinary fact would be outdone by the correction"
    )


def test_another_channel_or_reception_corrects_it_with_its_first_due_time(
    dossier: Dossier,
) -> None:
    dossier.send()
    dossier.send(due_at="11-12 17:00")
    assert dossier.send(channel="online") == [("corrected", minute(2))]
    found = dossier.record
    assert found.first_due_at == ms("11-10 17:00")
    assert dossier.send() == []


def test_a_due_time_is_moved_and_taken_away(dossier: Dossier) -> None:
    dossier.send()
    assert dossier.send(due_at="11-12 17:00") == [("due_changed", minute(1))]
    assert dossier.send(due_at=0) == [("due_changed none", minute(2))]
    assert dossier.send(due_at="11-13 17:00") == [("due_changed", minute(3))]


def test_papers_are_asked_for_when_the_step_says_whatever_comes_first(dossier: Dossier) -> None:
    dossier.send()
    assert dossier.send(status=5) == [("supplement_requested", minute(1))]
    assert dossier.step("11-04 09:00", 5) == [
        ("step_taken", ms("11-04 09:00")),
        ("supplement_requested again", ms("11-04 09:00")),
    ]
    other = Dossier()
    other.send()
    assert other.step("11-04 09:00", 5)[1:] == [("supplement_requested", ms("11-04 09:00"))]
    assert other.send(status=5) == []


def test_papers_come_in_with_a_new_due_time(dossier: Dossier) -> None:
    dossier.send()
    dossier.step("11-04 09:00", 5)
    dossier.send(status=5)
    assert dossier.send(status=4, due_at="11-14 17:00") == [("supplement_completed", minute(3))]
    assert dossier.record.standing.due_at == ms("11-14 17:00")
    assert dossier.step("11-05 09:00", 4)[1:] == [
        ("supplement_requested again", ms("11-04 09:00")),
        ("supplement_completed again", ms("11-05 09:00")),
    ]


def test_the_packets_own_list_of_supplements_goes_before_steps(dossier: Dossier) -> None:
    dossier.send()
    asked = ((ms("11-04 09:00"), 0),)
    assert dossier.send(status=5, supplements=asked) == [
        ("supplement_requested", ms("11-04 09:00"))
    ]
    assert dossier.step("11-04 09:05", 5) == [("step_taken", ms("11-04 09:05"))]
    answered = ((ms("11-04 09:00"), ms("11-05 09:00")),)
    assert dossier.send(status=4, supplements=answered) == [
        ("supplement_completed", ms("11-05 09:00"))
    ]


def test_a_fee_is_asked_for_and_paid(dossier: Dossier) -> None:
    dossier.send(fees=50_000)
    assert dossier.step("11-04 09:00", 6)[1:] == [("fee_requested", ms("11-04 09:00"))]
    assert dossier.send(status=6) == []
    assert dossier.step("11-05 09:00", 4)[1:] == [("paid", ms("11-05 09:00"))]
    (paid,) = dossier.record.standing.payments
    assert (paid.amount, paid.online) == (50_000, False)
    assert dossier.send(status=4, paid_online=True) == [("paid again", ms("11-05 09:00"))]


def test_withdrawn_and_stopped_end_it_while_it_waits(dossier: Dossier) -> None:
    dossier.send()
    dossier.step("11-04 09:00", 5)
    dossier.send(status=5)
    assert dossier.send(status=7, ended_at="11-06 09:00") == [("withdrawn", ms("11-06 09:00"))]
    assert dossier.send(status=8) == [("suspended again", ms("11-06 09:00"))]


def test_finished_but_in_truth_withdrawn_is_corrected_with_its_return(dossier: Dossier) -> None:
    dossier.send(status=10, ended_at="11-07 15:00", returned_at="11-08 09:00")
    assert dossier.send(status=7, returned_at=0) == [
        ("withdrawn again", ms("11-07 15:00")),
        ("result_returned none", minute(1)),
    ]


def test_an_end_without_a_date_has_the_hubs_until_a_step_says_when(dossier: Dossier) -> None:
    assert dossier.send(status=9)[1:] == [("finished", NOW)]
    assert dossier.send() == []
    assert dossier.step("11-07 15:00", 9)[1:] == [("finished again", ms("11-07 15:00"))]
    assert dossier.send(ended_at="11-07 14:00") == [("finished again", ms("11-07 14:00"))]


def test_a_state_of_its_own_packet_ends_and_reopens(dossier: Dossier) -> None:
    dossier.send()
    assert dossier.state("11-07 15:00", 9) == [("finished", ms("11-07 15:00"))]
    assert dossier.state("11-08 15:00", 4) == [("reopened", ms("11-07 15:00") + 1)]
    assert dossier.state("11-09 15:00", 10) == [
        ("finished", ms("11-09 15:00")),
        ("result_returned", ms("11-09 15:00")),
    ]


def test_a_time_of_a_clock_of_twelve_hours_is_taken_as_it_is(dossier: Dossier) -> None:
    said = dossier.send(status=9, received_at="11-03 14:00", ended_at="11-03 03:00")
    assert said == [("received", ms("11-03 14:00")), ("finished", ms("11-03 03:00"))]
