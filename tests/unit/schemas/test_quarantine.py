"""`lgsp quarantine`: counts by source, reason and day at eighty columns, one refusal in words, and
old records masked.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from connectors.cloudevents.decode import ItemRefused, event_of
from connectors.cloudevents.jsonitems import read_one
from connectors.gateway.examples import EXAMPLES
from connectors.quarantine.entries import Entry, entry_of
from connectors.quarantine.excerpts import kept_of_item, refused_item
from ops.instants import instant_of
from ops.quarantine import run as commands
from ops.quarantine.run import EntryFilter, run_list, run_show
from schemas.clock import DAY_MS, LATEST_MS, now_ms
from schemas.digests import KEY_FILE, Digest, digest_of, known_digest
from schemas.errors import HubError
from schemas.quarantine import Quarantined, Stray
from schemas.settings import Settings

NAME, CITIZEN = "Nguyễn Thị Mẫu", "001085012345"
NOON = 1_764_478_800_000  # 2025-11-30, noon in Viet Nam
KEY = Digest()
RECEIVED = EXAMPLES["dossier.received"]


def refusal(number: int, **data: Any) -> Quarantined:
    text = json.dumps(
        {**RECEIVED, "data": {**RECEIVED["data"], "channel": f"pigeon{number}", **data}}
    )
    with pytest.raises(ItemRefused) as refused:
        event_of(read_one(text), latest=LATEST_MS)
    origin = f"http:0b6bd1c4-58a5-4a1e-9d0b-1f4f6f6f{number:04}/0"
    return refused_item(origin, refused.value.errors, kept_of_item(read_one(text), KEY))


def record(one: Quarantined, at: int = NOON) -> Any:
    return SimpleNamespace(key=one.key, value=one.value, headers=tuple(one.headers), timestamp=at)


def earlier(origin: str, reason: str, body: bytes) -> Any:
    """As the version before wrote it."""
    headers = [
        ("reason", reason.encode()),
        ("origin", origin.encode()),
        ("length", str(len(body)).encode()),
    ]
    return SimpleNamespace(
        key=origin.encode(), value=body, headers=tuple(headers), timestamp=NOON - DAY_MS
    )


OLD = [
    earlier(
        "http:old/0",
        "data.ho_ten: is no field",
        json.dumps({**RECEIVED, "data": RECEIVED["data"] | {"ho_ten": NAME}}).encode(),
    ),
    earlier(
        f"file:Hồ sơ {CITIZEN}.csv/7",
        f"column at: '{NAME}' should be a time",
        f"{NAME};{CITIZEN}".encode(),
    ),
    earlier("http:broken", "it is no JSON", b"{" + NAME.encode()),
]
KAFKA = Stray(
    "kafka:lgsp.dossiers/0/17", "no contract of this family begins with 6e", b"not a contract"
).quarantined(KEY)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command over records as Kafka would give them; gives what it printed at eighty
    columns.
    """

    def show(records: list[Any], command: Any, *arguments: Any) -> str:
        async def entries(_: Settings, since: int = 0) -> AsyncIterator[Entry]:
            for one in records:
                if one.timestamp >= since:
                    yield entry_of(one, KEY)

        monkeypatch.setattr(commands, "entries", entries)
        console = Console(width=80, record=True, file=io.StringIO())
        assert command(Settings(), *arguments, console=console) == 0
        return console.export_text()

    return show


def test_refusals_are_counted_by_day_source_and_sort_of_reason(shown: Any) -> None:
    many = [record(refusal(number)) for number in range(9)] + [
        record(refusal(10), NOON + DAY_MS),
        record(KAFKA),
    ]
    text = shown(many, run_list, EntryFilter())
    assert max(map(len, text.splitlines())) <= 80
    rows = [line for line in text.splitlines() if line.strip().startswith("2025-")]
    assert [line.split()[:2] for line in rows] == [
        ["2025-12-01", "1"],
        ["2025-11-30", "9"],
        ["2025-11-30", "1"],
    ]
    assert "http:0b6bd1c4" in text
    assert "kafka:lgsp.dossiers" in text
    assert "11 refused, of 3 sorts" in text
    assert "lgsp quarantine show ORIGIN" in text


@pytest.mark.parametrize(
    ("reason", "sort"),
    [
        ("time: should be a time such as 2026-11-03T09:00:00+07:00",) * 2,
        ("write 2025-11-10T09:00:00+07:00, or 2025-11-10", "write …, or …"),
        ("column amount: 'x###' is on line 1,204 too", "column amount: '…' is on line … too"),
        ("a name of 12 characters, level 4", "a name of … characters, level 4"),
        ("column xx xxx: ##/##/#### is no time", "column …: … is no time"),
    ],
)
def test_what_differs_from_one_refusal_to_the_next_is_one_sign(reason: str, sort: str) -> None:
    assert Entry("http:a/0", NOON, reason, "wrong_value", refusal(1).kept).general == sort


def test_what_is_asked_for_is_found_by_source_reason_and_time(shown: Any) -> None:
    many = [record(refusal(1)), record(refusal(2, agency="a b"), NOON + DAY_MS), record(KAFKA)]
    for asked, count in (
        (EntryFilter(source="ONE-STOP"), 2),
        (EntryFilter(source="dossiers"), 1),
        (EntryFilter(reason="no contract"), 1),
        (EntryFilter(reason="WRONG_VALUE"), 2),
        (EntryFilter(since=NOON + 1), 1),
        (EntryFilter(source="nobody"), 0),
    ):
        text = shown(many, run_list, asked)
        assert (f"{count} refused" if count else "Nothing was refused") in text
    assert "of which the newest 1 are shown (--limit)" in shown(
        many, run_list, EntryFilter(limit=1)
    )


def test_machines_get_the_refusals_themselves(
    shown: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [record(refusal(number), NOON + number) for number in range(3)]
    shown(many, run_list, EntryFilter(limit=2), "json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["origin"] for line in lines] == [refusal(2).origin, refusal(1).origin]
    assert (lines[0]["kind"], lines[0]["type"], lines[0]["fields"]["data.channel"]) == (
        "wrong_value",
        "dossier.received",
        "pigeon2",
    )
    shown(many, run_list, EntryFilter(limit=2), "csv")
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert [dict(zip(header, row, strict=True))["door"] for row in rows] == ["http", "http"]


def test_one_refusal_is_told_in_words_with_what_to_do(shown: Any) -> None:
    one, same = refusal(1, ho_ten=NAME), refusal(1, ho_ten=NAME)
    same = Quarantined("http:again/0", same.reason, same.kind, same.kept)
    text = shown([record(one), record(same), record(refusal(2))], run_show, one.origin)
    for part in (
        "2025-11-30 12:00:00, kept until about 2025-12-14",
        "item 0 of request 0b6bd1c4",
        "data.channel: should be one of",
        "data.channel: pigeon1",
        "1 field that the hub does not know",
        "came as well as http:again/0",
        "Next: tell ",
    ):
        assert part in " ".join(text.split())
    assert NAME not in text
    assert "data.channel: pigeon2" in shown([record(refusal(2))], run_show, "http:0b6bd1c4/0")
    assert "Next: find out which system writes to this topic" in shown(
        [record(KAFKA)], run_show, "kafka:"
    )


def test_an_origin_that_several_begin_with_or_none_is_a_sentence(shown: Any) -> None:
    many = [record(refusal(1)), record(refusal(2))]
    with pytest.raises(
        HubError, match=r"Several refusals begin so: http:0b6bd1c4.*0001/0, http:.*0002/0"
    ):
        shown(many, run_show, "http:0b6bd1c4")
    with pytest.raises(HubError, match="Nothing in the quarantine has that origin"):
        shown(many, run_show, "http:x")


@pytest.mark.parametrize("one", OLD)
def test_what_an_earlier_version_kept_whole_is_shown_masked(shown: Any, one: Any) -> None:
    text = shown([one], run_list, EntryFilter()) + shown([one], run_show, entry_of(one, KEY).origin)
    assert entry_of(one, KEY).origin.rpartition("/")[2] == one.key.decode().rpartition("/")[2]
    assert not [planted for planted in (NAME, CITIZEN, NAME.split()[0]) if planted in text]
    assert "an earlier version kept it whole" in " ".join(text.split())
    kept = entry_of(one, KEY).kept
    assert (kept.length, kept.digest) == (len(one.value), KEY.of(one.value))


def test_times_are_days_or_spans() -> None:
    assert instant_of("2025-11-30") == NOON - 12 * 3_600_000
    assert abs(instant_of("2d") - (now_ms() - 2 * DAY_MS)) < 60_000
    for wrong in ("yesterday", "30/11/2025", "5m", ""):
        with pytest.raises(HubError, match="--since should be a day"):
            instant_of(wrong)


def test_the_key_of_hashes_is_one_a_folder_and_nobody_elses(tmp_path: Path) -> None:
    digest = digest_of(tmp_path)
    assert (tmp_path / "quarantine.key").stat().st_mode & 0o077 == 0
    digest_of.cache_clear()
    assert digest_of(tmp_path) == digest
    assert digest_of(tmp_path / "other") != digest
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["quarantine.key"]
    (tmp_path / "file").write_text("in the way")
    assert digest_of(tmp_path / "file").of(b"x"), "a folder that can't be written stops nobody"


def test_who_only_looks_makes_no_key_and_complains_of_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a folder that can only be read."""
    assert known_digest(tmp_path) is known_digest(tmp_path), "hashes compare within a process"
    assert (list(tmp_path.iterdir()), caplog.messages) == ([], [])
    known_digest.cache_clear()
    digest_of.cache_clear()
    assert known_digest(tmp_path) != digest_of(tmp_path)
    known_digest.cache_clear()
    assert known_digest(tmp_path) == digest_of(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    (tmp_path / KEY_FILE).mkdir()
    known_digest.cache_clear()
    assert known_digest(tmp_path) != digest_of(tmp_path)
    assert len(caplog.messages) == 1


def test_the_key_of_hashes_outlasts_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its bytes are on the disk before it has its name, and then the name is. One that an earlier
    version lost so is told of.
    """
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def synced(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def linked(*names: Path) -> None:
        steps.append("name")
        link(*names)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    digest_of.cache_clear()
    digest_of(tmp_path)
    assert steps == ["file", "name", "folder"]
    (tmp_path / "quarantine.key").write_bytes(b"")
    digest_of.cache_clear()
    assert digest_of(tmp_path).of(b"x")
    assert "quarantine.key is damaged: delete it" in caplog.text
