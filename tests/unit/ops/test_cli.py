"""What every command does alike."""

from __future__ import annotations

from typing import NoReturn

import pytest
from click.testing import CliRunner

from ops.cli import cli
from schemas.errors import EnvironmentBroken


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. The same command can be run again at any time.\n"),
        (EnvironmentBroken("The folder can't be written."), 1, "The folder can't be written.\n"),
    ],
)
def test_an_end_before_the_end_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    def end(_: object) -> NoReturn:
        raise raised

    monkeypatch.setattr("ops.recount.run_recount", end)
    done = CliRunner().invoke(cli, ["recount"])
    assert (done.exit_code, done.output) == (code, said)
