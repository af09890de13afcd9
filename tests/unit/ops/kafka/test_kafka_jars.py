"""Kafka's jars come whole and as pinned, or not at all. A small Maven repository on this machine
stands for the public one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ops.kafka import jars as kafka_jars
from ops.kafka.jars import COORDINATES, cache_folder, classpath, pins
from schemas.errors import EnvironmentBroken

JARS = {
    "org/one/alpha/1.0/alpha-1.0.jar": b"alpha" * 1_000,
    "org/two/beta_2.13/2.1/beta_2.13-2.1.jar": b"beta" * 50_000,
}
ALPHA, BETA = JARS


class Repository:
    """What the small repository holds, what was asked of it, and which next answers break off
    halfway.
    """

    def __init__(self) -> None:
        self.files = dict(JARS)
        self.asked: list[str] = []
        self.breaks = 0
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.removeprefix("/maven/")
        body = self.files.get(path)
        request.send_response(404 if body is None else 200)
        request.send_header("Content-Length", str(len(body or b"")))
        request.end_headers()
        if body is not None:
            self.asked.append(path)
            broken, self.breaks = self.breaks > 0, max(0, self.breaks - 1)
            request.wfile.write(body[: len(body) // 2] if broken else body)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    held = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.url = f"http://127.0.0.1:{server.server_port}/maven"
        monkeypatch.setattr(
            kafka_jars,
            "pins",
            lambda: {path: hashlib.sha256(jar).hexdigest() for path, jar in JARS.items()},
        )
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield held
        server.shutdown()


def fetch(repository: Repository, cache: Path) -> list[Path]:
    return classpath(repository=repository.url, cache=cache)


def test_jars_are_fetched_once(repository: Repository, tmp_path: Path) -> None:
    jars = fetch(repository, tmp_path)
    assert jars == [tmp_path / path for path in JARS]
    assert [jar.read_bytes() for jar in jars] == list(JARS.values())
    assert fetch(repository, tmp_path) == jars
    assert sorted(repository.asked) == sorted(JARS)


@pytest.mark.parametrize(
    "damage", [b"", JARS[ALPHA][:700], JARS[ALPHA] + b"!"], ids=["empty", "half", "longer"]
)
def test_a_damaged_jar_alone_is_fetched_again(
    repository: Repository, tmp_path: Path, damage: bytes
) -> None:
    fetch(repository, tmp_path)
    (tmp_path / ALPHA).write_bytes(damage)
    fetch(repository, tmp_path)
    assert (tmp_path / ALPHA).read_bytes() == JARS[ALPHA]
    assert sorted(repository.asked) == sorted([*JARS, ALPHA])


def test_a_download_that_was_killed_leaves_nothing_in_the_way(
    repository: Repository, tmp_path: Path
) -> None:
    half = tmp_path / ".part" / ALPHA
    half.parent.mkdir(parents=True)
    half.write_bytes(JARS[ALPHA][:700])
    assert fetch(repository, tmp_path)[0].read_bytes() == JARS[ALPHA]
    assert not (tmp_path / ".part").exists()


def test_a_connection_that_breaks_off_is_tried_again(
    repository: Repository, tmp_path: Path
) -> None:
    repository.breaks = 2
    assert [jar.read_bytes() for jar in fetch(repository, tmp_path)] == list(JARS.values())
    assert len(repository.asked) == len(JARS) + 2


def test_a_jar_that_is_not_the_pinned_one_is_refused(
    repository: Repository, tmp_path: Path
) -> None:
    repository.files[BETA] = b"something else"
    with pytest.raises(
        EnvironmentBroken,
        match=r"beta_2\.13-2\.1\.jar is not the pinned one .* LGSP_KAFKA_REPOSITORY",
    ):
        fetch(repository, tmp_path)
    assert not (tmp_path / BETA).exists()


def test_what_was_fetched_before_a_failure_is_kept(repository: Repository, tmp_path: Path) -> None:
    fetch(repository, tmp_path)
    (tmp_path / BETA).unlink()
    (tmp_path / ALPHA).write_bytes(b"")
    del repository.files[BETA]
    with pytest.raises(EnvironmentBroken, match=r"does not give beta_2\.13-2\.1\.jar"):
        fetch(repository, tmp_path)
    repository.files[BETA] = JARS[BETA]
    assert [jar.read_bytes() for jar in fetch(repository, tmp_path)] == list(JARS.values())


def test_no_network_is_one_sentence(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(
        EnvironmentBroken, match=r"cannot be downloaded \(ConnectionError\).* LGSP_KAFKA_HOME"
    ):
        classpath(repository="http://127.0.0.1:9/maven", cache=tmp_path)


def test_a_cache_that_cannot_be_written_is_one_sentence(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentBroken, match=r"cannot be kept in .* XDG_CACHE_HOME"):
        fetch(repository, tmp_path / "file" / "cache")


def test_the_cache_follows_the_users_cache_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lgsp" / "kafka"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "lgsp" / "kafka"


def test_an_unpacked_kafka_gives_its_own_jars(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    for name in ("zstd.jar", "kafka_2.13-4.3.0.jar", "notes.txt"):
        (tmp_path / "libs" / name).touch()
    assert [jar.name for jar in classpath(home=tmp_path)] == ["kafka_2.13-4.3.0.jar", "zstd.jar"]


def test_a_folder_without_kafka_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBroken, match=r"LGSP_KAFKA_HOME names .* holds no Kafka"):
        classpath(home=tmp_path)


def test_every_pin_is_a_maven_path_and_a_digest() -> None:
    for path, digest in pins().items():
        group, artifact, version, name = path.rsplit("/", 3)
        assert group
        assert name == f"{artifact}-{version}.jar"
        assert re.fullmatch("[0-9a-f]{64}", digest)


def test_every_named_coordinate_is_pinned_in_its_version_alone() -> None:
    artifacts = [tuple(path.split("/")[-3:-1]) for path in pins()]
    named = [tuple(name.rstrip("!").split(":")[1:]) for name in COORDINATES]
    assert set(named) <= set(artifacts)
    assert len({artifact for artifact, _ in artifacts}) == len(artifacts)
