"""How much one thing may gather: of each map in its state the `MOST` + 1 newest entries are kept,
and of more than `MOST` none counts.

So no state outgrows what Kafka takes (schemas/states.py has the numbers), whoever says what, how
often and in whatever order.

To keep the newest entries by (occurred_at, key) gives the same, cut now or later, once or often,
because

- an entry's time only grows: a map keeps of each key the statement with the greatest time, or the
  key holds the time;
- a statement of a later time outdoes those before it of its key *entirely*: none of them is needed
  to make the entry as it must be.

An entry is cut because `MOST` + 1 others are newer, and those can only become newer still. So
either it would be cut in the end as well, or a later statement brings it back, as if it had never
been away. What is kept are the newest of all entries that were ever said, each with its true value.
Of one time the key decides and no event id, since of two statements of one time both may leave
something (`newer_reported`): only a later one outdoes the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from schemas.states import MOST, Dossier, Register, Statement
from schemas.work_states import Document


def too_many(group: str, entries: Sized) -> bool:
    """Whether a group has more entries than count."""
    return len(entries) > MOST[group]


@dataclass(frozen=True)
class BoundedGroup:
    """A map of a state: its field's name, what its entries are, and when one of them (key, value)
    occurred.
    """

    name: str
    holds: str
    at: Callable[[Any, Any], int]

    def map_in(self, state: Any) -> dict[Any, Any]:
        """The map."""
        found: dict[Any, Any] = getattr(state, self.name)
        return found

    def size(self, state: Any) -> int:
        """How many entries there are."""
        return len(self.map_in(state))

    def cut(self, state: Any) -> None:
        """Keep the newest entries, one more than count."""
        excess = self.size(state) - MOST[self.name] - 1
        if excess > 0:
            for _, key in sorted(self._entries(state))[:excess]:
                self._drop(state, key)

    def _entries(self, state: Any) -> Iterator[tuple[int, Any]]:
        """(occurred_at, key) of each."""
        return ((self.at(key, value), key) for key, value in self.map_in(state).items())

    def _drop(self, state: Any, key: Any) -> None:
        del self.map_in(state)[key]


class BoundedPayments(BoundedGroup):
    """Payments. When one that is not paid was paid before hangs on more than its newest statement,
    so of too many it is not kept.
    """

    def cut(self, state: Dossier) -> None:
        """Keep the newest entries, one more than count."""
        super().cut(state)
        if too_many(self.name, state.payments):
            for reference, payment in state.payments.items():
                if payment.paid_before:
                    state.payments[reference] = replace(payment, paid_before=0)


class AmendedGroup(BoundedGroup):
    """A map of corrections, in what is rarely said of a thing: `amended_payments` is
    `amended.payments`.
    """

    def map_in(self, state: Any) -> dict[Any, Any]:
        """The map; empty where nothing was corrected."""
        found: dict[Any, Any] = {}
        return found if state.amended is None else getattr(state.amended, self._field)

    @property
    def _field(self) -> str:
        return self.name.removeprefix("amended_")


class AmendedInstants(AmendedGroup):
    """A correction that states several instants: those of the newest correction are all there
    are.
    """

    def map_in(self, state: Any) -> dict[Any, Any]:
        said = None if state.amended is None else getattr(state.amended, self._field)
        return {} if said is None else said.instants


class BoundedAnswers(BoundedGroup):
    """The answers to a document: a map of maps, whose entries are (receiver, status)."""

    def size(self, state: Document) -> int:
        """How many answers there are."""
        return sum(map(len, state.statuses.values()))

    def _entries(self, state: Document) -> Iterator[tuple[int, Any]]:
        return (
            (at, (receiver, status))
            for receiver, answers in state.statuses.items()
            for status, at in answers.items()
        )

    def _drop(self, state: Document, key: tuple[str, str]) -> None:
        receiver, status = key
        del state.statuses[receiver][status]
        if not state.statuses[receiver]:
            del state.statuses[receiver]


def over(groups: Iterable[BoundedGroup], state: Any) -> list[BoundedGroup]:
    """The groups that have more entries than count."""
    return [group for group in groups if group.size(state) > MOST[group.name]]


def by_key(at: int, _: Any) -> int:
    """Of maps whose key is the time."""
    return at


def by_value(_: str, at: int) -> int:
    """Of maps whose value is the time."""
    return at


def by_fact(_: str, fact: Register | Statement) -> int:
    """Of maps whose values are facts."""
    return fact.occurred_at
