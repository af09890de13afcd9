"""Open access is for this machine alone; secrets stand in no settings file."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings, settings
from serving.access.opening import refuse_open
from serving.http import run_server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "hub.sample.invalid"])
def test_open_access_on_another_address_is_refused_with_the_way_out(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        refuse_open(Settings(host=host), "The gateway")
    said = str(caught.value)
    assert said.startswith(f"The gateway does not listen on {host} (LGSP_HOST)")
    assert "`lgsp client add operator --role operator" in said
    assert "LGSP_ACCESS=required" in said
    refuse_open(Settings(host=host, access="required"), "The gateway")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_this_machine_it_may_be_open(host: str) -> None:
    refuse_open(Settings(host=host), "The gateway")


def test_a_process_that_is_refused_listens_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async def serve(listener: socket.socket) -> None:
        pytest.fail("it listens")

    assert run_server(Settings(host="0.0.0.0"), "metrics_port", "The reporting API", serve) == 1
    assert "The reporting API does not listen on 0.0.0.0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pepper", "access_token", "client_secret", "db_password", "key"])
def test_a_secret_in_the_settings_file_is_refused_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LGSP_CONFIG", raising=False)
    (tmp_path / "lgsp.toml").write_text(f'{name} = "sample-secret"\n', "utf-8")
    settings.cache_clear()
    try:
        with pytest.raises(
            SettingsError, match=rf"{name} in the settings file is a secret"
        ) as told:
            settings()
    finally:
        settings.cache_clear()
    assert "sample-secret" not in str(told.value)
    assert "LGSP_PEPPER_FILE" in str(told.value)
