"""What /metrics tells of agencies: silence, coverage of each window, unknown codes, what the directory left out."""

from __future__ import annotations

from pathlib import Path

from agencies import MERGER, Items, agency, merged_communes
from cubes import NOW, counted
from prometheus_client.parser import text_string_to_metric_families

from metrics.catalogue import Agency
from metrics.cube import Cube
from metrics.directory import Directory
from metrics.directory_metrics import directory_text
from metrics.reader import Readers

CELLS = [
    counted("dossiers|received|000.01.P|P1|20251112", received=3),
    counted("dossiers|received|N.2|P1|20251101", received=3),
    counted("dossiers|received|T.1|P1|20250610", received=1),
    counted("dossiers|received|X.9|P1|20251112", received=1),
    counted("inventory|agencies|P|province|20150101", agencies=1, agencies_expected=1),
]


def samples(folder: Path, items: Items, declared: dict[str, Agency] | None = None) -> dict[tuple[str, ...], float]:
    cube = Cube(folder / "cube.sqlite")
    cube.open("one", NOW)
    cube.apply(CELLS, {0: 1})
    with Readers(cube).snapshot() as snapshot:
        text = directory_text(snapshot, Directory(items), declared or {}, NOW + 60_000)
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name.removeprefix("lgsp_"), *sample.labels.values()): sample.value for sample in found}


def test_coverage_of_each_window_counts_every_agency_once_under_all_its_codes(tmp_path: Path) -> None:
    found = samples(tmp_path, merged_communes())
    expected, reporting = ({window: found[name, window] for window in ("today", "month", "year", "all")}
                           for name in ("agencies_expected", "agencies_reporting"))  # fmt: skip
    assert expected == {"today": 5, "month": 5, "year": 11, "all": 11}
    assert reporting == {"today": 1, "month": 2, "year": 3, "all": 3}  # X.9 reports, but nobody expects it


def test_silence_is_of_those_who_are_expected_today(tmp_path: Path) -> None:
    found = {name[1]: value for name, value in samples(tmp_path, merged_communes()).items() if name[0] == "agency_silent_seconds"}
    assert set(found) == {"P", "P.D", "N.1", "N.2", "U.2"}
    assert found["P.D"] == found["N.2"] == 60
    assert found["P"] > 10 * 365 * 86_400 - 60 * 86_400  # it was registered in 2015 and never sent a count


def test_unknown_codes_and_problems_are_counted(tmp_path: Path) -> None:
    found = samples(tmp_path, agency(merged_communes(), "N.3", "commune", "N.3", first=MERGER))
    assert found["agencies_unknown",] == 1
    assert {name[1]: value for name, value in found.items() if name[0] == "directory_problems" and value} == {"cycle": 1}


def test_where_nobody_registers_the_declared_ones_count_and_nobody_is_unknown(tmp_path: Path) -> None:
    found = samples(tmp_path, {}, {code: Agency(code=code) for code in ("N.2", "Q")})
    assert (found["agencies_expected", "month"], found["agencies_reporting", "month"]) == (2, 1)
    assert ("agencies_unknown",) not in found
    assert found["agency_silent_seconds", "N.2"] == 60
