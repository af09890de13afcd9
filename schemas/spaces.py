"""Spaces: real facts and made-up ones share no figure, no topic and no file.

Everything that the hub keeps under a name in Kafka (topics, the workers' group, transactions) has
the space before that name, so that the hubs of two spaces stand side by side on one Kafka and know
nothing of one another. The official space has no prefix: its topics have the names they always had.
"""

from __future__ import annotations

import re

OFFICIAL = "official"
SIMULATED = "simulated"  # where `lgsp up` tells its made-up province
SANDBOX = "sandbox"  # where new clients begin; each space has one of its own

# of a sandbox, behind its name
NO_HUB = (
    "a sandbox: the gateway and the clients of its hub are those of the space that it belongs to."
    " Leave LGSP_SPACE as it is there."
)
_NAME = re.compile(rf"[a-z]{{1,32}}(?:\.{SANDBOX})?")
# the official space's topics begin with it
_TAKEN = "lgsp"
_SANDBOX_OF_NOTHING = (f"{OFFICIAL}.{SANDBOX}", f"{SANDBOX}.{SANDBOX}")


def within(space: str, name: str) -> str:
    """What Kafka calls something of a space. No name has a dot of its own before the first part, so
    that no name in one space is another's in a second one.
    """
    return name if space == OFFICIAL else f"{space}.{name}"


def sandbox_of(space: str) -> str:
    """The space of what a hub's new clients send. Its name has the hub's own before it, so that two
    hubs on one Kafka have two.
    """
    return SANDBOX if space == OFFICIAL else f"{space}.{SANDBOX}"


def hub_of(space: str) -> str:
    """The space of the hub whose sandbox it is; any other space is its own hub's."""
    if not is_sandbox(space):
        return space
    return space.removesuffix(SANDBOX).removesuffix(".") or OFFICIAL


def is_sandbox(space: str) -> bool:
    """Whether it is the sandbox of another space."""
    return space.rpartition(".")[2] == SANDBOX


def checked_space(name: str) -> str:
    """The name of a space.

    Raises: ValueError saying what it takes.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            f"it takes small letters from a to z, at most 32, such as {OFFICIAL} or {SIMULATED}"
        )
    if name in _SANDBOX_OF_NOTHING:
        raise ValueError(f"the sandbox of {OFFICIAL} is {SANDBOX}, and a sandbox has none")
    if name == _TAKEN:
        raise ValueError(f"{OFFICIAL}'s own topics begin with that; name it otherwise")
    return name
