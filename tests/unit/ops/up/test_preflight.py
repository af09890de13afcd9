"""What `lgsp up` looks at before it starts anything, and how it says what is wrong."""

from __future__ import annotations

import socket
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ops.kafka.ports import free_port
from ops.up import preflight
from ops.up.preflight import check_machine
from schemas import listening
from schemas.errors import (
    CatalogueError,
    EnvironmentBroken,
    HubError,
    KafkaUnavailable,
    SettingsError,
)
from schemas.settings import Settings


def console() -> Console:
    return Console(file=StringIO(), width=200)


def printed(console: Console) -> str:
    return str(console.file.getvalue())  # type: ignore[attr-defined]


class TestCheckMachine:
    @pytest.fixture(autouse=True)
    def no_kafka(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ops.up.preflight.classpath", lambda **_: [])
        monkeypatch.setattr("ops.up.preflight.ORPHAN_SECONDS", 0.0)
        monkeypatch.setattr("ops.up.preflight.KAFKA_ORPHAN_SECONDS", 0.0)

    def settings(self, folder: Path, **chosen: object) -> Settings:
        ports = {f"{name}_port": free_port() for name in ("gateway", "metrics", "worker", "kafka")}
        return Settings(data=folder / "var", **(ports | chosen))  # type: ignore[arg-type]

    def refused(self, settings: Settings) -> HubError:
        with pytest.raises(HubError) as caught:
            check_machine(settings, console())
        return caught.value

    def test_a_machine_that_is_ready_is_told_nothing(self, tmp_path: Path) -> None:
        output = console()
        check_machine(self.settings(tmp_path), output)
        assert printed(output) == ""

    @pytest.mark.parametrize("name", ["gateway", "metrics", "worker"])
    def test_a_port_in_use_is_named_with_its_setting(self, tmp_path: Path, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            error = self.refused(self.settings(tmp_path, **{f"{name}_port": port}))
        said = (
            f"127.0.0.1:{port} is in use: stop what listens there, or set LGSP_{name.upper()}_PORT"
            " to a free port."
        )
        assert isinstance(error, EnvironmentBroken)
        assert str(error).startswith(said)

    def test_so_is_kafka_s(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            assert "LGSP_KAFKA_PORT" in str(
                self.refused(self.settings(tmp_path, kafka_port=taken.getsockname()[1]))
            )

    def test_one_port_for_two_is_named(self, tmp_path: Path) -> None:
        port = free_port()
        error = self.refused(self.settings(tmp_path, metrics_port=port, kafka_port=port))
        said = (
            f"LGSP_METRICS_PORT and LGSP_KAFKA_PORT are both {port}: give each a port of its own."
        )
        assert (type(error), str(error)) == (SettingsError, said)

    def test_an_address_of_another_machine_is_named_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ops.up.preflight.ORPHAN_SECONDS", 60.0)
        clock = SimpleNamespace(sleep=lambda _: pytest.fail("waited"), monotonic=time.monotonic)
        monkeypatch.setattr(preflight, "time", clock)
        assert "The gateway can't listen on 203.0.113.9:" in str(
            self.refused(self.settings(tmp_path, host="203.0.113.9", access="required"))
        )

    def test_a_catalogue_that_cannot_hold_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text("- id: x\n")
        assert isinstance(
            self.refused(self.settings(tmp_path, indicators=tmp_path / "own.yaml")), CatalogueError
        )

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        refused = str(self.refused(self.settings(tmp_path / "file")))
        assert refused.startswith(
            f"The hub can't write its folder {tmp_path / 'file' / 'var'} (Not a directory)"
        )

    def test_who_listens_for_others_says_so_in_a_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Kafka; the others ask who it is."""
        taken = SimpleNamespace(close=lambda: None)  # an address that this machine need not have
        monkeypatch.setattr(listening, "listen", lambda *_: taken)
        output = console()
        chosen = self.settings(tmp_path, host="0.0.0.0", access="required", kafka_host="192.0.2.7")
        check_machine(chosen, output)
        [line] = printed(output).splitlines()
        assert line.startswith(
            "Kafka listens on 192.0.2.7: whoever reaches that address may use it."
        )

    def test_open_access_for_others_is_refused_before_anything_is_started(
        self, tmp_path: Path
    ) -> None:
        refused = str(self.refused(self.settings(tmp_path, host="0.0.0.0")))
        assert "`lgsp client add operator" in refused

    def test_topics_of_other_settings_are_told_where_a_kafka_runs_already(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def ensure(_: Settings) -> None:
            raise SettingsError("set LGSP_PARTITIONS=6")

        monkeypatch.setattr(preflight, "ensure_topics", ensure)
        assert "LGSP_PARTITIONS=6" in str(
            self.refused(self.settings(tmp_path, kafka_servers="127.0.0.1:1"))
        )
        check_machine(self.settings(tmp_path), console())  # its own does not run yet

    @pytest.mark.parametrize("error", [KafkaUnavailable("no broker"), ConnectionResetError()])
    def test_a_kafka_that_is_away_is_left_to_those_who_need_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        async def ensure(_: Settings) -> None:
            raise error

        monkeypatch.setattr(preflight, "ensure_topics", ensure)
        check_machine(self.settings(tmp_path, kafka_servers="127.0.0.1:1"), console())
