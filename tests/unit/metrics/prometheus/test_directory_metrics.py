"""What /metrics tells of agencies: silence, coverage of each window, unknown codes, what the
directory left out.
"""

from __future__ import annotations

from pathlib import Path

from agencies import MERGER, Items, agency, merged_communes
from cubes import INDICATORS, NOW, at, counted, filled
from prometheus_client.parser import text_string_to_metric_families

from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus.directory import directory_text
from metrics.prometheus.exporter import Exporter
from serving.directory.directory import Directory
from serving.store.progress import Progress

CELLS = [
    counted("dossiers|received|000.01.P|P1|20251112", received=3),
    counted("dossiers|received|N.2|P1|20251101", received=3),
    counted("dossiers|received|T.1|P1|20250610", received=1),
    counted("dossiers|received|X.9|P1|20251112", received=1),
    counted("inventory|agencies|P|province|20150101", agencies=1, agencies_expected=1),
]


def samples(
    folder: Path, items: Items, declared: dict[str, Agency] | None = None
) -> dict[tuple[str, ...], float]:
    views = Views(
        Readers(filled(folder, CELLS)),
        {},
        declared or {},
        progress=lambda: Progress(ready=True, partitions=1),
        clock=lambda: NOW + 60_000,
        directory=lambda: Directory(items),
    )
    with views.open() as view:
        text = directory_text(view)
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        (sample.name.removeprefix("lgsp_"), *sample.labels.values()): sample.value
        for sample in found
    }


def test_coverage_of_each_window_counts_every_agency_once_under_all_its_codes(
    tmp_path: Path,
) -> None:
    found = samples(tmp_path, merged_communes())
    expected, reporting = (
        {window: found[name, window] for window in ("today", "month", "year", "all")}
        for name in ("agencies_expected", "agencies_reporting")
    )
    assert expected == {"today": 5, "month": 5, "year": 11, "all": 5}
    # X.9 reports, but nobody expects it; T.1 ended
    assert reporting == {"today": 1, "month": 2, "year": 3, "all": 2}


def test_silence_is_of_those_who_are_expected_today(tmp_path: Path) -> None:
    found = {
        name[1]: value
        for name, value in samples(tmp_path, merged_communes()).items()
        if name[0] == "agency_silent_seconds"
    }
    assert set(found) == {"P", "P.D", "N.1", "N.2", "U.2"}
    assert found["P.D"] == found["N.2"] == 60
    # it was registered in 2015 and never sent a count
    assert found["P"] > 10 * 365 * 86_400 - 60 * 86_400


def test_unknown_codes_and_problems_are_counted(tmp_path: Path) -> None:
    found = samples(tmp_path, agency(merged_communes(), "N.3", "commune", "N.3", first=MERGER))
    assert found["agencies_unknown",] == 1
    assert {
        name[1]: value for name, value in found.items() if name[0] == "directory_problems" and value
    } == {"cycle": 1}


def test_where_nobody_registers_the_declared_ones_count_and_nobody_is_unknown(
    tmp_path: Path,
) -> None:
    found = samples(tmp_path, {}, {code: Agency(code=code) for code in ("N.2", "Q")})
    assert (found["agencies_expected", "month"], found["agencies_reporting", "month"]) == (2, 1)
    assert ("agencies_unknown",) not in found
    assert found["agency_silent_seconds", "N.2"] == 60


def test_registered_agencies_that_other_metrics_tell_are_named_once(tmp_path: Path) -> None:
    """P.D was heard from under another form of its code, T.1 ended, X.9 is unknown."""
    found = [name for name in samples(tmp_path, merged_communes()) if name[0] == "agency_info"]
    assert ("agency_info", "P.D", "department", "Sở mẫu", "Sample department") in found
    assert ("agency_info", "N.2", "commune", "", "") in found
    assert sorted(name[1] for name in found) == ["N.1", "N.2", "P", "P.D", "T.1", "U.2"]


def exported(folder: Path, items: Items) -> dict[tuple[str, ...], float]:
    """Closed this year by agency, open dossiers by agency, and when each was last heard."""
    cube = filled(
        folder,
        [
            counted("dossiers|closed|000.01.P|P1|20250110", closed=1, on_time=1),
            counted("dossiers|closed|P.D|P1|20251110", closed=2, on_time=1),
            counted(f"dossiers|open|000.01.P|P1|{at('2025-11-11T17:00')}", open=3),
            counted(f"dossiers|open|P.D|P1|{at('2025-12-11T17:00')}", open=1),
            counted("inventory|agencies|U.2|commune|20150101", agencies=1, agencies_expected=1),
        ],
    )
    directory = Directory(items)
    progress = Progress(ready=True, partitions=1)
    views = Views(
        Readers(cube),
        INDICATORS,
        {},
        progress=lambda: progress,
        clock=lambda: NOW,
        directory=lambda: directory,
    )
    exporter = Exporter(cube, views)
    found = [
        sample
        for family in text_string_to_metric_families(exporter.render())
        for sample in family.samples
    ]
    share = {"indicator": "dossiers_on_time_share", "window": "year"}
    return {
        (sample.name.removeprefix("lgsp_"), sample.labels["agency"]): sample.value
        for sample in found
        if sample.name
        in (
            "lgsp_indicator_denominator",
            "lgsp_dossiers_open",
            "lgsp_dossiers_overdue",
            "lgsp_last_event_timestamp_seconds",
        )
        and (share.items() <= sample.labels.items() or "indicator" not in sample.labels)
    }


def test_an_agency_has_one_sample_whichever_form_of_its_code_was_used(tmp_path: Path) -> None:
    found = exported(tmp_path, merged_communes())
    assert not [agency_ for _, agency_ in found if agency_ == "000.01.P"]
    assert {name: value for (name, agency_), value in found.items() if agency_ == "P.D"} == {
        "indicator_denominator": 3,
        "dossiers_open": 4,
        "dossiers_overdue": 3,
        "last_event_timestamp_seconds": NOW / 1000,
    }
    assert ("last_event_timestamp_seconds", "U.2") not in found  # being registered is not reporting


def test_a_form_that_went_to_another_agency_counts_where_it_was(tmp_path: Path) -> None:
    items = agency({}, "P.D", "department", until=MERGER, alias=["000.01.P"])
    agency(items, "P.E", "department", first=MERGER, alias=["000.01.P"])
    found = exported(tmp_path, items)
    # in January the old form was its own, and it still sends under its code
    assert found["indicator_denominator", "P.D"] == 3
    assert found["indicator_denominator", "P.E"] == 0
    assert (found["dossiers_open", "P.D"], found["dossiers_open", "P.E"]) == (1, 3)
