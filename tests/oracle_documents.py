"""A second opinion on documents and heartbeats, as naive as that on dossiers."""

from __future__ import annotations

from corrected import corrected, denied, newest, said, void
from gathered import too_many
from oracle_facts import Fact, Tally, bound, ymd

from schemas.cells.kinds import HOURS_BOUNDS


def document_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one document."""
    known, much = corrected(facts), too_many(facts)
    sent = newest(fact for fact in known if fact.type == "document.sent")
    if (voided := void(facts)) is not None:
        where = (
            (sent.fields["agency"], sent.fields["document_type"])
            if sent
            else (voided.fields["agency"], "-")
        )
        tally.add("voided", *where, ymd(voided.at), "voided")
        return
    flags = ["too_many"] if much else []
    if sent is None:
        _unsent(facts, flags, tally)
        return
    sender, kind = sent.fields["agency"], sent.fields["document_type"]
    electronic, signed = sent.fields["electronic"], sent.fields["signed"]
    measures = {
        "documents": True,
        "electronic": electronic,
        "signed": signed,
        "electronic_signed": electronic and signed,
    }
    tally.add("sent", sender, kind, ymd(sent.at), *(name for name, yes in measures.items() if yes))
    tally.add("flagged", sender, kind, ymd(sent.at), *flags)
    answers: dict[str, dict[str, int]] = {}
    for fact in sorted(known, key=said):
        if fact.type == "document.status_changed" and not much & {"statuses", "amended_statuses"}:
            answers.setdefault(fact.fields["agency"], {})[fact.fields["status"]] = fact.at
    for receiver, times in answers.items():
        _answered(receiver, kind, sent.at, times, tally)
    recalls = {
        fact.fields["answer"]: fact.at
        for fact in sorted(known, key=said)
        if fact.type == "document.recalled"
    }
    for answer, at in recalls.items() if "recall" not in much else []:
        tally.add(
            "recalled", sender, kind, ymd(at), "refused_recall" if answer == "refused" else answer
        )


def _unsent(facts: list[Fact], flags: list[str], tally: Tally) -> None:
    answers = [
        fact for fact in facts if fact.type in ("document.status_changed", "document.recalled")
    ]
    spoke = denied(facts, "document.sent") or max(
        answers, key=lambda fact: (fact.at, fact.fields["agency"]), default=None
    )
    if answers and spoke is not None:
        tally.add("flagged", spoke.fields["agency"], "-", ymd(spoke.at), "no_sending", *flags)


def _answered(receiver: str, kind: str, sent_at: int, times: dict[str, int], tally: Tally) -> None:
    if "01" in times:
        tally.add("received", receiver, kind, ymd(times["01"]), "arrived")
    accepted, refused = times.get("03", 0), times.get("02", 0)
    if refused > accepted:
        tally.add("received", receiver, kind, ymd(refused), "refused")
    elif accepted:
        tally.add("received", receiver, kind, ymd(accepted), "accepted")
        _timed("accepted", "accepted", receiver, kind, accepted, accepted - sent_at, tally)
    if "06" in times:
        tally.add("handled", receiver, kind, ymd(times["06"]), "completed")
        _timed("handled", "completed", receiver, kind, times["06"], times["06"] - sent_at, tally)


def _timed(
    cell: str, name: str, receiver: str, kind: str, at: int, took: int, tally: Tally
) -> None:
    milliseconds = max(0, took)
    hours = -(-milliseconds // 3_600_000)
    seconds = {f"{name}_seconds": milliseconds // 1000}
    tally.add(
        cell,
        receiver,
        kind,
        ymd(at),
        f"{name}_timed",
        bound(f"{name}_h", hours, HOURS_BOUNDS),
        **seconds,
    )


def heartbeat_figures(facts: list[Fact], tally: Tally) -> None:
    """When the newest heartbeat of one partition was heard."""
    tally.add("beat", "hub", "-", 0, occurred_at=max(fact.heard for fact in facts))
