"""`lgsp recount` as its table is read: in a terminal of 80 columns."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from ops.recount.report import verdict_table
from ops.recount.verdict import Verdict
from streams.families import FAMILIES

MILLIONS = (12_345_678, 1_234_567, 2_345_678, 12_345, 1_234_567)


def test_in_80_columns_no_heading_is_broken_and_no_figure_cut_off() -> None:
    console = Console(file=StringIO(), width=80)
    verdicts = [
        Verdict(family, partition, *MILLIONS) for family in FAMILIES for partition in (0, 11)
    ]
    console.print(verdict_table(verdicts, "lgsp"))
    title, upper, lower, _, *rows = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert title.strip() == "Recount of lgsp from the first event"
    assert upper.split() == ["wrong", "wrong"]
    assert " ".join(lower.split()) == "family part events refused things cells cells states waiting"
    assert [row.split()[:3] for row in rows] == [
        [one.family, str(one.partition), "12,345,678"] for one in verdicts
    ]
