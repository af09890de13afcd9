"""A second opinion on documents and heartbeats, as naive as that on dossiers."""

from __future__ import annotations

from gathered import too_many
from oracle_facts import Fact, Tally, bound, last, ymd

from schemas.cells.kinds import HOURS_BOUNDS


def document_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one document."""
    sent, much = last(fact for fact in facts if fact.type == "document.sent"), too_many(facts)
    flags = ["too_many"] if much else []
    if sent is None:
        at, agency = max((fact.at, fact.fields["agency"]) for fact in facts)
        tally.add("flagged", agency, "-", ymd(at), "no_sending", *flags)
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
    for fact in sorted(facts, key=lambda fact: fact.at):
        if fact.type == "document.status_changed" and "statuses" not in much:
            answers.setdefault(fact.fields["agency"], {})[fact.fields["status"]] = fact.at
    for receiver, times in answers.items():
        _answered(receiver, kind, sent.at, times, tally)
    recalls = {
        fact.fields["answer"]: fact.at
        for fact in sorted(facts, key=lambda fact: fact.at)
        if fact.type == "document.recalled"
    }
    for answer, at in recalls.items() if "recall" not in much else []:
        tally.add(
            "recalled", sender, kind, ymd(at), "refused_recall" if answer == "refused" else answer
        )


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
