"""Passwords that people chose, for doors where a system logs in with one (packets): kept as argon2,
proved one at a time, so that no flood of logins takes more than a part of one core.

Who waits is served in turn, a user at a time: logins as one user, right or wrong, hold up nobody
who logs in as another.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from serving.access.clients import Client
from serving.access.errors import UNREAD, AccessUnknown, OverLimit
from serving.access.register import ClientRegister

SHARE = 0.3  # of one core, at most, that logins take
WAITING = 8  # logins as one user that wait at once; all unknown users are one
LONGEST_PASSWORD = 256  # characters
RETRY_SECONDS = 5
_NOBODY = ""

# as RFC 9106 advises where memory is short, but in one thread: what it takes is then known
_hasher = PasswordHasher(time_cost=3, memory_cost=64 << 10, parallelism=1)
# proved where there is no such user, so that it takes as long
_NO_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=1$Y9WuhAVJQSq3FkEnnuHipQ"
    "$IUndMDrVZ4pzV8zSv3BUtck1uoyCV2WooI33ycoTU3Q"
)
Prove = Callable[[str, str], bool]


def hash_password(password: str) -> str:
    """The argon2id hash that is kept of a password."""
    return _hasher.hash(password)


def prove_password(kept: str, password: str) -> bool:
    """Whether it is the password of a hash; takes a tenth of a second of one core."""
    try:
        return _hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


class Logins:
    """Proves user and password, within bounds. For one event loop; `close` ends its thread."""

    def __init__(
        self,
        register: Callable[[], ClientRegister | None],
        prove: Prove = prove_password,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`pause` is called in the thread that proves, after each proof."""
        self._register, self._prove, self._pause = register, prove, pause
        self._waiting: OrderedDict[str, list[tuple[asyncio.Future[bool], str, str]]] = OrderedDict()
        self._pool = ThreadPoolExecutor(1, "logins")
        self._working: asyncio.Task[None] | None = None
        self._took = 0.0  # seconds of a core, of the last proof

    async def login(self, user: str, password: str) -> Client | None:
        """The client that logs in so; None if user or password are wrong.

        Raises: OverLimit where too many logins as this user wait; AccessUnknown while the register
        was not read yet
        """
        register = self._register()
        if register is None:
            raise AccessUnknown(UNREAD)
        client = register.logins.get(user)
        packets = None if client is None else client.packets
        if len(password) > LONGEST_PASSWORD:
            return None
        right = await self._in_turn(
            user if packets is not None else _NOBODY,
            packets.password if packets is not None else _NO_HASH,
            password,
        )
        return client if right and packets is not None else None

    async def _in_turn(self, user: str, kept: str, password: str) -> bool:
        waiting = self._waiting.setdefault(user, [])
        if len(waiting) >= WAITING:
            raise OverLimit(
                "Too many logins at once: log in again after Retry-After seconds.", RETRY_SECONDS
            )
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.append((answer, kept, password))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Prove what waits, each user in turn, until nothing does."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            user, waiting = self._waiting.popitem(last=False)
            answer, kept, password = waiting.pop(0)
            if waiting:
                self._waiting[user] = waiting  # behind all others
            if answer.done():  # whoever asked went away
                continue
            try:
                right = await loop.run_in_executor(self._pool, self._proved, kept, password)
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(right)
            await loop.run_in_executor(self._pool, self._rest)

    def _proved(self, kept: str, password: str) -> bool:
        began = time.thread_time()
        right = self._prove(kept, password)
        self._took = time.thread_time() - began
        return right

    def _rest(self) -> None:
        """As long as keeps the share of a core."""
        self._pause(self._took * (1 / SHARE - 1))

    def close(self) -> None:
        """End the thread; who waits is told that it was cancelled."""
        if self._working is not None:
            self._working.cancel()
        for waiting in self._waiting.values():
            for answer, _, _ in waiting:
                answer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
