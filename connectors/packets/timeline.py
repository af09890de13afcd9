"""Since when a dossier has been in which state, by its steps; and where no step says so, by when
the hub heard of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connectors.packets.states import ASKED_FOR, CAME_IN, Instants, PacketStep

MOST_STEPS = 500  # that are kept of one dossier; further ones are facts, but move no wait
_PAPERS, _FEE, _NONE = "papers", "fee", ""
# what a dossier waits for in a state; states that end it otherwise than done leave that as it is
_WAITS = {2: _NONE, 4: _NONE, 5: _PAPERS, 6: _FEE, 9: _NONE, 10: _NONE}
_OPEN = (2, 4, 5, 6)
_CLOCKS_MS = 300_000  # a client's clock may be so much ahead of the hub's


class Waits(NamedTuple):
    """When papers were asked for and came in; when fees were asked for, and when they were paid."""

    papers: Instants
    fees: tuple[int, ...]
    paid: tuple[int, ...]
    now: str  # what it waits for in the end


def waits_of(timeline: Iterable[PacketStep]) -> Waits:
    """The waits that states in order come to."""
    papers: list[tuple[int, int]] = []
    fees: list[int] = []
    paid: list[int] = []
    waits = _NONE
    for step in sorted(timeline):
        anew = _WAITS.get(step.status, waits)
        if anew == waits:
            continue
        if waits == _PAPERS:
            papers.append((step.at, CAME_IN))
        elif waits == _FEE:
            paid.append(step.at)
        if anew == _PAPERS:
            papers.append((step.at, ASKED_FOR))
        elif anew == _FEE:
            fees.append(step.at)
        waits = anew
    return Waits(tuple(papers), tuple(fees), tuple(paid), waits)


def waits_for(status: int) -> str | None:
    """What an open dossier in this state waits for; None of one that has ended or not begun."""
    return _WAITS[status] if status in _OPEN else None


def marked(
    steps: Sequence[PacketStep], marks: Sequence[PacketStep], status: int, heard_at: int
) -> tuple[PacketStep, ...]:
    """The marks, with one more where steps and marks say that it waits for something else than this
    state of a packet does.
    """
    waits = waits_for(status)
    if waits is None or waits == waits_of((*steps, *marks)).now:
        return tuple(marks)
    # the last word on the state, whatever a client's clock says
    last = max((one.at for one in (*steps, *marks)), default=0)
    return (*marks, PacketStep(max(heard_at, last + 1), status))


def with_steps(
    steps: Sequence[PacketStep], marks: Sequence[PacketStep], new: Iterable[PacketStep]
) -> tuple[tuple[PacketStep, ...], tuple[PacketStep, ...]]:
    """Steps and marks after further steps. One that says since when a state holds takes the place
    of what the hub had noted when it heard of that state.
    """
    known, left = set(steps), list(marks)
    for step in new:
        if step in known or len(known) >= MOST_STEPS:
            continue
        known.add(step)
        told = [one for one in left if one.status == step.status and one.at + _CLOCKS_MS >= step.at]
        if told:
            left.remove(min(told))
    return tuple(sorted(known)), tuple(left)
