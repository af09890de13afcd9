"""Apache Kafka's jars: fetched by Maven coordinates, pinned by SHA-256, kept once per user.

`kafka.sha256` names every jar by its path in a Maven repository, beside its checksum; the same path
is used in the cache folder, so `sha256sum -c` reads it too. A jar becomes visible in the cache only
once it is whole and its checksum holds: a killed download leaves nothing behind that could be taken
for a jar, and a damaged one is fetched again.

After a change of `COORDINATES`, renew the pins with `python -m ops.kafka.jars > kafka.sha256`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import requests
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.errors import EnvironmentBroken

KAFKA_VERSION = "4.4.0"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # named, because the resolver's mediation would pick an older one
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    # ties Kafka's slf4j 1.7 to the log4j it brings; `!`: not a bill of versions
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5!",
)
_PINS = Path(__file__).with_name("kafka.sha256")
_ANOTHER_SOURCE = (
    "name a mirror with LGSP_KAFKA_REPOSITORY or an unpacked Kafka with LGSP_KAFKA_HOME"
)
_DOWNLOADS_AT_ONCE = 6
_ATTEMPTS = 3


def cache_folder() -> Path:
    """Where the jars are kept: one folder per user, so that a second checkout downloads nothing
    (`XDG_CACHE_HOME` moves it).
    """
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lgsp" / "kafka"


def pins(file: Path = _PINS) -> dict[str, str]:
    """The pinned jars: path in a Maven repository → SHA-256 in hexadecimal."""
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return {path: digest for digest, path in lines}


def classpath(
    *, home: Path | None = None, repository: str = "", cache: Path | None = None
) -> list[Path]:
    """The jars that a broker runs from, complete and checked; downloads what is missing or damaged.

    home: an unpacked Kafka, whose own jars are used as they are. repository: URL of a Maven
    repository other than the public one. Raises: EnvironmentBroken if a jar cannot be had or is not
    the pinned one.
    """
    if home is not None:
        return _unpacked(home)
    folder, wanted = cache or cache_folder(), pins()
    if _missing(folder, wanted):
        _complete(folder, wanted, repository)
    return [folder / path for path in wanted]


def _unpacked(home: Path) -> list[Path]:
    jars = sorted((home / "libs").glob("*.jar"))
    if not any(jar.name.startswith("kafka_2.") for jar in jars):
        raise EnvironmentBroken(
            f"LGSP_KAFKA_HOME names {home}, but {home / 'libs'} holds no Kafka: name the folder of"
            " an unpacked Kafka."
        )
    return [jar.resolve() for jar in jars]


def _missing(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Of the wanted jars, those that the folder lacks or holds damaged."""
    return {
        path: digest
        for path, digest in wanted.items()
        if not (folder / path).is_file() or _sha256(folder / path) != digest
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _complete(folder: Path, wanted: Mapping[str, str], repository: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            # who comes second waits here, then finds everything done
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(folder / ".part", ignore_errors=True)
            _fetch_all(folder, _missing(folder, wanted), repository)
            shutil.rmtree(folder / ".part", ignore_errors=True)
    except requests.RequestException as error:
        raise EnvironmentBroken(
            f"Kafka's jars cannot be downloaded ({_reason(error)}): try again, or"
            f" {_ANOTHER_SOURCE}."
        ) from error
    except OSError as error:
        raise EnvironmentBroken(
            f"Kafka's jars cannot be kept in {folder} ({error.strerror}): make room there or name"
            " another folder with XDG_CACHE_HOME."
        ) from error


def _fetch_all(folder: Path, missing: Mapping[str, str], repository: str) -> None:
    context = _context(folder / ".part", repository)
    with _progress() as bar, ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        fetched = as_completed(
            [pool.submit(_fetch, context, folder, path, digest) for path, digest in missing.items()]
        )
        try:
            for jar in bar.track(
                fetched, total=len(missing), description=f"Fetching Apache Kafka {KAFKA_VERSION}"
            ):
                jar.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # one failure, or Ctrl-C, ends them all
            raise


def _context(scratch: Path, repository: str) -> MavenContext:
    return MavenContext(
        repo_cache=scratch,
        remote_repos={"mirror": repository.rstrip("/")} if repository else None,
        timeout=10,
    )


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("jars"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def _fetch(context: MavenContext, folder: Path, path: str, digest: str) -> None:
    """Download one jar beside the cache, check it, and only then move it to its place."""
    part = _download(context, path)
    if (found := _sha256(part)) != digest:
        raise EnvironmentBroken(
            f"The downloaded {part.name} is not the pinned one (SHA-256 {found[:9]}… for"
            f" {digest[:9]}…): try again, or {_ANOTHER_SOURCE}."
        )
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    os.replace(part, folder / path)


def _download(context: MavenContext, path: str) -> Path:
    """Download one jar into the scratch folder; a connection that breaks off is tried again."""
    group, artifact, version, name = path.rsplit("/", 3)
    jar = context.project(group.replace("/", "."), artifact).at_version(version).artifact()
    try:
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(requests.RequestException):
                return jar.resolve()
            # else jgo would take the half for the whole
            (context.repo_cache / path).unlink(missing_ok=True)
        return jar.resolve()
    except RuntimeError as error:  # jgo's word for: no repository has it
        raise EnvironmentBroken(
            f"The Maven repository does not give {name}: try again, or {_ANOTHER_SOURCE}."
        ) from error


def _reason(error: requests.RequestException) -> str:
    return type(error).__name__ if error.response is None else f"HTTP {error.response.status_code}"


def resolve(scratch: Path, repository: str = "") -> Iterable[tuple[str, str]]:
    """Resolve `COORDINATES` and all they need; gives (path, SHA-256) of each jar, in order of
    path.
    """
    context = _context(scratch, repository)
    named, needed = context.resolver.resolve(
        [context.create_dependency(name) for name in COORDINATES]
    )
    jars = [dependency.artifact.resolve() for dependency in (*named, *needed)]
    return sorted((jar.relative_to(scratch).as_posix(), _sha256(jar)) for jar in jars)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as resolved:
        sys.stdout.writelines(f"{digest}  {path}\n" for path, digest in resolve(Path(resolved)))
