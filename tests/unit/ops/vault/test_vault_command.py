"""`lgsp vault`: what it lists, and what has to be said before something is erased."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from vaults import NOON, OWNER

from connectors.vault.datakeys import KnownKeys, new_data_key
from connectors.vault.master import MasterKeys
from ops.cli import cli
from ops.vault import run as commands
from schemas.settings import Settings
from schemas.topics import VAULT_KEYS


def listed(settings: Settings, known: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> str:
    async def read(_: Settings) -> KnownKeys:
        return known

    monkeypatch.setattr(commands, "_known", read)
    console = Console(width=100, record=True, file=io.StringIO())
    assert commands.run_list(settings, console) == 0
    return console.export_text()


def test_whose_days_are_kept_until_when_and_whether_they_can_be_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path)
    assert "Nothing is kept" in listed(settings, KnownKeys(), monkeypatch)
    mine, other = MasterKeys.of(settings), MasterKeys([b"o" * 32])
    keys = [
        new_data_key(OWNER, mine, VAULT_KEYS, NOON),
        new_data_key(OWNER._replace(agency="B"), other, VAULT_KEYS, NOON),
    ]
    text = listed(settings, KnownKeys({key.id: key for key in keys}), monkeypatch)
    first, second = (line.split() for line in text.splitlines() if line.strip().startswith("2025"))
    assert first == [
        "2025-11-30",
        "B",
        "shop",
        "quarantine",
        "2025-12-15",
        "no:",
        "master",
        "key",
        other.newest,
    ]
    assert second == ["2025-11-30", "SAMPLE.A", "shop", "quarantine", "2025-12-15", "yes"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ([], "Say whose"),
        (["--day", "2025-11-30"], "Say whose"),
        (["--agency", "A"], "Say which day"),
        (["--agency", "A", "--day", "30/11"], "does not match"),
    ],
)
def test_nothing_is_erased_before_it_is_said_what(said: list[str], asked: str) -> None:
    done = CliRunner().invoke(cli, ["vault", "erase", *said, "--yes"])
    assert done.exit_code == 2
    assert asked in done.output


@pytest.mark.parametrize(
    "command", [["vault", "erase", "--client", "a"], ["quarantine", "drop", "x"]]
)
def test_it_is_asked_before_something_is_gone_for_good(command: list[str]) -> None:
    done = CliRunner().invoke(cli, command, input="n\n")
    assert done.exit_code == 1
    assert "for good?" in done.output
