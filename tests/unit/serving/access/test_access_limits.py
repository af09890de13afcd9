"""How much a client may send: buckets that may go into debt, each client's its own."""

from __future__ import annotations

import msgspec
import pytest
from accesses import BEGINNING, PEPPER, draft

from serving.access.changes import added
from serving.access.clients import Client, ClientLimits, Identity
from serving.access.errors import OverLimit
from serving.access.limits import BURST_SECONDS, ClientBuckets


class Clock:
    """Seconds that pass only when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(name: str = "shop", *, events: int = 0, size: int = 0) -> Identity:
    client: Client = added({}, draft(name), PEPPER, BEGINNING)[0]
    limits = ClientLimits(events=events, bytes=size)
    return Identity(msgspec.structs.replace(client, limits=limits))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buckets(clock: Clock) -> ClientBuckets:
    return ClientBuckets(clock)


def wait(buckets: ClientBuckets, identity: Identity, announced: int = 0) -> int:
    """Seconds for which it is refused; 0: it was let in."""
    try:
        buckets.admit(identity, announced)
    except OverLimit as error:
        return error.retry_seconds
    return 0


def test_so_much_may_come_at_once_and_then_its_rate(clock: Clock, buckets: ClientBuckets) -> None:
    shop, sent = limited(events=2), 0
    for _ in range(480):  # a minute, asked eight times a second
        clock.now += 0.125
        sent += wait(buckets, shop) == 0
    assert 2 * (BURST_SECONDS + 60 - 1) < sent <= 2 * (BURST_SECONDS + 60)


def test_who_keeps_to_its_limit_is_never_refused(clock: Clock, buckets: ClientBuckets) -> None:
    shop = limited(events=100, size=1_000)
    for _ in range(1_000):
        clock.now += 1
        assert wait(buckets, shop, 1_000) == 0
        buckets.charge(shop, events=99)


def test_debts_are_paid_before_anything_else(clock: Clock, buckets: ClientBuckets) -> None:
    shop = limited(events=10)
    assert wait(buckets, shop) == 0
    buckets.charge(shop, events=999)
    seconds = wait(buckets, shop)
    assert seconds == 91
    clock.now += seconds - 1
    assert wait(buckets, shop) == 1
    clock.now += 1
    assert wait(buckets, shop) == 0


def test_bytes_that_are_announced_are_taken_before_they_come(buckets: ClientBuckets) -> None:
    shop = limited(size=1_000)
    assert wait(buckets, shop, 20_000) == 0
    assert wait(buckets, shop, 1) == 11


def test_one_clients_debts_are_nobody_elses(buckets: ClientBuckets) -> None:
    shop, other = limited(events=1), limited("other", events=1)
    buckets.charge(shop, events=1_000)
    assert (wait(buckets, shop) > 0, wait(buckets, other)) == (True, 0)


def test_without_a_limit_and_without_a_client_nothing_is_refused(buckets: ClientBuckets) -> None:
    for identity in (limited(), Identity()):
        buckets.charge(identity, events=10**9, size=10**12)
        assert wait(buckets, identity, 10**9) == 0


def test_other_limits_hold_from_the_next_request_on(buckets: ClientBuckets) -> None:
    buckets.charge(limited(events=1), events=10**6)
    assert wait(buckets, limited(events=1)) > 0
    assert wait(buckets, limited(events=1_000)) == 0
