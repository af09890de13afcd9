"""`lgsp audit`: a table that fits eighty columns, and a file for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from agencies import instant
from click.testing import CliRunner
from rich.console import Console

from ops.access import audit
from ops.access.audit import COLUMNS, AuditFilter, run_audit
from ops.cli import cli
from schemas.settings import Settings, settings
from schemas.spreadsheets import MARK
from serving.access.audit import AUDIT_KINDS, Actor, AuditRecord, change_record

MORNING = instant("2026-11-30T08:00")
REFUSED = AuditRecord(
    id="1",
    kind="refused",
    client="sample-one-stop",
    door="gateway",
    what="POST /v1/events",
    first=MORNING,
    last=MORNING + 60_000,
    times=12_345,
    status=403,
    address="203.0.113.7",
)
OPENED = msgspec.structs.replace(
    REFUSED,
    id="2",
    kind="opened",
    client="sample-reader",
    door="metrics",
    what="GET /v1/dossiers",
    question="indicator=dossiers_overdue agency=000.00.01.SAMPLE",
    last=MORNING + 120_000,
    times=1,
    status=200,
    address="2001:db8:0000:0000:0000:0000:0000:00ff",
)
CHANGED = change_record(Actor("operator", "gateway", "=1+1"), "added", "sample-one-stop", MORNING)
RECORDS = [REFUSED, OPENED, CHANGED]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def records(_: Settings, since: int = 0) -> AsyncIterator[AuditRecord]:
        for one in RECORDS:
            yield one

    monkeypatch.setattr(audit, "audit_records", records)
    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


ALL = AuditFilter()


def table(asked: AuditFilter = ALL, **chosen: int) -> list[str]:
    console = Console(file=StringIO(), width=80)
    assert run_audit(Settings(), asked, console=console, **chosen) == 0
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def test_the_table_fits_eighty_columns_and_the_newest_is_first() -> None:
    lines = table()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert text.index("sample-reader") > text.index("operator")
    assert "2026-11-30 08:01" in text
    assert "12,345" in text


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (AuditFilter(), {"1", "2", CHANGED.id}),
        (AuditFilter(client="sample-one-stop"), {"1", CHANGED.id}),  # what was done to it too
        (AuditFilter(client="sample-one-stop", kind="refused"), {"1"}),
        (AuditFilter(kind="opened"), {"2"}),
        (AuditFilter(since=MORNING + 100_000), {"2"}),
        (AuditFilter(client="nobody"), set()),
    ],
)
def test_records_are_found_by_client_kind_and_time(asked: AuditFilter, ids: set[str]) -> None:
    assert {one.id for one in RECORDS if asked.wants(one)} == ids


def test_more_than_the_limit_is_said() -> None:
    assert table(limit=1)[-1].startswith("The newest 1 of 3")
    assert table(AuditFilter(client="nobody")) == ["Nothing of that is in the audit."]


def test_the_file_has_every_record_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    arguments = ["audit", "--client", "sample-one-stop", "--csv", str(path)]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert done.output == f"2 records are in {path}.\n"
    text = path.read_text("utf-8")
    assert text.startswith(MARK)
    head, first, second = csv.reader(StringIO(text.removeprefix(MARK)))
    assert head == list(COLUMNS)
    assert first[COLUMNS.index("times")] == "12345"
    assert second[COLUMNS.index("address")] == "'=1+1"


def test_every_kind_can_be_asked_for(tmp_path: Path) -> None:
    for kind in AUDIT_KINDS:
        path = str(tmp_path / "audit.csv")
        done = CliRunner().invoke(cli, ["audit", "--kind", kind, "--csv", path])
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, ["audit", "--csv", str(tmp_path / "none" / "audit.csv")])
    assert done.exit_code == 1
    assert "can't be written" in done.output
