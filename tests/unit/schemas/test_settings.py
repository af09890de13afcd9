"""Settings: where they come from, and that a wrong one is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import cli
from schemas.errors import SettingsError
from schemas.settings import Settings, config_file, settings
from schemas.settings_words import refuse_unknown, settings_table

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings but the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in ["config", *Settings.model_fields]:
        monkeypatch.delenv(f"LGSP_{name.upper()}", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_without_anything_every_setting_has_its_default() -> None:
    assert settings() == Settings()
    assert (settings().gateway_port, settings().metrics_port, settings().kafka_port) == (
        8080,
        8081,
        9092,
    )
    assert settings().host == "127.0.0.1"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lgsp.toml").write_text('partitions = 8\napp_id = "other"\n', "utf-8")
    monkeypatch.setenv("LGSP_PARTITIONS", "16")
    assert (settings().partitions, settings().app_id, settings().replication_factor) == (
        16,
        "other",
        1,
    )


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_PARTITIONS", "")
    assert settings().partitions == Settings.model_fields["partitions"].default


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = settings()
    monkeypatch.setenv("LGSP_PARTITIONS", "16")
    assert settings() is first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gateway_port", "0"),
        ("gateway_port", "65536"),
        ("kafka_port", "http"),
        ("partitions", "0"),
        ("partitions", "four"),
        ("app_id", "Lai Chau"),
        ("books_beside", "lgsp-2, lgsp-3"),
        ("books_beside", "lgsp-2,"),
        ("books_beside", "Lai Chau"),
        ("log_level", "LOUD"),
        ("publish_timeout", "0"),
        ("body_limit", "12"),
        ("batch_limit", "10001"),
        ("request_timeout", "5"),
        ("session_timeout", "0"),
        ("transaction_timeout", "901"),
        ("session_timeout", "inf"),
        ("future_tolerance", "nan"),
        ("kafka_servers", "broker"),
        ("kafka_servers", "a:9092, b:9092"),
        ("kafka_heap", "9x"),
        ("kafka_repository", "mirror"),
        ("kafka_host", "0.0.0.0"),
        ("kafka_host", "::1"),
        ("listing", "perhaps"),
        ("topics", "keep"),
        ("agencies", "none.yaml"),
        ("indicators", "none.yaml"),
        ("office_hours", "7 to 5"),
        ("office_hours", "07:00-25:00"),
        ("office_hours", "13:30-17:00,07:00-11:30"),
        ("days_off", "02/09/2026"),
        ("make_up_days", "2026-13-01"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_given(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"LGSP_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        settings()
    assert f"LGSP_{name.upper()} is {value!r}: " in str(caught.value)
    for word in ("Input", "Value error", "should", "valid", "pydantic", "type="):
        assert word not in str(caught.value), "whoever sets it knows nothing of pydantic"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "days_off",
            "02/09/2026",
            "'02/09/2026' is no day: write days such as 2026-01-02,2026-02-13",
        ),
        ("gateway_port", "0", "it takes a whole number from 1 to 65535"),
        ("body_limit", "x", "it takes a whole number of at least 1024"),
        ("publish_timeout", "0", "it takes a number greater than 0 of at most 3600"),
        ("log_level", "LOUD", "it takes DEBUG, INFO, WARNING or ERROR"),
        ("listing", "perhaps", "it takes 1 or 0"),
    ],
)
def test_it_is_said_what_a_setting_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"LGSP_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        settings()
    assert (
        str(caught.value)
        == f"LGSP_{name.upper()} is {value!r}: {said}. docs/settings.md lists every setting."
    )


def test_a_day_cannot_be_off_and_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_DAYS_OFF", "2026-01-02,2026-01-10")
    monkeypatch.setenv("LGSP_MAKE_UP_DAYS", "2026-01-10")
    with pytest.raises(
        SettingsError, match="LGSP_MAKE_UP_DAYS is '2026-01-10': 2026-01-10 is in LGSP_DAYS_OFF too"
    ):
        settings()


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_PARTITIONS", "0")
    monkeypatch.setenv("LGSP_HEARTBEAT_SECONDS", "-1")
    with pytest.raises(SettingsError, match=r"LGSP_PARTITIONS.*LGSP_HEARTBEAT_SECONDS"):
        settings()


def test_a_name_that_is_no_setting_is_refused_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "lgsp.toml").write_text("partitons = 8\n", "utf-8")
    with pytest.raises(SettingsError, match="LGSP_PARTITONS"):
        settings()


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "lgsp.toml").write_text("partitions: 8\n", "utf-8")
    with pytest.raises(SettingsError, match=r"lgsp\.toml"):
        settings()


def test_a_file_that_is_named_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LGSP_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"LGSP_CONFIG names .*none\.toml, which is no file"):
        config_file()
    (tmp_path / "none.toml").write_text("partitions = 2\n", "utf-8")
    assert settings().partitions == 2


def test_a_cluster_takes_the_place_of_the_embedded_kafka() -> None:
    assert Settings(kafka_port=9).bootstrap == "127.0.0.1:9"
    assert Settings().embedded
    assert Settings(host="0.0.0.0").bootstrap == "127.0.0.1:9092", (
        "a broker that trusts everyone stays on the loopback address"
    )
    assert Settings(kafka_host="192.0.2.7", kafka_port=9).bootstrap == "192.0.2.7:9"
    cluster = Settings(kafka_servers="a:9092,b:9092")
    assert cluster.bootstrap == "a:9092,b:9092"
    assert not cluster.embedded


def test_the_page_lists_every_setting_as_it_is() -> None:
    assert settings_table(Settings.model_fields) in PAGE.read_text("utf-8"), (
        "docs/settings.md lags behind: paste the output of `python -m schemas.settings`"
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_sets(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"| `LGSP_{name.upper()}` |" in settings_table(Settings.model_fields)


def test_nothing_is_shown_in_the_words_of_python() -> None:
    """In the page, and by `lgsp settings`."""
    shown = CliRunner().invoke(cli, ["settings"], env={"COLUMNS": "200"}).output
    for text in (shown, settings_table(Settings.model_fields)):
        assert not re.search(r"\b(None|True|False)\b", text)
    assert "LGSP_LISTING" in shown


def test_a_mistyped_variable_is_refused_with_the_nearest_setting() -> None:
    """LGSP_PARTITION would otherwise pass for the default without a word."""
    with pytest.raises(
        SettingsError,
        match=r"LGSP_PARTITION is no setting: unset it; did you mean LGSP_PARTITIONS\?",
    ):
        refuse_unknown(
            {"LGSP_PARTITION": "8", "LGSP_CONFIG": "x", "HOME": "/"}, Settings.model_fields
        )
    with pytest.raises(SettingsError, match="`lgsp settings` lists them all"):
        refuse_unknown({"LGSP_XYZXYZXYZ": ""}, Settings.model_fields)
