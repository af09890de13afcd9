"""Documents exchanged between agencies: state and counts (the rules in words: docs/figures.md).

A receiver's answers are a map (receiver, status code) -> greatest time, so that every arrival order
gives the same state. Until the sending is known, a document counts only as flagged.
"""

from __future__ import annotations

from bisect import bisect_left

from schemas.cells.kinds import HOURS_BOUNDS
from schemas.clock import HOUR_MS, day
from schemas.states import Document, ReporterFact, SendingFact, pack_id
from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family, measure_indexes, newer
from streams.families.bounds import BoundedAnswers, BoundedGroup, by_value, over

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
_GROUPS: tuple[BoundedGroup, ...] = (
    BoundedAnswers("statuses", "answers", by_value),
    BoundedGroup("recall", "answers to a recall", by_value),
)


def sent(state: Document, fields: Fields, _: int) -> None:
    """Who sent what, and how."""
    said = SendingFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["document_type"],
        fields["electronic"],
        fields["signed"],
    )
    state.sent = newer(state.sent, said)
    state.reporter = None


def status_changed(state: Document, fields: Fields, _: int) -> None:
    """A receiver's answer; of one answer given twice, the later time stays."""
    answers = state.statuses.setdefault(fields["agency"], {})
    answers[fields["status"]] = max(fields["occurred_at"], answers.get(fields["status"], 0))
    _heard(state, fields)


def recalled(state: Document, fields: Fields, _: int) -> None:
    """A recall asked for, agreed or refused."""
    state.recall[fields["answer"]] = max(
        fields["occurred_at"], state.recall.get(fields["answer"], 0)
    )
    _heard(state, fields)


def _heard(state: Document, fields: Fields) -> None:
    if state.sent is None:
        spoken = ReporterFact(fields["occurred_at"], fields["agency"])
        state.reporter = max(spoken, state.reporter or spoken)


def counts(state: Document, _parts: int = ALL) -> list[Contribution]:
    """The cells that a document counts in."""
    if state.sent is None:
        return [_unknown(state.reporter, state)] if state.reporter else []
    sending = state.sent
    at, kind = sending.occurred_at, sending.document_type
    tail = f"{sending.agency}|{kind}|"
    found: list[Contribution] = [(f"documents|sent|{tail}{day(at)}".encode(), _ways(sending), ())]
    much = _too_many(state)
    if much:
        found.append((f"documents|flagged|{tail}{day(at)}".encode(), (_FLAGGED["too_many"],), ()))
    if "statuses" not in much:
        for receiver, answers in state.statuses.items():
            found += _answers(f"{receiver}|{kind}|", at, answers)
    if "recall" not in much:
        found += _recalls(f"documents|recalled|{tail}", state.recall)
    return found


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


def _too_many(state: Document) -> list[str]:
    """The names of what there is so much of that it counts nothing."""
    return [group.name for group in over(_GROUPS, state)]


def _unknown(reporter: ReporterFact, state: Document) -> Contribution:
    ones = [_FLAGGED["no_sending"]]
    if _too_many(state):
        ones.append(_FLAGGED["too_many"])
    key = f"documents|flagged|{reporter.agency}|-|{day(reporter.occurred_at)}"
    return (key.encode(), tuple(ones), ())


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
    version=2,
    state=Document,
    groups=_GROUPS,
    merges={
        "document.sent": sent,
        "document.status_changed": status_changed,
        "document.recalled": recalled,
    },
    counts=counts,
)
