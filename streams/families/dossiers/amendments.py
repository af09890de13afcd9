"""Dossiers: how corrections join into what is rarely said of one; streams/families/corrections.py
has what they share with those of other things.

A correction is kept beside the facts that it may outdo, as a register or a map by the same key,
ordered by when it was made. What stands then is asked of both (settling.py), so the order of
arrival plays no part. Which correction does what: docs/corrections.md.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import or_
from typing import TypeVar

from schemas.codes import PAYMENT_RANK
from schemas.states import (
    DossierAmendments,
    EndCorrection,
    InstantsCorrection,
    MoveCorrection,
    PaymentCorrection,
    RatingCorrection,
    RefusalCorrection,
    ReopeningCorrection,
    ReturnCorrection,
    Statement,
    pack_id,
)
from schemas.wire import Fields
from streams.families.base import newer, newer_reported, when_heard
from streams.families.corrections import Amendment, effective_at
from streams.families.dossiers.closed import ASKED, CAME, OUTCOMES

_Said = TypeVar("_Said", bound=Statement)
_OfEnd = TypeVar("_OfEnd", EndCorrection, ReturnCorrection)


def end(outcome: str) -> Amendment:
    """The end anew: so, or that there is none."""

    def amend(amended: DossierAmendments, fields: Fields, broker_ms: int) -> None:
        said = EndCorrection(
            fields["occurred_at"],
            pack_id(fields["event_id"]),
            OUTCOMES.index(outcome) if fields["holds"] else 0,
            effective_at(fields),
            fields.get("digitised", False),
            when_heard(fields, broker_ms),
        )
        amended.end = _newest_made(amended.earlier_ends, amended.end, said)

    return amend


def returned(amended: DossierAmendments, fields: Fields, broker_ms: int) -> None:
    """The return of the result anew."""
    said = ReturnCorrection(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["holds"],
        effective_at(fields),
        fields["digitised"],
        fields["how"],
        when_heard(fields, broker_ms),
    )
    amended.returned = _newest_made(amended.earlier_returns, amended.returned, said)


def _newest_made(earlier: dict[int, _OfEnd], known: _OfEnd | None, said: _OfEnd) -> _OfEnd:
    """The correction that was made last; the other one is kept with those before it."""
    if known is None or known.occurred_at == said.occurred_at:
        return newer_reported(known, said)
    newest, older = (said, known) if said.occurred_at > known.occurred_at else (known, said)
    at = older.occurred_at
    earlier[at] = newer_reported(earlier.get(at), older)
    return newest


def refusal(amended: DossierAmendments, fields: Fields, broker_ms: int) -> None:
    """The refusal anew."""
    said = RefusalCorrection(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["holds"],
        effective_at(fields),
        fields["agency"],
        fields["procedure"],
        when_heard(fields, broker_ms),
    )
    amended.refusal = newer_reported(amended.refusal, said)


def reopening(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """The last reopening anew."""
    at = effective_at(fields) if fields["holds"] else 0
    said = ReopeningCorrection(fields["occurred_at"], pack_id(fields["event_id"]), at)
    amended.reopened = newer(amended.reopened, said)


def payment(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """The state of a payment anew, by its reference."""
    said = PaymentCorrection(
        fields["occurred_at"],
        fields["holds"],
        effective_at(fields),
        PAYMENT_RANK.get(fields["state"], 0),
        fields["amount"],
        fields["online"],
    )
    _newest(amended.payments, fields["reference"], said)


def rating(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """A rating anew, by its id."""
    said = RatingCorrection(
        fields["occurred_at"],
        fields["holds"],
        effective_at(fields),
        fields["satisfied"],
        fields["about"],
        fields["score"] or 0,
    )
    _newest(amended.ratings, fields["rating_id"], said)


def move(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """A move anew: the one between these agencies at the instant that the correction names."""
    key = move_key(fields["from_agency"], fields["to_agency"], effective_at(fields))
    said = MoveCorrection(fields["occurred_at"], fields["holds"], fields["electronic"])
    _newest(amended.moves, key, said)


def move_key(from_agency: str, to_agency: str, at: int) -> str:
    """What tells a dossier's moves apart."""
    return f"{from_agency}|{to_agency}|{at}"


def moved_at(move: str) -> int:
    """When a move was."""
    return int(move.rpartition("|")[2])


def _newest(corrections: dict[str, _Said], key: str, said: _Said) -> None:
    corrections[key] = max(said, corrections.get(key, said))


def due(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """The due time anew: from an instant on, or that there is none."""
    # As if it had been said then; never later than the correction, which later ones outdo.
    since = min(effective_at(fields), fields["occurred_at"])
    instants = {since: fields["due_at"]} if fields["holds"] else {}
    amended.dues = _joined(amended.dues, fields["occurred_at"], instants, max)


def papers_asked(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """The requests for papers and the answers to them anew."""
    amended.papers = _waits(amended.papers, fields, ASKED)


def papers_came(amended: DossierAmendments, fields: Fields, broker_ms: int) -> None:
    """The same, perhaps with a due time."""
    amended.papers = _waits(amended.papers, fields, CAME)
    if fields["holds"] and fields["due_at"] is not None:
        due(amended, fields, broker_ms)


def fee_asked(amended: DossierAmendments, fields: Fields, _: int) -> None:
    """The requests for fees anew."""
    amended.fees = _waits(amended.fees, fields, ASKED)


def _waits(known: InstantsCorrection | None, fields: Fields, said: int) -> InstantsCorrection:
    instants = {effective_at(fields): said} if fields["holds"] else {}
    return _joined(known, fields["occurred_at"], instants, or_)


def _joined(
    known: InstantsCorrection | None,
    said_at: int,
    instants: dict[int, int],
    join: Callable[[int, int], int],
) -> InstantsCorrection:
    """Corrections made at one instant are one, which states all that they say; `join`: of what two
    of them say of one instant.
    """
    if known is None or said_at > known.occurred_at:
        return InstantsCorrection(said_at, instants)
    if said_at < known.occurred_at:
        return known
    both = dict(known.instants)
    for at, value in instants.items():
        both[at] = join(both.get(at, 0), value)
    return InstantsCorrection(said_at, both)
