"""Records of packets: nothing is lost between facts and record, whoever is killed and whoever does
the same at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pytest
from facts import ms
from gateways import Remembers
from packet_doors import FedAtOnce, packets_of
from packet_facts import DECODE, FAMILY, standing_in

from connectors.packets.access import PacketClient
from connectors.packets.keeping import PacketKeeper, PacketSaid
from connectors.packets.reading import DossierSaid, StepSaid
from connectors.packets.states import DossierStanding, Packet, PacketRecord, PacketStep
from connectors.publishing.lanes import OutgoingRecord
from schemas.errors import KafkaUnavailable
from schemas.events import Event
from schemas.states import Dossier
from schemas.wire import encode

CLIENT = PacketClient("sample", "packets/sample")
RECEIVED, DUE, HEARD = ms("11-03 09:00"), ms("11-10 17:00"), ms("11-20 08:00")


def packet(status: int = 2, **fields: Any) -> DossierSaid:
    said = Packet(status, "P", **({"received_at": RECEIVED, "due_at": DUE} | fields))
    return DossierSaid("HS-1", "H00.SAMPLE", said)


def step(at: int, status: int) -> StepSaid:
    return StepSaid("HS-1", "H00.SAMPLE", PacketStep(at, status))


class Busy(Remembers):
    """Gives others their turn at every call, and fails after so many."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.left = 0, 10**9

    async def _turn(self) -> None:
        self.calls += 1
        self.left -= 1
        if self.left < 0:
            raise KafkaUnavailable("Kafka did not confirm the records: send them again.")
        await asyncio.sleep(0)

    async def publish(self, events: Sequence[Event]) -> None:
        await self._turn()
        await super().publish(events)

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        await self._turn()
        await super().send(records)


class Unhurried(FedAtOnce):
    """Others get a turn, or several, before what is read is told."""

    def __init__(self, publisher: Remembers, random: Random) -> None:
        super().__init__(publisher)
        self._random = random

    async def records(self, keys: Iterable[bytes]) -> dict[bytes, PacketRecord]:
        found = await super().records(list(keys))
        for _ in range(self._random.randint(0, 6)):
            await asyncio.sleep(0)
        return found


def gateway(publisher: Remembers, seed: int = 0) -> PacketKeeper:
    now = iter(range(HEARD, HEARD + 10**9, 1_000))
    return PacketKeeper(publisher, Unhurried(publisher, Random(seed)), lambda: next(now))


def state_of(publisher: Remembers) -> Dossier:
    """What a worker makes of everything that was told."""
    state = Dossier()
    for event in publisher.events:
        kind, fields = DECODE(encode(event))
        FAMILY.merges[kind](state, fields, 1)
    return state


async def standing(publisher: Remembers) -> DossierStanding:
    record = await gateway(publisher).record("sample", "HS-1")
    assert record is not None
    return record.standing


# A life of which the hub has to choose many times: what is asked for, moved and corrected.
LIFE: list[PacketSaid] = [
    packet(),
    packet(5),
    step(ms("11-04 09:00"), 5),
    packet(4, due_at=DUE + 86_400_000),
    packet(9, ended_at=ms("11-07 15:00")),
    packet(9, ended_at=ms("11-06 15:00")),
    packet(4),
    packet(9, ended_at=ms("11-08 15:00")),
    packet(10, ended_at=ms("11-07 12:00"), returned_at=ms("11-08 09:00")),
]


@pytest.mark.parametrize("kills", range(12))
async def test_killed_after_any_write_the_same_facts_are_made_again(kills: int) -> None:
    """Each packet is sent until it is answered, by another process each time."""
    publisher, undisturbed = Busy(), Busy()
    for one in LIFE:
        await gateway(undisturbed).take(CLIENT, [one])
        publisher.left = kills
        for _ in range(20):
            try:
                await gateway(publisher).take(CLIENT, [one])
                break
            except KafkaUnavailable:
                publisher.left = kills + 3
        publisher.left = 10**9
    assert ids_repeat_alike(publisher)
    assert standing_in(state_of(publisher)) == standing_in(state_of(undisturbed))


@pytest.mark.parametrize("seed", range(60))
async def test_gateways_that_take_packets_of_a_dossier_at_once_lose_nothing(seed: int) -> None:
    random, publisher = Random(seed), Busy()
    gateways = [gateway(publisher, seed + number) for number in range(3)]
    said = random.sample(LIFE, len(LIFE))
    await asyncio.gather(
        *(gateways[number % 3].take(CLIENT, [one]) for number, one in enumerate(said))
    )
    kept = await standing(publisher)
    assert standing_in(state_of(publisher)) == standing_without_reception(kept)
    assert ids_repeat_alike(publisher)


@pytest.mark.parametrize("kills", range(4))
async def test_another_packet_after_a_kill_says_nothing_else_of_the_same_instant(
    kills: int,
) -> None:
    """The first packet is never sent again: its system has gone on meanwhile."""
    publisher = Busy()
    publisher.left = kills
    first = gateway(publisher)
    with contextlib.suppress(KafkaUnavailable):
        await first.take(CLIENT, [packet(9, ended_at=ms("11-07 15:00"))])
    publisher.left = 10**9
    await gateway(publisher).take(CLIENT, [packet(due_at=DUE + 1_000)])
    assert ids_repeat_alike(publisher)
    found = standing_in(state_of(publisher))
    assert (found.due_at, found.end) == (DUE + 1_000, None)


def ids_repeat_alike(publisher: Remembers) -> bool:
    told = {event.event_id: event for event in publisher.events}
    return all(told[event.event_id] == event for event in publisher.events)


def standing_without_reception(kept: DossierStanding) -> DossierStanding:
    return DossierStanding(*[None, *[getattr(kept, name) for name in kept.__struct_fields__[1:]]])


async def test_one_process_takes_them_one_after_the_other() -> None:
    publisher = Busy()
    one = gateway(publisher)
    await asyncio.gather(*(one.take(CLIENT, [said]) for said in (packet(), packet(), packet())))
    assert [event.type for event in publisher.events] == ["dossier.received"]
    assert [(one.version, len(one.unsent)) for one in packets_of(publisher)] == [(1, 1), (2, 0)]


async def test_what_was_kept_but_not_told_is_told_by_whoever_comes_next() -> None:
    publisher = Busy()
    await gateway(publisher).take(CLIENT, [packet()])
    publisher.left = 1  # the record with its facts is kept, they are not told
    with pytest.raises(KafkaUnavailable):
        await gateway(publisher).take(CLIENT, [packet(due_at=DUE + 1_000)])
    publisher.left = 10**9
    assert len(publisher.events) == 1
    await gateway(publisher).take(CLIENT, [step(ms("11-04 09:00"), 4)])
    assert [event.type for event in publisher.events] == [
        "dossier.received",
        "dossier.due_changed",
        "dossier.step_taken",
    ]
    assert packets_of(publisher)[-1].unsent == ()


class LooksLate(FedAtOnce):
    """Another gateway takes a packet between the writing of a record and the look at it."""

    def __init__(self, publisher: Remembers, said: PacketSaid) -> None:
        super().__init__(publisher)
        self._publisher, self._said, self._looks = publisher, said, 0

    async def records(self, keys: Iterable[bytes]) -> dict[bytes, PacketRecord]:
        self._looks += 1
        if self._looks == 2:
            await gateway(self._publisher).take(CLIENT, [self._said])
        return await super().records(keys)


async def test_who_was_gone_on_from_does_not_begin_anew() -> None:
    """It would put what it took in over the packet that came later."""
    publisher = Busy()
    feed = LooksLate(publisher, packet(due_at=DUE + 1_000))
    await PacketKeeper(publisher, feed, lambda: HEARD).take(CLIENT, [packet()])
    assert (await standing(publisher)).due_at == DUE + 1_000
    assert standing_in(state_of(publisher)).due_at == DUE + 1_000
    assert ids_repeat_alike(publisher)


@pytest.mark.parametrize("seed", range(25))
async def test_gateways_that_are_killed_at_random_and_work_at_once(seed: int) -> None:
    """Systems send the same again until it is answered; some packets never come again."""
    random, publisher = Random(seed), Busy()
    gateways = [gateway(publisher, seed + number) for number in range(3)]

    async def send(number: int, said: PacketSaid) -> None:
        for _ in range(random.randint(1, 30)):
            if random.random() < 0.3:
                publisher.left = random.randint(0, 4)
            try:
                await gateways[number % 3].take(CLIENT, [said])
                break
            except KafkaUnavailable:
                publisher.left = 10**9

    await asyncio.gather(*(send(number, random.choice(LIFE)) for number in range(12)))
    publisher.left = 10**9
    await gateway(publisher).take(CLIENT, [packet()])  # tells what was not told
    found = standing_in(state_of(publisher))
    assert found == standing_without_reception(await standing(publisher))
    assert ids_repeat_alike(publisher)
