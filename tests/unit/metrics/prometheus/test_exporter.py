"""GET /metrics: the format, that it says what the API says, and which figures it leaves out."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from agencies import Items, instant, state
from cubes import NOW, at, cell, counted
from exported_cubes import exporter, samples, world
from prometheus_client.parser import text_string_to_metric_families

from metrics.catalogue.indicators import Indicator
from metrics.cube.cube import Cube
from metrics.prometheus import table as told
from metrics.prometheus.exporter import Exporter
from metrics.prometheus.exposition import block, labelled
from metrics.prometheus.scrape import exported
from schemas.windows import EXPORTED
from serving.directory.directory import Directory
from serving.telemetry import Metric

__all__ = ["exporter", "world"]


def test_the_text_is_what_prometheus_reads(exporter: Exporter) -> None:
    text = exporter.render()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for metric in told.METRICS:
        if metric in (told.REPORTED_VALUE, told.RULES, told.WORKER_LAG, told.RENDER, told.REQUESTS):
            continue  # nothing to tell yet
        if metric in (told.AGENCY_INFO, told.AGENCIES_UNKNOWN, told.PROCEDURES_UNKNOWN):
            continue  # nobody registers
        if metric.name.startswith(("lgsp_listing_", "lgsp_facts_", "lgsp_storage_")):
            # told beside: test_listing_service.py, test_trace_index.py, test_storage.py
            continue
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.means)
    names = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(names) == len(set(names))
    lines = [line.split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("metric", told.METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_naming_rules(metric: Metric) -> None:
    assert re.fullmatch(r"lgsp_[a-z][a-z_]*[a-z]", metric.name)
    assert (metric.type == "counter") == metric.name.endswith("_total")
    assert not re.search(r"_(ms|milliseconds|minutes|percent|kb)\b", metric.name)
    assert metric.means.endswith(".")
    assert metric.do.endswith(".") or metric.do.endswith("?")


def test_indicators_are_those_made_of_counts(exporter: Exporter, world: SimpleNamespace) -> None:
    """Their numbers are those of the API: tests/property/test_one_way.py."""
    numerators = samples(exporter.render(), told.INDICATOR_NUMERATOR)
    assert {labels[0] for labels in numerators} == {
        one.id
        for one in world.indicators.values()
        if exported(one) and not (one.filters and one.filters.fields)
    }
    assert {labels[1] for labels in numerators} == {"all", "A", "B", "C"}


def test_what_has_no_value_has_no_sample(exporter: Exporter) -> None:
    text = exporter.render()
    values = samples(text, told.INDICATOR_VALUE)
    assert ("satisfaction", "A", "year") not in values
    assert values["satisfaction", "B", "year"] == 0.8
    assert samples(text, told.INDICATOR_DENOMINATOR)["satisfaction", "A", "year"] == 0
    assert ("dossiers_overdue", "A", "all") not in samples(text, told.INDICATOR_DENOMINATOR)
    assert ("dossiers_overdue", "A", "all") not in samples(text, told.INDICATOR_TARGET)
    assert ("dossiers_overdue", "A", "today") not in values


def test_targets_and_percentiles(exporter: Exporter) -> None:
    text = exporter.render()
    assert samples(text, told.INDICATOR_TARGET)["satisfaction", "all", "month"] == 0.9
    percentiles = samples(text, told.INDICATOR_PERCENTILE)
    assert percentiles["sync_lag", "B", "month", "50"] == 5
    assert percentiles["sync_lag", "B", "month", "90"] == float("inf")
    assert ("sync_lag", "A", "month", "50") not in percentiles


def test_raw_counts_of_the_province(exporter: Exporter) -> None:
    counts = samples(exporter.render(), told.COUNTS)
    assert [counts["dossiers", "received", "received", window] for window in EXPORTED] == [
        3,
        13,
        13,
        18,
    ]
    assert counts["dossiers", "received", "received_online", "year"] == 7
    assert counts["dossiers", "open", "open", "all"] == 25
    assert counts["documents", "recalled", "asked", "all"] == 0
    assert ("dossiers", "open", "open", "today") not in counts
    assert not [labels for labels in counts if labels[0] == "heartbeats"]


def test_open_overdue_and_due_soon_follow_the_clock(
    exporter: Exporter, world: SimpleNamespace
) -> None:
    text = exporter.render()
    assert samples(text, told.DOSSIERS_OPEN) == {("all",): 25, ("A",): 6, ("B",): 11, ("C",): 8}
    assert samples(text, told.DOSSIERS_OVERDUE) == {("all",): 4, ("A",): 3, ("B",): 1, ("C",): 0}
    assert samples(text, told.DOSSIERS_DUE_SOON) == {("all",): 4, ("A",): 2, ("B",): 2, ("C",): 0}
    world.now += 1
    text = exporter.render()
    assert (
        samples(text, told.DOSSIERS_OVERDUE)["all",]
        == samples(text, told.INDICATOR_VALUE)["dossiers_overdue", "all", "all"]
        == 6
    )
    assert samples(text, told.DOSSIERS_DUE_SOON)["all",] == 9


def test_windows_follow_the_clock(exporter: Exporter, world: SimpleNamespace) -> None:
    exporter.render()
    world.now = at("2025-11-13T00:00")
    counts = samples(exporter.render(), told.COUNTS)
    assert [counts["dossiers", "received", "received", window] for window in EXPORTED] == [
        0,
        13,
        13,
        18,
    ]
    world.now = at("2026-01-01T00:00")
    text = exporter.render()
    assert [
        samples(text, told.COUNTS)["dossiers", "received", "received", window]
        for window in EXPORTED
    ] == [0, 0, 0, 18]
    assert samples(text, told.INDICATOR_TARGET)["satisfaction", "all", "all"] == 0.95


def test_windows_to_date_leave_out_the_days_to_come(
    cube: Cube, exporter: Exporter, world: SimpleNamespace
) -> None:
    cube.say(
        [
            counted(f"dossiers|received|A|P1|{day}", received=100)
            for day in (20251113, 20251130, 20251201, 20251231)
        ],
        {0: 44},
    )
    counts = samples(exporter.render(), told.COUNTS)
    assert [counts["dossiers", "received", "received", window] for window in EXPORTED] == [
        3,
        13,
        13,
        418,
    ]
    world.now = at("2025-12-01T12:00")
    counts = samples(exporter.render(), told.COUNTS)
    assert [counts["dossiers", "received", "received", window] for window in EXPORTED] == [
        100,
        100,
        313,
        418,
    ]


def test_what_exists_is_told_as_of_today_and_changes_at_midnight(
    cube: Cube, exporter: Exporter, world: SimpleNamespace
) -> None:
    cube.say(
        [
            counted("inventory|systems|A|portal|20240301", systems=5),
            counted("inventory|systems|A|portal|20251113", systems=-1),
        ],
        {0: 41},
    )
    assert samples(exporter.render(), told.COUNTS)["inventory", "systems", "systems", "all"] == 5
    world.now = at("2025-11-13T00:00")
    assert samples(exporter.render(), told.COUNTS)["inventory", "systems", "systems", "all"] == 4


def test_reported_figures_are_told_apart(
    cube: Cube, exporter: Exporter, world: SimpleNamespace
) -> None:
    assert samples(exporter.render(), told.REPORTED_VALUE) == {}
    items: Items = {}
    for agency, first, last, numerator in (
        ("A", "2025-09-01", "2025-09-30", 1),
        ("A", "2025-10-01", "2025-10-31", 2),
        ("B", "2025-10-01", "2025-10-31", 3),
        ("B", "2025-11-01", "2025-11-30", 9),
    ):
        state(
            items,
            f"figure/{agency}",
            "figure.reported",
            agency,
            first,
            indicator="regulations_cut",
            numerator=numerator,
            denominator=10,
            period_from=instant(first),
            period_to=instant(last),
        )
    world.directory = Directory(items)
    text = exporter.render()
    assert samples(text, told.REPORTED_VALUE) == {
        ("regulations_cut", "all"): 0.25,
        ("regulations_cut", "A"): 0.2,
        ("regulations_cut", "B"): 0.3,
    }
    assert "regulations_cut" not in {labels[0] for labels in samples(text, told.INDICATOR_VALUE)}
    world.now = at("2025-11-30T00:00")
    assert samples(exporter.render(), told.REPORTED_VALUE) == {
        ("regulations_cut", "all"): 0.9,
        ("regulations_cut", "B"): 0.9,
    }


def test_a_new_count_is_in_the_next_scrape(cube: Cube, exporter: Exporter) -> None:
    assert samples(exporter.render(), told.INDICATOR_VALUE)["satisfaction", "B", "today"] == 0.8
    cube.say(
        [
            counted("dossiers|rated|B|P1|20251112", ratings=10, satisfied=9),
            cell("dossiers|received|D|P|20251112", 1),
        ],
        {0: 41},
    )
    text = exporter.render()
    assert samples(text, told.INDICATOR_VALUE)["satisfaction", "B", "today"] == 0.9
    assert samples(text, told.INDICATOR_NUMERATOR)["satisfaction", "D", "today"] == 0
    assert samples(text, told.DOSSIERS_OPEN)["D",] == 0
    cube.rebuild("one", NOW, "a test asks for it")
    assert samples(exporter.render(), told.INDICATOR_VALUE) == {}  # nobody has counted anything
    cube.say([], {0: 1})
    values = samples(exporter.render(), told.INDICATOR_VALUE)
    assert set(values.values()) == {0}
    assert {labels[1] for labels in values} == {"all"}
    # counts, no shares
    assert {labels[0] for labels in values} >= {
        "dossiers_overdue",
        "tasks_overdue",
        "dossiers_reopened",
    }


def test_an_indicator_limited_to_categories(exporter: Exporter, world: SimpleNamespace) -> None:
    declared = world.indicators["dossiers_online_share"].model_dump() | {
        "id": "of_p2",
        "filters": {"categories": ["P2"]},
    }
    world.indicators["of_p2"] = Indicator(**declared)
    assert samples(exporter.render(), told.INDICATOR_DENOMINATOR)["of_p2", "all", "year"] == 2


def test_an_indicator_of_this_moment_and_of_some_procedures_follows_the_clock(
    exporter: Exporter, world: SimpleNamespace
) -> None:
    items: Items = {}
    world.directory = Directory(
        state(
            items,
            "procedure/P2",
            "procedure.registered",
            "A",
            "2024-01-01",
            procedure="P2",
            field="land",
        )
    )
    declared = world.indicators["dossiers_overdue"].model_dump() | {
        "id": "of_land",
        "filters": {"fields": ["land"]},
    }
    world.indicators["of_land"] = Indicator(**declared)
    assert samples(exporter.render(), told.INDICATOR_VALUE)["of_land", "all", "all"] == 0
    world.now += 1  # its two were due at the moment before
    assert samples(exporter.render(), told.INDICATOR_VALUE)["of_land", "all", "all"] == 2


def test_labels_are_escaped_and_absent_numbers_left_out() -> None:
    assert labelled(("agency",), ('a"b\\c\nd',)) == r'{agency="a\"b\\c\nd"}'
    assert block(told.LAST_EVENT, [(("A",), None)]) == ""
    assert block(told.FRESHNESS, [((), float("inf"))]).endswith("lgsp_freshness_seconds +Inf\n")
