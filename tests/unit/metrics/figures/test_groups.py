"""Groups by procedure, field and level: with what has none, so that they add up to the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agencies import agency, state
from cubes import answer, at, counted, groups, questions_about

from metrics.api.answers import answer_counts
from metrics.api.parameters import CountParameters
from metrics.figures import absence
from metrics.figures.view import Views
from serving.directory.directory import Directory

NOW = at("2025-03-20T10:00")
CELLS = [
    counted("dossiers|received|C|P1|20250303", received=1, reused_data=1),
    counted("dossiers|received|D|P1|20250303", received=2),
    counted("dossiers|received|D|P9|20250304", received=4, reused_data=3),
    counted("dossiers|received|V|P2|20250304", received=8),  # of no level
    counted("dossiers|received|X|P2|20250305", received=16),  # that nobody registered
    counted("dossiers|flow|C|P1|20250303", taken_online=1),
    counted("dossiers|flow|X|P9|20250303", taken_other=2),
    counted("documents|sent|C|CV|20250303", documents=5, electronic=3),
    counted(
        "activities|meetings|C|weekly|20250303",
        meetings=7,
        meetings_commune=4,
        meetings_province=1,
        meetings_in_system=3,
        meetings_in_system_commune=2,
    ),
]


def registered() -> Directory:
    items = agency({}, "D", "department")
    items = agency(items, "C", "commune")
    items = agency(items, "V", "vertical")
    for code, field in (("P1", "land"), ("P2", "justice")):
        state(
            items,
            f"procedure/{code}",
            "procedure.registered",
            "D",
            "2020-01-01",
            procedure=code,
            field=field,
        )
    return Directory(items)


@pytest.fixture(scope="module")
def asked() -> Iterator[Views]:
    with questions_about(CELLS, NOW, registered()) as views:
        yield views


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("procedure", {"P1": (1, 3), "P2": (0, 24), "P9": (3, 4)}),
        ("category", {"P1": (1, 3), "P2": (0, 24), "P9": (3, 4)}),
        ("field", {"justice": (0, 24), "land": (1, 3), "none": (3, 4)}),
        ("level", {"province": (3, 6), "commune": (1, 1), "none": (0, 24)}),
    ],
)
def test_what_has_no_field_or_level_has_a_group_of_its_own(
    asked: Views, by: str, told: dict[str, tuple[int, int]]
) -> None:
    found = answer(asked, "information_not_asked_again_share", by=by)
    assert groups(found) == told
    assert (found.numerator, found.denominator) == (4, 31)
    (kind,) = answer_counts(
        asked, CountParameters.model_validate({"kind": "received", "family": "dossiers", "by": by})
    ).kinds
    counts = {one.group: one.counts["received"] for one in kind.groups}
    assert counts == {group: received for group, (_, received) in told.items()}


def test_so_it_has_as_of_a_day(asked: Views) -> None:
    for by, told in (
        ("field", {"land": (1, None), "none": (2, None)}),
        ("level", {"province": (0, None), "commune": (1, None), "none": (2, None)}),
    ):
        assert groups(answer(asked, "dossiers_open", by=by, as_of="2025-03-04")) == told


def test_levels_with_measures_of_their_own_leave_what_none_of_them_counts(asked: Views) -> None:
    found = answer(asked, "meetings_in_system_share", by="level")
    assert groups(found) == {
        "province": (0, 1),
        "district": (0, 0),
        "commune": (2, 4),
        "none": (1, 2),
    }


def test_of_one_level_there_is_no_rest(asked: Views) -> None:
    found = answer(asked, "dossiers_received", by="level", level="commune")
    assert groups(found) == {"commune": (1, None)}


@pytest.mark.parametrize("by", ["procedure", "field"])
def test_documents_have_neither_procedures_nor_fields(asked: Views, by: str) -> None:
    found = answer(asked, "documents_electronic_share", by=by)
    assert (found.groups, found.missing, found.denominator) == ([], absence.NOT_BY_THIS, 5)
    (kind,) = answer_counts(asked, CountParameters.model_validate({"kind": "sent", "by": by})).kinds
    assert (kind.groups, kind.missing) == ([], absence.NOT_BY_THIS)


def test_without_registers_there_are_no_such_groups() -> None:
    with questions_about(CELLS, NOW) as views:
        for by, why in (("field", absence.NO_FIELD), ("level", absence.NO_LEVEL)):
            found = answer(views, "dossiers_received", by=by)
            assert (found.value, found.groups, found.missing) == (31, [], why)
