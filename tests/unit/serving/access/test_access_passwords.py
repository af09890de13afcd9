"""Logins with passwords: proved one at a time, a user at a time, whatever comes in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from accesses import Clients, draft

from serving.access import passwords
from serving.access.changes import revoked
from serving.access.clients import PacketSettings
from serving.access.errors import AccessUnknown, OverLimit
from serving.access.passwords import (
    LONGEST_PASSWORD,
    SHARE,
    WAITING,
    Logins,
    hash_password,
    prove_password,
)

PASSWORD = "mật khẩu mẫu 123"


def login_of(name: str) -> PacketSettings:
    return PacketSettings(user=f"user-{name}", password=f"hash of {name}", source="/sample")


class Proofs:
    """Stands for argon2: says what was proved, in order, and lets a test hold it up."""

    def __init__(self) -> None:
        self.proved: list[str] = []
        self.at_once = self.most = 0
        self.gate = threading.Event()
        self.gate.set()
        self.pauses: list[float] = []

    def prove(self, kept: str, password: str) -> bool:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.gate.wait(10)
        self.proved.append(kept)
        self.at_once -= 1
        return password == PASSWORD and kept.startswith("hash of ")


@pytest.fixture
def clients() -> Clients:
    return Clients(*(draft(name, packets=login_of(name), days=0) for name in ("a", "b")))


@pytest.fixture
def proofs() -> Proofs:
    return Proofs()


@pytest.fixture
async def logins(clients: Clients, proofs: Proofs) -> AsyncIterator[Logins]:
    found = Logins(lambda: clients.register, proofs.prove, proofs.pauses.append)
    yield found
    proofs.gate.set()
    found.close()


def test_a_password_is_kept_as_argon2_and_proved() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert prove_password(kept, PASSWORD)
    assert not prove_password(kept, PASSWORD + "x")
    assert not prove_password("no hash", PASSWORD)
    assert not prove_password(passwords._NO_HASH, PASSWORD), "it has to be a hash, for its time"
    assert passwords._NO_HASH.rsplit("$", 2)[0] == kept.rsplit("$", 2)[0], "and as dear as others"


async def test_user_and_password_are_a_client(logins: Logins, clients: Clients) -> None:
    assert await logins.login("user-a", PASSWORD) is clients.register.clients["a"]
    assert await logins.login("user-a", "wrong") is None
    assert await logins.login("user-c", PASSWORD) is None


async def test_who_does_not_exist_takes_as_long_as_who_does(logins: Logins, proofs: Proofs) -> None:
    await logins.login("user-c", PASSWORD)
    assert proofs.proved == [passwords._NO_HASH]


async def test_a_client_that_is_revoked_logs_in_no_more(logins: Logins, clients: Clients) -> None:
    clients.put(revoked(clients.register.clients["a"], clients.now))
    assert await logins.login("user-a", PASSWORD) is None


async def test_nobody_is_told_wrong_before_the_register_was_read(proofs: Proofs) -> None:
    logins = Logins(lambda: None, proofs.prove)
    with pytest.raises(AccessUnknown):
        await logins.login("user-a", PASSWORD)
    logins.close()


async def test_a_password_of_any_length_costs_nothing(logins: Logins, proofs: Proofs) -> None:
    assert await logins.login("user-a", "x" * (LONGEST_PASSWORD + 1)) is None
    assert proofs.proved == []


async def test_a_flood_of_logins_is_bounded_and_another_client_still_gets_in(
    logins: Logins, clients: Clients, proofs: Proofs
) -> None:
    """Of thousands as one user so many wait, and the rest is told so at once; who logs in as
    another waits for one proof, not for theirs.
    """
    proofs.gate.clear()
    flood = [asyncio.create_task(logins.login("user-a", f"wrong {n}")) for n in range(2_000)]
    unknown = [asyncio.create_task(logins.login(f"no-{n}", "wrong")) for n in range(2_000)]
    await asyncio.sleep(0)
    right = asyncio.create_task(logins.login("user-b", PASSWORD))
    await asyncio.sleep(0)
    refused = [one for one in (*flood, *unknown) if one.done()]
    assert all(isinstance(one.exception(), OverLimit) for one in refused)
    assert len(refused) >= 4_000 - 2 * (WAITING + 1)
    proofs.gate.set()
    assert await right is clients.register.clients["b"]
    before = proofs.proved.index("hash of b")
    assert before <= 3, "the one that was begun, and one of each other in turn"
    await asyncio.gather(*flood, *unknown, return_exceptions=True)
    assert proofs.most == 1
    assert len(proofs.proved) <= 2 * (WAITING + 1) + 1


async def test_logins_take_no_more_than_their_share_of_a_core(
    clients: Clients, proofs: Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each proof it rests as long as makes that its share."""
    seconds = iter([0.0, 0.3, 1.0, 1.6])
    monkeypatch.setattr(
        passwords, "time", type("Time", (), {"thread_time": staticmethod(lambda: next(seconds))})
    )
    logins = Logins(lambda: clients.register, proofs.prove, proofs.pauses.append)
    try:
        await logins.login("user-a", PASSWORD)
        await logins.login("user-a", PASSWORD)
        for _ in range(1_000):
            if len(proofs.pauses) == 2:
                break
            await asyncio.sleep(0.001)
    finally:
        logins.close()
    for took, pause in zip((0.3, 0.6), proofs.pauses, strict=True):
        assert took / (took + pause) == pytest.approx(SHARE)


async def test_a_proof_that_fails_is_told_to_whoever_waits(clients: Clients) -> None:
    def fail(kept: str, password: str) -> bool:
        raise MemoryError

    logins = Logins(lambda: clients.register, fail, lambda _: None)
    try:
        for _ in range(2):
            with pytest.raises(MemoryError):
                await logins.login("user-a", PASSWORD)
    finally:
        logins.close()
