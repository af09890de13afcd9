"""docs/access.md says what the command, the gateway and the settings do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from connectors.gateway.problems import GATEWAY_PROBLEMS
from ops.access.commands import client_group
from ops.cli import cli
from schemas.settings import Settings
from serving.access.changes import LONGEST_DAYS
from serving.access.clients import DOORS, KEY_DAYS, ROLES, ROTATION_DAYS, ClientLimits
from serving.access.secrets import PEPPER_FILE, TOKEN_KEY_FILE

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "access.md").read_text("utf-8")
BLOCKS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ").splitlines()
COMMANDS = [line.split("#")[0] for line in BLOCKS if " client " in line]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_are_the_commands(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is understood as far as to its work."""
    called: list[str] = []
    for name, command in client_group.commands.items():

        def work(_: str = name, **options: Any) -> None:
            called.append(_)

        monkeypatch.setattr(command, "callback", work)
    words = shlex.split(line)
    assert words[0] == ".venv/bin/lgsp"
    done = CliRunner().invoke(cli, words[1:])
    assert done.exit_code == 0, done.output
    assert called == [words[2]]


def test_every_command_is_on_the_page() -> None:
    shown = {shlex.split(line)[2] for line in COMMANDS}
    assert shown == {"add", "change", "rotate", "revoke"}
    assert "`lgsp client list`" in PAGE
    context = click.Context(client_group)
    assert set(client_group.list_commands(context)) == {*shown, "list", "show"}


def test_the_options_of_a_new_client_are_all_explained() -> None:
    explained = re.findall(r"`(--[\w-]+)`", PAGE)
    for option in client_group.commands["add"].params:
        name = option.opts[0]
        if not name.startswith("--title") and name.startswith("--") and "packets" not in name:
            assert name in explained or name in (
                "--only-key",
                "--success-code",
                "--default-channel",
            ), name


def test_the_numbers_are_those_of_the_code() -> None:
    limits = ClientLimits()
    assert f"{limits.events:,} events and {limits.bytes >> 20} MiB" in PAGE
    assert f"{KEY_DAYS} unless told, {LONGEST_DAYS:,} at most" in PAGE
    assert ROTATION_DAYS == 7
    assert "the old key holds seven days more" in PAGE
    for name in (*DOORS, *ROLES, PEPPER_FILE, TOKEN_KEY_FILE):
        assert f"`{name}`" in PAGE, name
    for name in ("access", "pepper_file", "token_key_file"):
        assert name in Settings.model_fields
        assert f"LGSP_{name.upper()}" in PAGE


def test_the_answers_are_those_of_the_gateway() -> None:
    named = {int(status) for status in re.findall(r"^\| (\d{3})\b", PAGE, re.MULTILINE)}
    kinds = ("not-known", "not-allowed", "forbidden-items", "over-limit", "unavailable")
    assert named == {GATEWAY_PROBLEMS[kind].status for kind in kinds}
