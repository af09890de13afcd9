"""Secrets of this installation: the pepper that keys are kept with, and the key that tokens are
signed with. Each is a file of its own that nobody but the hub's user may read.

They are in no topic, no backup and no setting: a setting names the file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from schemas.errors import EnvironmentBroken
from schemas.settings import Settings
from schemas.storage import private_content, write_once

PEPPER_FILE, TOKEN_KEY_FILE = "access.pepper", "access.token-key"
SECRET_BYTES = 32
SHORTEST_TOKEN = 32  # characters of a token that somebody else chose


def pepper_of(settings: Settings) -> bytes:
    """The pepper of this installation: 32 bytes, made at first use.

    Raises: EnvironmentBroken for a file that others may read, or that is none of the hub's.
    """
    path = settings.pepper_file or settings.data / PEPPER_FILE
    return secret_in(path, lambda: secrets.token_bytes(SECRET_BYTES), "LGSP_PEPPER_FILE")


def token_seed_of(settings: Settings) -> bytes:
    """The seed of the Ed25519 key that tokens are signed with: 32 bytes, made at first use.

    Raises: EnvironmentBroken for a file that others may read, or that is none of the hub's.
    """
    path = settings.token_key_file or settings.data / TOKEN_KEY_FILE
    return secret_in(path, lambda: secrets.token_bytes(SECRET_BYTES), "LGSP_TOKEN_KEY_FILE")


def metrics_token_of(settings: Settings) -> str | None:
    """The token that whoever scrapes /metrics from another machine sends; None: no file is named.
    A group may read the file, since Prometheus is another user of the machine.

    Raises: EnvironmentBroken for a file that others may read, or that holds no token.
    """
    path = settings.metrics_token_file
    if path is None:
        return None
    content = private_content(path, "LGSP_METRICS_TOKEN_FILE", group=True)
    text = content.decode("ascii", "replace").strip()
    if len(text) < SHORTEST_TOKEN or not (text.isascii() and text.isprintable()) or " " in text:
        raise EnvironmentBroken(
            f"{path} (LGSP_METRICS_TOKEN_FILE) should hold one token of {SHORTEST_TOKEN} letters"
            f" and digits or more: make one with `openssl rand -hex 32 > {path}`."
        )
    return text


def secret_in(
    path: Path,
    make: Callable[[], bytes],
    setting: str,
    *,
    most: int = 1,
    leaked: str = "delete it and make new keys",
) -> bytes:
    """A secret in a file of its own, made at first use: `SECRET_BYTES`, or up to `most` times as
    many. `leaked` says what to do where others did read it.

    Raises: EnvironmentBroken for a file that others may read, or that is none of the hub's.
    """
    try:
        if not path.exists():
            write_once(path, make())
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentBroken(
            f"The secret in {path} can't be made ({why}): mend the path or its rights, or name"
            f" another file with {setting}."
        ) from error
    content = private_content(path, setting, leaked=leaked)
    if len(content) not in range(SECRET_BYTES, SECRET_BYTES * most + 1, SECRET_BYTES):
        raise EnvironmentBroken(
            f"{path} holds {len(content)} bytes, and a secret of the hub has {SECRET_BYTES}: it is"
            f" damaged or another file. Restore it, or name the right one with {setting}."
        )
    return content
