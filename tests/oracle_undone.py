"""Which ends of a dossier reopenings undid, read naively: what was said before a reopening is told
to somebody who knows nothing else, and who is asked how it ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from gathered import ENDS, amended_too_many, is_correction, too_many
from oracle_corrections import REOPENING, RETURN, effective, settled
from oracle_facts import Dossier, Fact, last


def undone_ends(told: list[Fact]) -> list[int]:
    """When those ended, in the order of the reopenings; none of too many."""
    without = too_many(told) | amended_too_many(told)
    if without & {"earlier", "amended_earlier_ends", "amended_earlier_returns"}:
        return []
    ends, since = [], 0
    for at in sorted(set(_reopenings(told))):
        before = [fact for fact in told if fact.type in (*ENDS, RETURN) and fact.at < at]
        if since:
            before.append(Fact(REOPENING, {"occurred_at": since, "event_id": ""}, since))
        end = Dossier(settled(before)).end()
        if end is not None:
            ends.append(end[0])
        since = at
    return ends


def _reopenings(told: list[Fact]) -> Iterator[int]:
    """When it was reopened: as was said last by a correction, and as was said since."""
    reopenings = [fact for fact in told if fact.type == REOPENING]
    correction = last(fact for fact in reopenings if is_correction(fact))
    ordinary = [fact.at for fact in reopenings if not is_correction(fact)]
    if correction is None:
        yield from ordinary
        return
    later = [at for at in ordinary if at > correction.at]
    yield from later
    if correction.fields["holds"] and not (later and effective(correction) > max(later)):
        yield effective(correction)
