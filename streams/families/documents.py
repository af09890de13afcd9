"""Documents exchanged between agencies: state and counts (the rules in words: docs/figures.md).

A receiver's answers are a map (receiver, status code) -> greatest time, so that every arrival order
gives the same state. Until the sending is known, a document counts only as flagged; a voided one
counts only as voided.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from schemas.cells.kinds import HOURS_BOUNDS
from schemas.clock import HOUR_MS, day
from schemas.states import ReporterFact, VoidFact, pack_id
from schemas.wire import Fields
from schemas.work_states import (
    Document,
    DocumentAmendments,
    InstantCorrection,
    SendingCorrection,
    SendingFact,
)
from streams.families.base import (
    ALL,
    Contribution,
    Family,
    measure_indexes,
    newer_restated,
    spoken_of,
)
from streams.families.bounds import (
    AmendedGroup,
    BoundedAnswers,
    BoundedGroup,
    by_fact,
    by_value,
    over,
)
from streams.families.corrections import (
    amend_entry,
    at_instant,
    correctable,
    effective_at,
    restored,
    standing_fact,
    standing_instant,
    void_of,
    voided,
)

_SENT = measure_indexes("documents", "sent")
_RECEIVED = measure_indexes("documents", "received")
_ACCEPTED = measure_indexes("documents", "accepted")
_HANDLED = measure_indexes("documents", "handled")
_RECALLED = measure_indexes("documents", "recalled")
_FLAGGED = measure_indexes("documents", "flagged")
_RECALL_INDEX = {
    "asked": _RECALLED["asked"],
    "agreed": _RECALLED["agreed"],
    "refused": _RECALLED["refused_recall"],
}
_OF_STATUSES = {"statuses", "amended_statuses"}
_GROUPS: tuple[BoundedGroup, ...] = (
    BoundedAnswers("statuses", "answers", by_value),
    BoundedGroup("recall", "answers to a recall", by_value),
    AmendedGroup("amended_statuses", "corrections of answers", by_fact),
)


def sent(state: Document, fields: Fields, _: int) -> None:
    """Who sent what, and how."""
    state.sent = newer_restated(state.sent, _sending(fields))
    state.reporter = None


def _sending(fields: Fields) -> SendingFact:
    return SendingFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["document_type"],
        fields["electronic"],
        fields["signed"],
    )


def _sending_anew(amended: DocumentAmendments, fields: Fields, _: int) -> None:
    fact = at_instant(_sending(fields), effective_at(fields))
    said = SendingCorrection(
        fields["occurred_at"], pack_id(fields["event_id"]), fields["holds"], fact
    )
    amended.sent = newer_restated(amended.sent, said)


def status_changed(state: Document, fields: Fields, _: int) -> None:
    """A receiver's answer; of one answer given twice, the later time stays."""
    answers = state.statuses.setdefault(fields["agency"], {})
    answers[fields["status"]] = max(fields["occurred_at"], answers.get(fields["status"], 0))


def _status_anew(amended: DocumentAmendments, fields: Fields, _: int) -> None:
    amend_entry(amended.statuses, f"{fields['agency']}|{fields['status']}", fields)


def recalled(state: Document, fields: Fields, _: int) -> None:
    """A recall asked for, agreed or refused."""
    state.recall[fields["answer"]] = max(
        fields["occurred_at"], state.recall.get(fields["answer"], 0)
    )


def _recall_anew(amended: DocumentAmendments, fields: Fields, _: int) -> None:
    if fields["answer"] in _RECALL_INDEX:  # others count nowhere
        amend_entry(amended.recall, fields["answer"], fields)


class StandingDocument(NamedTuple):
    """What stands of a document. `unsent`: who spoke of it, where its sending does not stand."""

    sending: SendingFact | None
    statuses: dict[str, dict[str, int]]
    recall: dict[str, int]
    unsent: ReporterFact | None
    restated: bool


def standing_document(state: Document) -> StandingDocument:
    """What stands of facts and corrections."""
    amended = state.amended
    if amended is None:
        restated = state.sent is not None and state.sent.restated
        return StandingDocument(state.sent, state.statuses, state.recall, state.reporter, restated)
    sending = standing_fact(state.sent, amended.sent)
    statuses = {receiver: dict(answers) for receiver, answers in state.statuses.items()}
    recall = dict(state.recall)
    restated = sending.restated
    for key, correction in amended.statuses.items():
        receiver, _, status = key.partition("|")
        restated |= _put(statuses.setdefault(receiver, {}), status, correction)
    for answer, correction in amended.recall.items():
        restated |= _put(recall, answer, correction)
    unsent = state.reporter
    if sending.denied is not None:
        spoken = state.statuses or state.recall or amended.statuses or amended.recall
        unsent = ReporterFact(sending.said, sending.denied.fact.agency) if spoken else None
    return StandingDocument(sending.fact, statuses, recall, unsent, restated)


def _put(entries: dict[str, int], key: str, correction: InstantCorrection) -> bool:
    """Put into the entries what stands of one, and say whether it was restated."""
    stands = standing_instant(entries.pop(key, 0), correction)
    if stands.at:
        entries[key] = stands.at
    return stands.restated


def counts(state: Document, _parts: int = ALL) -> list[Contribution]:
    """The cells that a document counts in."""
    standing = standing_document(state)
    sending = standing.sending
    void = void_of(state)
    if void is not None:
        return [_voided(void, sending)]
    much = {group.name for group in over(_GROUPS, state)}  # these count nothing
    flags = _flags(much, standing)
    if sending is None:
        return [_unknown(standing.unsent, flags)] if standing.unsent else []
    at, kind = sending.occurred_at, sending.document_type
    tail = f"{sending.agency}|{kind}|"
    found: list[Contribution] = [(f"documents|sent|{tail}{day(at)}".encode(), _ways(sending), ())]
    if flags:
        found.append((f"documents|flagged|{tail}{day(at)}".encode(), flags, ()))
    if not much & _OF_STATUSES:
        for receiver, answers in standing.statuses.items():
            found += _answers(f"{receiver}|{kind}|", at, answers)
    if "recall" not in much:
        found += _recalls(f"documents|recalled|{tail}", standing.recall)
    return found


def _voided(void: VoidFact, sending: SendingFact | None) -> Contribution:
    where = f"{sending.agency}|{sending.document_type}" if sending else f"{void.agency}|-"
    return (f"documents|voided|{where}|{day(void.occurred_at)}".encode(), (0,), ())


def _ways(sending: SendingFact) -> tuple[int, ...]:
    """All documents, and those that were sent electronically, signed, or both."""
    ones = [_SENT["documents"]]
    if sending.electronic:
        ones.append(_SENT["electronic"])
    if sending.signed:
        ones.append(_SENT["signed"])
    if sending.electronic and sending.signed:
        ones.append(_SENT["electronic_signed"])
    return tuple(ones)


def _recalls(key: str, recall: dict[str, int]) -> list[Contribution]:
    return [
        (f"{key}{day(at)}".encode(), (_RECALL_INDEX[answer],), ())
        for answer, at in recall.items()
        if answer in _RECALL_INDEX
    ]


def _flags(much: set[str], standing: StandingDocument) -> tuple[int, ...]:
    ones = []
    if much:
        ones.append(_FLAGGED["too_many"])
    if standing.restated:
        ones.append(_FLAGGED["restated"])
    return tuple(ones)


def _unknown(reporter: ReporterFact, flags: tuple[int, ...]) -> Contribution:
    key = f"documents|flagged|{reporter.agency}|-|{day(reporter.occurred_at)}"
    return (key.encode(), (_FLAGGED["no_sending"], *flags), ())


def _answers(tail: str, sent_at: int, answers: dict[str, int]) -> list[Contribution]:
    """What one receiver's answers count for; of acceptance (03) and refusal (02) the later one
    stands.
    """
    found: list[Contribution] = []
    if "01" in answers:
        found.append(
            (f"documents|received|{tail}{day(answers['01'])}".encode(), (_RECEIVED["arrived"],), ())
        )
    accepted, refused = answers.get("03", 0), answers.get("02", 0)
    if refused > accepted:
        found.append(
            (f"documents|received|{tail}{day(refused)}".encode(), (_RECEIVED["refused"],), ())
        )
    elif accepted:
        found.append(
            (f"documents|received|{tail}{day(accepted)}".encode(), (_RECEIVED["accepted"],), ())
        )
        found.append(_timed("accepted", tail, _ACCEPTED["accepted_timed"], (), accepted, sent_at))
    if "06" in answers:
        found.append(
            _timed(
                "handled",
                tail,
                _HANDLED["completed_timed"],
                (_HANDLED["completed"],),
                answers["06"],
                sent_at,
            )
        )
    return found


def _timed(
    kind: str, tail: str, timed: int, ones: tuple[int, ...], at: int, sent_at: int
) -> Contribution:
    """The time from sending to an answer: seconds behind `timed`, then the classes of hours."""
    took = max(0, at - sent_at)
    hours = -(-took // HOUR_MS)
    classes = (*ones, timed, timed + 2 + bisect_left(HOURS_BOUNDS, hours))
    return (f"documents|{kind}|{tail}{day(at)}".encode(), classes, ((timed + 1, took // 1000),))


FAMILY = Family(
    name="documents",
    version=3,
    state=Document,
    states_since=3,
    groups=_GROUPS,
    merges={
        "document.sent": correctable(sent, _sending_anew),
        "document.status_changed": spoken_of("sent", correctable(status_changed, _status_anew)),
        "document.recalled": spoken_of("sent", correctable(recalled, _recall_anew)),
        "document.voided": voided,
        "document.restored": restored,
    },
    counts=counts,
)
