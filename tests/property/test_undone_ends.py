"""The ends that reopenings undid are those that were told before: whoever looked at the closed
dossiers just before each reopening saw them on the days on which they are listed since, in
whatever order everything is told.
"""

from __future__ import annotations

from facts import Heard, answer, told
from hypothesis import given
from hypothesis import strategies as st
from oracle_facts import Figures
from strategies import DAY, HOUR, examples

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
ENDS = ("finished", "withdrawn", "suspended", "result_returned")


@st.composite
def lives(draw: st.DrawFn) -> list[Heard]:
    """Ends, corrections of ends and reopenings, each said later than the one before."""
    names = st.sampled_from((*ENDS, "finished", "reopened", "reopened"))
    at, facts = RECEIVED[1], []
    for number, name in enumerate(draw(st.lists(names, min_size=2, max_size=12))):
        at += draw(st.sampled_from((1, HOUR, DAY, 3 * DAY)))
        event, _ = told(f"dossier.{name}", "11-04 09:00", event_id=f"{number}")
        anew = {}
        if name in ENDS and draw(st.integers(0, 2)) == 0:
            effective = at - draw(st.sampled_from((1, DAY, 5 * DAY)))
            anew = {"effective_at": effective, "holds": draw(st.integers(0, 3)) > 0}
        source = {"source": draw(st.sampled_from(("one-stop", "ministry")))}
        facts.append((event.model_copy(update={"occurred_at": at} | source | anew), at))
    return facts


def days(figures: Figures, kind: str) -> set[int]:
    return {at for found, _, _, at in figures if found == kind}


@examples(200)
@given(lives(), st.data())
def test_what_was_closed_just_before_each_reopening_is_told_of_the_same_days(
    facts: list[Heard], data: st.DataObject
) -> None:
    seen: set[int] = set()
    for place, (event, _) in enumerate(facts):
        if event.type == "dossier.reopened":
            seen |= days(answer(RECEIVED, *facts[:place]), "closed")
    order = data.draw(st.permutations([RECEIVED, *facts]))
    assert days(answer(*order), "undone") == seen
