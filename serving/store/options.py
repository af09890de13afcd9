"""What is followed: the topics, how much of them at once, and the store that is fed with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition

from schemas.errors import StorageTrouble
from serving.store.disposable import Position


class Store(Protocol):
    """What is fed, and knows how far it was fed. A partition is named as the store names it.

    An odd `generation` can be read, and another one holds nothing of the one before; `trouble` is
    what keeps it from being written.
    """

    @property
    def generation(self) -> int: ...
    @property
    def trouble(self) -> StorageTrouble | None: ...

    def open(self, cluster: str, now_ms: int) -> Mapping[Any, Position]: ...
    def rebuild(self, cluster: str, now_ms: int, reason: str) -> Mapping[Any, Position]: ...
    def apply(self, records: Sequence[Any], positions: Mapping[Any, int]) -> None: ...
    def check(self) -> None: ...
    def complete(self, now_ms: int) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FollowerOptions:
    """How a store is fed.

    `store` is its name for people, `partition` names a partition as the store does. `rest`: after a
    batch, times as long as that took, so that what is less urgent leaves the processor to the rest
    of the hub; not while `hurry` says that somebody waits for the store. `vital`: without it
    nothing may be told, so that its failure ends the process; else it is tried again, and others
    go on. `lasting`: what was complete stays told while it is read anew. `caught_up` is called each
    time that the store has come to hold all that stood there when a reading began, before anybody
    is told so.
    """

    store: str
    topics: tuple[str, ...]
    partition: Callable[[TopicPartition], Any] = lambda found: found
    batch: int = 50_000  # records
    wait_ms: int = 40
    rest: float = 0.0
    hurry: Callable[[], bool] = lambda: False
    vital: bool = True
    lasting: bool = False
    caught_up: Callable[[], None] = lambda: None
    catching_up: str = "catching up"  # what it is doing until then
