"""Which space `lgsp up` runs in: a simulation never tells its facts to the official one, and who
looks sees whose figures they are.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ops.kafka.ports import free_port
from ops.simulate.run import MARKER
from ops.up import run
from ops.up.live_table import LiveAnswers, Screen
from ops.up.parts import hub_parts
from ops.up.preflight import check_machine
from ops.up.run import Hub, addresses, run_up
from schemas.errors import SettingsError
from schemas.settings import Settings
from schemas.spaces import OFFICIAL, SIMULATED


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hubs that were run, which end at once."""
    hubs: list[Hub] = []
    monkeypatch.setattr(run, "check_machine", lambda *_: None)
    monkeypatch.setattr(Hub, "run", lambda self, _: hubs.append(self))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return hubs


@pytest.mark.parametrize(
    ("chosen", "simulate", "space"),
    [
        ({}, True, SIMULATED),
        ({}, False, OFFICIAL),
        ({"space": "training"}, True, "training"),
        ({"space": "training"}, False, "training"),
        ({"space": SIMULATED}, False, SIMULATED),  # to look at what was simulated
    ],
)
def test_a_simulation_has_a_space_of_its_own(
    begun: list[Hub], tmp_path: Path, chosen: dict[str, str], simulate: bool, space: str
) -> None:
    settings = Settings(data=tmp_path, **chosen)  # type: ignore[arg-type]
    assert run_up(settings, simulate=simulate) == 0
    (hub,) = begun
    assert {part.service.environment["LGSP_SPACE"] for part in hub.parts} == {space}
    assert hub.screen.space == space
    assert ("simulate" in {part.name for part in hub.parts}) == simulate


def test_a_simulation_into_the_official_space_is_refused(begun: list[Hub], tmp_path: Path) -> None:
    """Whoever names that space means real facts."""
    with pytest.raises(SettingsError, match="nothing was told"):
        run_up(Settings(data=tmp_path, space=OFFICIAL), simulate=True)
    assert begun == []


@pytest.mark.parametrize("space", [OFFICIAL, SIMULATED])
def test_the_screen_says_whose_figures_they_are(tmp_path: Path, space: str) -> None:
    settings = Settings(data=tmp_path, space=space)
    screen = Screen(hub_parts(settings, simulate=False), addresses(settings), space)
    screen.started, screen.answers = True, LiveAnswers([], "no answer")
    console = Console(file=StringIO(), width=80, height=24)
    console.print(screen)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    first, *rest = text.splitlines()
    assert first.rstrip().endswith(f"không gian / space: {space}"), "nothing is cut"
    told = f"LGSP_SPACE={space}" in "".join(rest)
    assert told == (space != OFFICIAL), "other commands have to be told of it"


@pytest.mark.parametrize(("space", "warned"), [(OFFICIAL, True), (SIMULATED, False)])
def test_official_figures_with_an_older_simulation_in_them_are_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, space: str, warned: bool
) -> None:
    """Versions before this one told it into the only space there was."""
    monkeypatch.setattr("ops.up.preflight.classpath", lambda **_: [])
    (tmp_path / MARKER).touch()
    ports = {f"{name}_port": free_port() for name in ("gateway", "metrics", "worker", "kafka")}
    console = Console(file=StringIO(), width=200)
    check_machine(Settings(data=tmp_path, space=space, **ports), console)  # type: ignore[arg-type]
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("simulated facts into the official figures" in said) == warned
