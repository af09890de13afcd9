"""docs/catalogue.md is what the catalogue makes of itself, and says of every indicator what people
have to know.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics.catalogue.indicators import Indicator, load_indicators
from metrics.catalogue.page import COLUMNS, markdown

PAGE = (Path(__file__).parents[4] / "docs/catalogue.md").read_text("utf-8")
INDICATORS = load_indicators()


def row(id_: str) -> list[str]:
    (found,) = re.findall(rf"^\| `{id_}` \| .*$", PAGE, re.M)
    return [cell.strip() for cell in found.strip("|").split(" | ")]


def test_the_page_is_up_to_date() -> None:
    assert markdown(INDICATORS) == PAGE, (
        "make it anew: python -m metrics.catalogue.page > docs/catalogue.md"
    )


@pytest.mark.parametrize("indicator", INDICATORS.values(), ids=lambda indicator: indicator.id)
def test_every_indicator_has_one_row_with_all_cells(indicator: Indicator) -> None:
    cells = row(indicator.id)
    assert len(cells) == len(COLUMNS)
    for text in (indicator.name.vi, indicator.name.en):
        assert text in cells[1]
    for text in (indicator.definition.vi, indicator.definition.en):
        assert text in cells[2]
    assert (cells[3], cells[-1]) == (indicator.clause, str(indicator.version))
    for leaf in indicator.leaves:
        assert all(f"`{measure}`" in cells[6] for measure in leaf.all_measures)


def test_what_some_rows_say() -> None:
    assert row("dossiers_overdue")[4:7] == [
        "dossiers, ↓ less is better",
        "–",
        "dossiers/open: `open` − `waiting` (due in the past)<br>as of a day: dossiers/flow:"
        " `fell_due` + `wait_to` − `settled` − `wait_from` (all days until then)",
    ]
    assert (
        row("work_records_online_share")[5]
        == "province: 2025 90 %, 2030 100 %<br>district: 2025 80 %, 2030 90 %<br>commune: 2025 60"
        " %, 2030 70 %"
    )
    assert row("satisfaction_land_construction_investment")[6].endswith(
        "only land, construction, investment"
    )
    assert (
        row("dossiers_carried_over")[6]
        == "dossiers/flow: `taken_online` + `taken_other` − `left` (before the window)"
    )
    assert row("score_766_4_3")[5] == "2 points, all from 80%"
    assert "*Missing:* Needs the counts of the national reporting system" in row("score_766_1_4")[2]
