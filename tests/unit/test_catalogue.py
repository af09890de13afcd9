"""The catalogue: what ships is valid and says where each figure comes from; every kind of mistake names its place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.catalogue import SHIPPED, load_agencies, load_indicators
from schemas.errors import CatalogueError

LIVE = [
    "dossiers_online_share", "transfers_electronic_share", "payments_online_share", "results_digitised_share", "satisfaction",
    "documents_electronic_share", "dossiers_on_time_share", "dossiers_overdue", "dossiers_due_soon", "sync_lag",
]  # fmt: skip
ENTRY: dict[str, Any] = yaml.safe_load(SHIPPED.read_text("utf-8"))[0]


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
    assert list(indicators) == LIVE
    for indicator in indicators.values():
        assert indicator.definition.vi != indicator.definition.en
        assert indicator.clause


@pytest.mark.parametrize(
    "id_, year, target",
    [
        ("dossiers_online_share", 2021, 0.5),  # the next milestone
        ("dossiers_online_share", 2025, 0.5),
        ("dossiers_online_share", 2026, 0.8),
        ("dossiers_online_share", 2031, 0.8),  # the last one stays
        ("results_digitised_share", 2021, 0.3),
        ("results_digitised_share", 2024, 0.9),
        ("results_digitised_share", 2029, 1.0),
        ("dossiers_overdue", 2025, None),
    ],
)
def test_the_target_in_force(id_: str, year: int, target: float | None) -> None:
    assert load_indicators()[id_].target(year) == target


def test_what_a_figure_is_read_from() -> None:
    lag = load_indicators()["sync_lag"]
    assert [table.cells for table in lag.tables] == ["dossiers_closed"]
    assert lag.bounds[0] == ("lag_le_1", 1)
    assert lag.bounds[-1] == ("lag_more", None)
    overdue = load_indicators()["dossiers_overdue"]
    assert overdue.asks_now
    assert overdue.numerator.of([7, 2]) == 5


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda e: e["numerator"].update(measures=["finished_onlin"]), "dossiers_online_share: kind closed of family dossiers has no meas"),
        (lambda e: e["numerator"].update(kind="closes"), "dossiers_online_share: family dossiers has no kind of cells closes"),
        (lambda e: e.update(family="dossier"), "family dossier has no kind of cells closed"),
        (lambda e: e["numerator"].update(measures=[]), "dossiers_online_share.numerator.measures"),
        (lambda e: e["numerator"].update(measure="finished"), "dossiers_online_share.numerator.measure"),
        (lambda e: e["numerator"].update(due="past"), "`due` (past, soon) goes with kinds whose `at` is an instant"),
        (lambda e: e.update(numerator={"kind": "open", "measures": ["open"]}), "`due` (past, soon) goes with kinds whose"),
        (lambda e: e["targets"].update({2025: "fifty"}), "dossiers_online_share.targets.2025"),
        (lambda e: e["targets"].update({2025: True}), "dossiers_online_share.targets.2025"),
        (lambda e: e["targets"].update({25: 0.5}), "dossiers_online_share.targets.25"),
        (lambda e: e.pop("denominator"), "unit share goes with a denominator"),
        (lambda e: e.pop("clause"), "dossiers_online_share.clause: Field required"),
        (lambda e: e["name"].pop("vi"), "dossiers_online_share.name.vi: Field required"),
        (lambda e: e.update(direction="sideways"), "dossiers_online_share.direction"),
        (lambda e: e.update(version="one"), "dossiers_online_share.version"),
        (lambda e: e.update(id="Online Share"), "Online Share.id"),
        (lambda e: e.pop("id"), "entry 1.id: Field required"),
        (lambda e: e.update(percentiles={"kind": "closed", "classes": "lags", "of": [50]}), "no measure lags_more"),
        (lambda e: e.update(percentiles={"kind": "closed", "classes": "lag", "of": [100]}), "percentiles.of.0"),
        (lambda e: e.update(filters={"categories": []}), "filters.categories"),
        (lambda e: e.update(note="?"), "dossiers_online_share.note: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str) -> None:
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
    with pytest.raises(CatalogueError, match=r"line \d+, dossiers_online_share.id: dossiers_online_share is there twice"):
        load(tmp_path, entry(lambda e: None) * 2)


def test_a_key_may_not_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"dossiers_online_share.version: is given twice"):
        load(tmp_path, entry(lambda e: None) + "  version: 2\n")


@pytest.mark.parametrize("text, said", [("a: [", "is no YAML"), ("", "the whole file"), ("a word", "the whole file"), ("- 5", "entry 1")])
def test_files_that_are_no_catalogue(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        load(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_indicators(tmp_path / "none.yaml")


def test_expected_agencies(tmp_path: Path) -> None:
    path = tmp_path / "agencies.yaml"
    path.write_text("- {code: H35.1, name: Sở Nội vụ, level: province}\n- {code: H35.2}\n")
    assert list(load_agencies(path)) == ["H35.1", "H35.2"]
    assert load_agencies(None) == {}
    path.write_text("- {code: H35|1}\n- {code: B}\n- {code: B}\n")
    with pytest.raises(CatalogueError, match=r"H35\|1.code"):
        load_agencies(path)
