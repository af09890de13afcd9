"""What must hold before books may go on; each fault names every partition and what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.cells.applied import CountingRules
from schemas.errors import BooksError
from streams.checks import SourcePosition, require_consistent
from streams.families import FAMILIES
from streams.family_partition import FamilyPartition

RULES = FAMILIES["dossiers"].rules
HOURS = replace(FAMILIES["dossiers"], calendar=77, hours=4)


def part(
    partition: int = 0,
    *,
    at: int = 40,
    states: int | None = None,
    rules: CountingRules | None = RULES,
) -> FamilyPartition:
    """Books that stand at an offset."""
    made = FamilyPartition(FAMILIES["dossiers"], partition)
    made.next, made.states_next, made.rules = at, at if states is None else states, rules
    return made


def refused(
    *parts: FamilyPartition, committed: int | None = 40, begins: int = 0, ends: int = 50
) -> str:
    """What is said of these books; "" if they may go on."""
    try:
        require_consistent(
            parts, {one.source: SourcePosition(begins, ends, committed) for one in parts}, "lgsp"
        )
    except BooksError as error:
        return str(error)
    return ""


def test_books_group_and_log_that_fit_together_go_on() -> None:
    assert refused(part()) == ""
    assert refused(part(at=0, rules=None), committed=None, ends=0) == ""


def test_a_group_offset_that_expired_is_taken_as_where_the_books_stand() -> None:
    assert refused(part(), committed=None) == ""


def test_group_offsets_that_were_moved_are_all_named_with_the_command_that_mends_them() -> None:
    said = refused(part(0), part(1, at=41), part(2, at=30), committed=30)
    assert (
        "lgsp.dossiers/0 (books at 40, group at 30), lgsp.dossiers/1 (books at 41, group at 30)"
        in said
    )
    assert "dossiers/2" not in said
    assert "`lgsp mend`" in said


def test_cells_that_were_lost_are_told_by_the_states() -> None:
    """Also where the group's offset is gone: the facts would be counted again and change no state,
    so no page would come back.
    """
    for committed in (None, 0, 40):
        said = refused(part(at=0, states=40, rules=None), committed=committed)
        assert "states at 40, cells at 0" in said
        assert "`lgsp mend --from-zero`" in said


def test_states_of_before_they_said_how_far_they_had_come_are_taken_as_they_are() -> None:
    one = part()
    one.states_next = None
    assert "states at 0, cells at 40" in refused(one), "there are none: they were lost"
    one.family_state.states.put(b"thing", b"state")
    assert refused(one) == ""


def test_facts_that_are_gone_before_they_were_counted_are_named() -> None:
    said = refused(part(), begins=44)
    assert "lgsp.dossiers/0 (facts 40 to 43)" in said
    assert "`lgsp mend --skip-missing`" in said
    assert refused(part(), begins=40) == ""


def test_books_of_a_name_that_nobody_keeps_are_asked_about() -> None:
    """A mistyped LGSP_APP_ID must not send agencies to work."""
    said = refused(part(at=0, rules=None), committed=None, begins=44)
    assert "Is LGSP_APP_ID right?" in said
    assert "send" not in said


def test_events_that_were_counted_and_are_not_there_are_named() -> None:
    assert "counted up to 40, the topic ends at 12" in refused(part(), ends=12)


def test_heartbeats_may_go_before_they_were_counted() -> None:
    beats = FamilyPartition(FAMILIES["heartbeats"], 0)
    assert refused(beats, committed=None, begins=9) == ""


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (
            CountingRules(HOURS.version + 1, 77, 4),
            (
                "version {newer} of the rules counted these books, and this worker has version"
                " {version}"
            ),
        ),
        (
            CountingRules(HOURS.version, 88, 5),
            "office hours number 5 counted these books, and this worker has number 4",
        ),
        (CountingRules(HOURS.version, 88, 4), "raise LGSP_OFFICE_HOURS_NUMBER to 5 everywhere"),
        (CountingRules(HOURS.version, 88, 3), ""),
        (CountingRules(HOURS.version, 77, 3), ""),
        (CountingRules(HOURS.states_since, 88), ""),
        (CountingRules(HOURS.states_since - 1, 88), "run `lgsp mend --from-zero`"),
        (CountingRules(HOURS.states_since - 1, 88), "LGSP_APP_ID=lgsp-2"),
    ],
)
def test_only_older_rules_and_hours_are_counted_anew(published: CountingRules, said: str) -> None:
    one = part(rules=published)
    one.family = HOURS
    found = refused(one)
    assert said.format(newer=HOURS.version + 1, version=HOURS.version) in found
    assert bool(said) == bool(found)


def test_books_that_are_too_old_are_told_once_for_all_partitions_and_what_to_do_comes_first() -> (
    None
):
    """A province has dozens of partitions, and a screen 80 columns."""
    version = FAMILIES["dossiers"].states_since - 1
    said = refused(*(part(number, rules=CountingRules(version)) for number in range(64)))
    assert said.index("`lgsp mend --from-zero`") < 160
    assert said.endswith(f"Kept by older rules: dossiers by version {version}.")


def test_hours_do_not_matter_to_rules_that_need_none() -> None:
    one = part(rules=CountingRules(HOURS.version, 88, 9))
    one.family = replace(HOURS, calendar=0, hours=0)
    assert refused(one) == ""
