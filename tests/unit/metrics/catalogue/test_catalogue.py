"""The catalogue: what ships is valid and says where each figure comes from; every kind of mistake
names its place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from cubes import INDICATORS

from metrics.catalogue.indicators import SHIPPED, load_agencies, load_indicators
from metrics.figures.sums import sources
from schemas.codes import AdministrativeLevel
from schemas.errors import CatalogueError

ENTRY: dict[str, Any] = next(
    one
    for one in yaml.safe_load(SHIPPED.read_text("utf-8"))
    if one["id"] == "dossiers_online_share"
)


def load(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "some.yaml"
    path.write_text(text, "utf-8")
    return load_indicators(path)


def entry(change: Callable[[dict[str, Any]], object]) -> str:
    changed = copy.deepcopy(ENTRY)
    change(changed)
    return yaml.safe_dump([changed], allow_unicode=True, sort_keys=False)


def test_what_ships_is_valid_and_complete() -> None:
    indicators = load_indicators()
    assert len(indicators) == 103
    for indicator in indicators.values():
        assert indicator.definition.vi != indicator.definition.en
        assert indicator.clause


@pytest.mark.parametrize(
    "id_, day, level, target",
    [
        ("dossiers_online_share", "2021-01-01", None, 0.5),  # the next milestone
        ("dossiers_online_share", "2025-12-31", None, 0.5),
        ("dossiers_online_share", "2026-01-01", None, 0.8),
        ("dossiers_online_share", "2031-01-01", None, 0.8),  # the last one stays
        ("dossiers_online_share", "2025-06-30", "district", 0.5),
        # there are no districts any more
        ("dossiers_online_share", "2025-07-01", "district", None),
        ("results_digitised_share", "2025-07-01", None, None),  # each level has its own
        ("results_digitised_share", "2021-12-31", "province", 0.3),
        ("results_digitised_share", "2022-01-01", "province", 0.5),
        ("results_digitised_share", "2029-01-01", "province", 1.0),
        ("results_digitised_share", "2024-05-05", "district", 0.8),
        ("results_digitised_share", "2025-06-30", "district", 1.0),
        ("results_digitised_share", "2025-07-01", "district", None),
        ("results_digitised_share", "2021-12-31", "commune", 0.15),
        ("results_digitised_share", "2025-12-31", "commune", 0.95),
        ("results_digitised_share", "2026-01-01", "commune", 1.0),
        ("meetings_in_system_share", "2025-01-01", "province", 1.0),
        ("meetings_in_system_share", "2025-01-01", "district", 0.8),
        ("meetings_in_system_share", "2025-01-01", "commune", None),
        ("work_records_online_share", "2024-01-01", "commune", 0.6),
        ("work_records_online_share", "2026-01-01", "commune", 0.7),
        ("work_records_online_share", "2026-01-01", "district", None),
        ("dossiers_overdue", "2025-01-01", None, None),
    ],
)
def test_the_target_in_force(
    id_: str, day: str, level: AdministrativeLevel | None, target: float | None
) -> None:
    assert INDICATORS[id_].target(date.fromisoformat(day), level) == target


def test_levels_grow_by_twenty_points_a_year_up_to_all() -> None:
    targets = INDICATORS["results_digitised_share"].level_targets
    for level, first in (("province", 30), ("district", 20), ("commune", 15)):
        for year, target in targets[level].items():  # type: ignore[index]
            assert round(target * 100) == min(100, first + 20 * (year - 2021))


def test_every_row_of_the_plan_is_there() -> None:
    plan = {
        "reported": [
            "legal_documents_correct_share",
            "legal_documents_reviewed_share",
            "regulations_cut",
            "compliance_cost_cut",
            "public_payroll_cut",
            "leaders_capacity_share",
            "commune_officials_qualified_share",
            "self_financed_units_share",
            "units_converted_share",
            "direct_spending_cut",
            "adults_with_bank_account_share",
        ],
        "coverage": ["coverage"],
        "score": ["score_766"],
        "events": [
            "dossiers_online_share",
            "transfers_electronic_share",
            "procedures_online_payment_share",
            "payments_online_share",
            "results_digitised_share",
            "procedures_online_share",
            "procedures_on_national_portal_share",
            "satisfaction",
            "satisfaction_land_construction_investment",
            "satisfaction_agencies",
            "satisfaction_health_education",
            "internal_procedures_published_share",
            "information_not_asked_again_share",
            "processing_time_cut",
            "authenticated_users_share",
            "portals_connected_share",
            "information_systems_connected_share",
            "reporting_systems_connected_share",
            "meetings_in_system_share",
            "work_records_online_share",
            "inspections_digital_share",
            "full_online_services_multichannel_share",
            "documents_electronic_share",
            "tasks_on_time_share",
            "tasks_overdue",
            "dossiers_on_time_share",
            "late_06a",
            "late_766",
            "dossiers_overdue",
            "dossiers_due_soon",
            "sync_lag",
            "overdue_by_late_reporting",
            "data_quality",
        ],
    }
    indicators = INDICATORS
    for source, ids in plan.items():
        assert [id_ for id_ in ids if indicators[id_].source != source] == []


def test_what_a_figure_is_read_from() -> None:
    lag = INDICATORS["sync_lag"]
    assert [source.table.cells for source in sources(lag)] == ["dossiers_closed"]
    assert lag.bounds[0] == ("lag_le_1", 1)
    assert lag.bounds[-1] == ("lag_more", None)
    overdue = INDICATORS["dossiers_overdue"]
    assert overdue.asks_now
    share = INDICATORS["score_766_2_1"]
    assert {source.table.cells for source in sources(share)} == {"dossiers_closed", "dossiers_flow"}
    assert (share.asks_now, share.ends_open) == (False, True)


def test_a_term_may_name_its_own_family(tmp_path: Path) -> None:
    term = {"family": "inventory", "kind": "accounts", "measures": ["users"]}
    (found,) = load(tmp_path, entry(lambda e: e.update(denominator=term))).values()
    assert [source.table.cells for source in sources(found)] == [
        "dossiers_closed",
        "inventory_accounts",
    ]
    assert found.families == ("dossiers", "inventory")
    with pytest.raises(CatalogueError, match="family inventory has no kind of cells closed"):
        load(tmp_path, entry(lambda e: e["denominator"].update(family="inventory")))


@pytest.mark.parametrize(
    "change, said",
    [
        (
            lambda e: e["numerator"].update(measures=["finished_onlin"]),
            "dossiers_online_share: kind closed of family dossiers has no meas",
        ),
        (
            lambda e: e["numerator"].update(kind="closes"),
            "dossiers_online_share: family dossiers has no kind of cells closes",
        ),
        (lambda e: e.update(family="dossier"), "family dossier has no kind of cells closed"),
        (
            lambda e: e["numerator"].update(measures=[]),
            "dossiers_online_share.numerator: measures: a term needs measures",
        ),
        (
            lambda e: e["numerator"].update(also=[{"kind": "closed", "measures": ["none"]}]),
            "kind closed of family dossiers has no measure none",
        ),
        (
            lambda e: e["numerator"].update(
                over="before", kind="open", due="past", measures=["open"]
            ),
            "`over: before` goes with kinds whose",
        ),
        (lambda e: e.pop("numerator"), "numerator: what is derived from events needs one"),
        (
            lambda e: e.update({"from": "reported"}),
            "numerator: what is derived from events needs one",
        ),
        (lambda e: e.update({"from": "hearsay"}), "dossiers_online_share.from"),
        (lambda e: e.update(levels="measures"), "no measure finished_online_province"),
        (
            lambda e: e.update(level_targets={"province": {2025: 1}}),
            "targets and level_targets exclude one another",
        ),
        (
            lambda e: e.update(targets={}, level_targets={"county": {2025: 1}}),
            "dossiers_online_share.level_targets.county",
        ),
        (
            lambda e: e.update(targets={}, level_targets={"commune": {2025: "all"}}),
            "dossiers_online_share.level_targets.commune.2025",
        ),
        (
            lambda e: e.update(score={"group": "luck", "item": "1"}),
            "dossiers_online_share.score.group",
        ),
        (
            lambda e: e.update(score={"group": "online", "item": "1", "full": 0}),
            "dossiers_online_share.score.full",
        ),
        (
            lambda e: e["numerator"].update(measure="finished"),
            "dossiers_online_share.numerator.measure",
        ),
        (
            lambda e: e["numerator"].update(due="past"),
            "`due` (past, soon, ahead, any) goes with kinds whose `at` is",
        ),
        (
            lambda e: e.update(numerator={"kind": "open", "measures": ["open"]}),
            "`due` (past, soon, ahead, any) goes with kinds whose",
        ),
        (
            lambda e: e.update(as_of={"kind": "flow", "measures": ["left"], "over": "until"}),
            "as_of goes with a count that asks about this moment",
        ),
        (
            lambda e: e.update(
                numerator={"kind": "open", "measures": ["open"], "due": "any"},
                denominator=None,
                unit="dossiers",
                as_of={"kind": "flow", "measures": ["left"]},
            ),
            "it needs `over: until`",
        ),
        (lambda e: e["targets"].update({2025: "fifty"}), "dossiers_online_share.targets.2025"),
        (lambda e: e["targets"].update({2025: True}), "dossiers_online_share.targets.2025"),
        (lambda e: e["targets"].update({25: 0.5}), "dossiers_online_share.targets.25"),
        (lambda e: e.pop("denominator"), "units share and seconds go with a denominator"),
        (lambda e: e.pop("clause"), "dossiers_online_share.clause: Field required"),
        (lambda e: e["name"].pop("vi"), "dossiers_online_share.name.vi: Field required"),
        (lambda e: e.update(direction="sideways"), "dossiers_online_share.direction"),
        (lambda e: e.update(version="one"), "dossiers_online_share.version"),
        (lambda e: e.update(id="Online Share"), "Online Share.id"),
        (lambda e: e.pop("id"), "entry 1.id: Field required"),
        (
            lambda e: e.update(percentiles={"kind": "closed", "classes": "lags", "of": [50]}),
            "no measure lags_more",
        ),
        (
            lambda e: e.update(percentiles={"kind": "closed", "classes": "lag", "of": [100]}),
            "percentiles.of.0",
        ),
        (
            lambda e: e.update(filters={"categories": []}),
            "filters needs either categories or fields",
        ),
        (
            lambda e: e.update(filters={"categories": ["P"], "fields": ["land"]}),
            "filters needs either categories or fields",
        ),
        (
            lambda e: [
                e.update({"from": "reported", "filters": {"fields": ["land"]}}),
                e.pop("numerator"),
                e.pop("denominator"),
            ],
            "filters limit what is derived from events",
        ),
        (
            lambda e: e.update(note="?"),
            "dossiers_online_share.note: Extra inputs are not permitted",
        ),
    ],
)
def test_a_mistake_names_its_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        load(tmp_path, entry(change))
    assert said in str(caught.value)
    assert f"{tmp_path}/some.yaml, line " in str(caught.value)


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    text = entry(lambda e: e["targets"].update({2030: "much"}))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "much" in line)
    with pytest.raises(CatalogueError, match=f"line {line}, dossiers_online_share.targets.2030"):
        load(tmp_path, text)


def test_an_id_may_not_be_there_twice(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogueError,
        match=r"line \d+, dossiers_online_share.id: dossiers_online_share is there twice",
    ):
        load(tmp_path, entry(lambda e: None) * 2)


def test_a_key_may_not_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogueError, match=r"some.yaml, line \d+: the key 'version' is given twice"
    ):
        load(tmp_path, entry(lambda e: None) + "  version: 2\n")


@pytest.mark.parametrize(
    "text, said",
    [
        ("a: [", "this is no valid YAML"),
        ("", "the whole file"),
        ("a word", "the whole file"),
        ("- 5", "entry 1"),
    ],
)
def test_files_that_are_no_catalogue(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        load(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.yaml can't be read"):
        load_indicators(tmp_path / "none.yaml")


def test_expected_agencies(tmp_path: Path) -> None:
    path = tmp_path / "agencies.yaml"
    path.write_text("- {code: H35.1, name: Sở Nội vụ, level: province}\n- {code: H35.2}\n")
    assert list(load_agencies(path)) == ["H35.1", "H35.2"]
    assert load_agencies(None) == {}
    path.write_text("- {code: H35|1}\n- {code: B}\n- {code: B}\n")
    with pytest.raises(CatalogueError, match=r"H35\|1.code"):
        load_agencies(path)
