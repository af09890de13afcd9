"""Secrets in files: made at first use for their owner alone, refused where others may read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from schemas.errors import EnvironmentBroken
from schemas.settings import Settings
from serving.access.secrets import PEPPER_FILE, pepper_of, token_seed_of


def test_each_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    pepper, seed = pepper_of(settings), token_seed_of(settings)
    assert len(pepper) == len(seed) == 32
    assert pepper != seed
    assert (pepper_of(settings), token_seed_of(settings)) == (pepper, seed)
    files = list((tmp_path / "data").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_a_file_that_is_named_is_taken(tmp_path: Path) -> None:
    named = tmp_path / "elsewhere" / "pepper"
    settings = Settings(data=tmp_path, pepper_file=named)
    assert pepper_of(settings) == named.read_bytes()
    assert not (tmp_path / PEPPER_FILE).exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    settings = Settings(data=tmp_path)
    pepper_of(settings)
    (tmp_path / PEPPER_FILE).chmod(mode)
    with pytest.raises(EnvironmentBroken, match=rf"mode {mode:03o}.*chmod 600") as caught:
        pepper_of(settings)
    (tmp_path / PEPPER_FILE).chmod(0o600)
    assert pepper_of(settings).hex() not in str(caught.value)


def test_a_file_that_is_no_secret_of_the_hub_is_refused(tmp_path: Path) -> None:
    """A cut one would let keys be made that nobody can prove later."""
    (tmp_path / PEPPER_FILE).write_bytes(b"short")
    (tmp_path / PEPPER_FILE).chmod(0o600)
    with pytest.raises(EnvironmentBroken, match="holds 5 bytes"):
        pepper_of(Settings(data=tmp_path))


def test_a_path_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentBroken, match="LGSP_PEPPER_FILE"):
        pepper_of(Settings(data=tmp_path, pepper_file=tmp_path / "file" / "pepper"))
