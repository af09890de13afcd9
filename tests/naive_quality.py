"""The rules of data quality straight from events, each by the words of its definition."""

from __future__ import annotations

from naive import ABSENT, Asked, Case, Figure, World, defines
from naive_dossiers import MINUTES_5, known, received, unknown
from oracle_corrections import restated

# Rules that are broken: each says so of a dossier that was received


def due_moved_after_passed(one: Case) -> bool:
    return any(
        said > before and due != before
        for (_, before), (said, due) in zip(one.dues, one.dues[1:], strict=False)
    )


def due_before_reception(one: Case) -> bool:
    return 0 < one.due < one.received_at


def step_before_reception(one: Case) -> bool:
    return any(step < one.received_at for step in one.steps)


def step_after_end(one: Case) -> bool:
    return one.closed and any(step > one.ended_at for step in one.steps)


def returned_before_end(one: Case) -> bool:
    finish = one.standing("finished")
    return (
        one.closed
        and finish is not None
        and one.returned is not None
        and one.returned.at < finish.at
    )


def sources_disagree(one: Case) -> bool:
    """Each source's newest finish, those that no reopening undid."""
    newest: dict[str, int] = {}
    for fact in one.of("finished"):
        newest[fact.fields["source"]] = max(fact.at, newest.get(fact.fields["source"], 0))
    return len({at for at in newest.values() if at >= one.reopened}) > 1


def offline_procedure_online(one: Case) -> bool:
    return one.said("level") == 2 and one.said("channel") == "online"


def finished_without_end(one: Case) -> bool:
    return one.finished and one.standing("finished") is None


def received_in_future(one: Case) -> bool:
    return (
        one.reception_heard_at is not None and one.received_at > one.reception_heard_at + MINUTES_5
    )


def ended_in_future(one: Case) -> bool:
    return (
        one.closed and one.end_heard_at is not None and one.ended_at > one.end_heard_at + MINUTES_5
    )


def too_much(one: Case) -> bool:
    return one.much


def stated_differently(one: Case) -> bool:
    return restated(one)


def received_after_end(one: Case) -> bool:
    return one.closed and one.received_at > one.ended_at


RULES = (
    due_moved_after_passed,
    due_before_reception,
    step_before_reception,
    step_after_end,
    returned_before_end,
    sources_disagree,
    offline_procedure_online,
    finished_without_end,
    received_in_future,
    ended_in_future,
    received_after_end,
    too_much,
    stated_differently,
)
for _rule in RULES:
    # a rule, and no indicator of its own; or one that asks of more
    if _rule not in (due_before_reception, too_much, stated_differently):

        @defines(_rule.__name__)
        def _(world: World, asked: Asked, rule: object = _rule) -> Figure:
            assert callable(rule)
            return Figure(sum(rule(one) for one in known(world, asked)))


def without_reception(one: Case) -> bool:
    """Nothing is wrong with one that only waits for papers."""
    return one.end() is not None or not one.waits_for_papers or one.much


@defines("too_many")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(map(too_much, known(world, asked) + unknown(world, asked))))


@defines("no_reception")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(without_reception(one) for one in unknown(world, asked)))


@defines("closed_without_reception")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(one.end() is not None for one in unknown(world, asked)))


@defines("data_quality")
def _(world: World, asked: Asked) -> Figure:
    if asked.agency is not None:
        return ABSENT
    lost = sum(without_reception(one) for one in unknown(world, asked))
    broken = sum(any(rule(one) for rule in RULES) for one in known(world, asked))
    return Figure(broken + lost, len(received(world, asked)) + lost)
