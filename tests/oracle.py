"""A second opinion: what facts count for, worked out naively from the definitions in
docs/figures.md.

It knows nothing of states, registers, batches or cells' bytes: facts about one thing are a list,
sorted by (time, event id), and each question is asked of the whole list. Slow and plain on purpose;
no code is shared with the workers.
"""

from __future__ import annotations

from gathered import too_many
from office_hours import working_seconds
from oracle_corrections import restated, settled, void_of
from oracle_facts import (
    FIVE_MINUTES,
    RATING_ABOUT,
    Dossier,
    Fact,
    Tally,
    bound,
    date_of,
    first_heard,
    ymd,
)
from oracle_flow import count_flow
from oracle_undone import undone_ends

from schemas.cells.kinds import DAYS_BOUNDS, LAG_BOUNDS, WORKING_LAG_BOUNDS


def dossier_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one dossier."""
    dossier = Dossier(settled(facts), facts)
    if (void := void_of(facts)) is not None:
        known = dossier.reception
        where = (void.fields["agency"], "-")
        if known is not None:
            where = (dossier.handler, known.fields["procedure"])
        tally.add("voided", *where, ymd(void.at), "voided")
        return
    if dossier.refused:
        assert dossier.refusal is not None
        fields = dossier.refusal.fields
        tally.add(
            "refused", fields["agency"], fields["procedure"], ymd(dossier.refusal.at), "refused"
        )
    if dossier.reception is None:
        if not dossier.refused and dossier.spoken:
            at, agency = dossier.newest
            tally.add("flagged", agency, "-", ymd(at), *_without_reception(dossier))
        return
    agency, procedure = dossier.handler, dossier.reception.fields["procedure"]
    end = None if dossier.refused else dossier.end()
    if not dossier.refused:
        _received(dossier, tally)
        if end is None:
            tally.add(
                "open",
                agency,
                procedure,
                dossier.due,
                "open",
                *(["waiting"] if dossier.waiting else []),
            )
        else:
            _closed(dossier, end, tally)
        count_flow(dossier, end, (agency, procedure), tally)
        if dossier.reopened:
            tally.add("reopened", agency, procedure, ymd(dossier.reopened), "reopened")
        for day in {ymd(at) for at in undone_ends(facts)}:
            tally.add("undone", agency, procedure, day, "undone")
    _paid_and_rated(dossier, agency, procedure, tally)
    flags = _flags(dossier, end)
    if flags:
        tally.add("flagged", agency, procedure, ymd(dossier.received_at), "flagged", *flags)


def _without_reception(dossier: Dossier) -> list[str]:
    much = ["too_many"] if dossier.much else []
    much += ["restated"] if restated(dossier) else []
    if dossier.end() is not None:
        return ["flagged", "no_reception", "end_without_reception", *much]
    return (
        ["supplement_before_reception", *much]
        if dossier.waits_for_papers and not dossier.much
        else ["flagged", "no_reception", *much]
    )


def reported(name: str, at: int, heard: int | None) -> tuple[list[str], dict[str, int]]:
    """Measures and amounts of a report's lag; nothing for imported history."""
    if heard is None:
        return [], {}
    seconds, working = max(0, heard - at) // 1000, working_seconds(at, heard)
    measures = [
        f"{name}reports",
        bound(f"{name}lag", seconds, LAG_BOUNDS),
        bound(f"{name}working_lag", working, WORKING_LAG_BOUNDS),
    ]
    return measures, {f"{name}lag_seconds": seconds, f"{name}working_lag_seconds": working}


def _received(dossier: Dossier, tally: Tally) -> None:
    assert dossier.reception is not None
    fields = dossier.reception.fields
    measures = ["received", f"received_{fields['channel']}"]
    measures += [
        name
        for level, name in ((3, "received_partial"), (4, "received_full"))
        if fields["level"] == level
    ]
    measures += [
        name
        for name in (
            "with_fee",
            "authenticated",
            "reused_data",
            "papers_digitised",
            "from_personal_store",
        )
        if fields[name]
    ]
    measures += (
        ["identified"]
        if fields["authenticated"] or fields["from_personal_store"] or fields["population_data"]
        else []
    )
    measures += (
        ["paid_online"]
        if fields["with_fee"] and any(online for _, _, online in dossier.payments())
        else []
    )
    measures += ["backfilled"] if fields["backfill"] else []
    said_at = dossier.reception.at
    reports, seconds = reported("reception_", said_at, first_heard(dossier.receptions, said_at))
    tally.add(
        "received",
        fields["agency"],
        fields["procedure"],
        ymd(dossier.received_at),
        *measures,
        *reports,
        **seconds,
    )


def _closed(dossier: Dossier, end: tuple[int, str, int | None], tally: Tally) -> None:
    assert dossier.reception is not None
    at, outcome, heard = end
    measures = [
        "closed",
        outcome,
        *(_result(dossier) if outcome == "finished" else []),
        *_in_time(dossier, at, outcome),
    ]
    measures.append(
        bound("days", max(0, (date_of(at) - date_of(dossier.received_at)).days), DAYS_BOUNDS)
    )
    requests, paused = dossier.waits(at)
    measures += ["asked_for_papers"] if requests else []
    measures += (
        ["asked_again_in_time"]
        if requests > 1 and dossier.due and date_of(at) <= date_of(dossier.due)
        else []
    )
    working = working_seconds(dossier.received_at, at) - paused if outcome == "finished" else 0
    amounts = {
        "processing_seconds": max(0, at - dossier.received_at) // 1000,
        "processing_working_seconds": working,
        "paused_working_seconds": paused,
    }
    reports, seconds = reported("", at, heard)
    if heard is not None:
        measures += ["reported_late"] if date_of(heard) > date_of(at) else []
        measures += ["looked_overdue"] if at <= dossier.due < heard and not dossier.waiting else []
    returned = dossier.standing("result_returned")
    if returned is not None and outcome == "finished":
        more_reports, more_seconds = reported(
            "return_", returned.at, first_heard(dossier.of("result_returned"), returned.at)
        )
        reports, seconds = reports + more_reports, seconds | more_seconds
    tally.add(
        "closed",
        dossier.handler,
        dossier.reception.fields["procedure"],
        ymd(at),
        *measures,
        *reports,
        **amounts,
        **seconds,
    )


def _result(dossier: Dossier) -> list[str]:
    assert dossier.reception is not None
    measures = ["results"] if dossier.of("step_taken") else ["results", "finished_without_step"]
    if dossier.reception.fields["channel"] == "online":
        measures.append("finished_online")
    facts = (dossier.standing("finished"), dossier.standing("result_returned"))
    if any(fact is not None and fact.fields["digitised"] for fact in facts):
        measures.append("results_digitised")
        measures += ["digitised_throughout"] if dossier.reception.fields["papers_digitised"] else []
    moves = dossier.of("transferred")
    if moves and "transfers" not in dossier.too_many:
        measures.append("moved")
        if all(move.fields["electronic"] for move in moves):
            measures.append("moved_electronically")
    return measures


def _in_time(dossier: Dossier, at: int, outcome: str) -> list[str]:
    due = dossier.due
    if not due:
        return ["no_due"]
    measures = ["on_time" if at <= due else "late"]
    measures += ["finished_late"] if outcome == "finished" and at > due else []
    measures += ["early"] if date_of(at) < date_of(due) else []
    measures += ["late_766"] if date_of(at) > date_of(due) else []
    returned = dossier.standing("result_returned")
    return measures + (["late_06a"] if returned is not None and returned.at > due else [])


def _paid_and_rated(dossier: Dossier, agency: str, procedure: str, tally: Tally) -> None:
    for at, amount, online in dossier.payments():
        tally.add("paid", agency, procedure, ymd(at), "transactions", amount=amount)
        if online:
            tally.add(
                "paid", agency, procedure, ymd(at), "transactions_online", amount_online=amount
            )
    ratings: dict[str, tuple[int, bool, str]] = {}
    for fact in dossier.of("rated") if "ratings" not in dossier.too_many else []:
        rating = (fact.at, fact.fields["satisfied"], fact.fields["about"])
        ratings[fact.fields["rating_id"]] = max(
            rating, ratings.get(fact.fields["rating_id"], rating)
        )
    for at, satisfied, about in ratings.values():
        suffix = RATING_ABOUT[about]
        tally.add(
            "rated",
            agency,
            procedure,
            ymd(at),
            f"ratings{suffix}",
            *([f"satisfied{suffix}"] if satisfied else []),
        )


def _flags(dossier: Dossier, end: tuple[int, str, int | None] | None) -> list[str]:
    assert dossier.reception is not None
    fields = dossier.reception.fields
    heard = first_heard(dossier.receptions, dossier.reception.at)
    steps = [fact.at for fact in dossier.of("step_taken")]
    # Each source's last word on the end of processing, as far as it stands.
    said = {
        fact.fields["source"]: fact.at
        for fact in sorted(dossier.of("finished"), key=lambda fact: fact.at)
    }
    ends = {at for at in said.values() if at >= dossier.reopened}
    finished, returned = dossier.standing("finished"), dossier.standing("result_returned")
    moved = zip(dossier.dues, dossier.dues[1:], strict=False)
    broken = {
        "offline_procedure_online": fields["level"] == 2 and fields["channel"] == "online",
        "received_in_future": heard is not None and dossier.received_at > heard + FIVE_MINUTES,
        "too_many": dossier.much,
        "restated": restated(dossier),
        "due_moved_after_passed": "dues" not in dossier.too_many
        and any(at > passed and due != passed for (_, passed), (at, due) in moved),
        "sources_disagree": len(ends) > 1 and "finish" not in too_many(dossier.told),
        "finished_without_end": end is not None and end[1] == "finished" and finished is None,
        "ended_in_future": end is not None
        and end[2] is not None
        and end[0] > end[2] + FIVE_MINUTES,
        "received_after_end": end is not None and dossier.received_at > end[0],
        "step_after_end": end is not None and any(step > end[0] for step in steps),
        "due_before_reception": 0 < dossier.due < dossier.received_at,
        "step_before_reception": any(step < dossier.received_at for step in steps),
        "returned_before_end": end is not None
        and finished is not None
        and returned is not None
        and returned.at < finished.at,
    }
    return [flag for flag, yes in broken.items() if yes]
