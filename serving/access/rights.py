"""What who sent something may by now, when it is sent again for them."""

from __future__ import annotations

from collections.abc import Callable

from serving.access.clients import Identity
from serving.access.errors import AccessUnknown, NotAllowed
from serving.access.permissions import Permissions
from serving.access.register import ClientRegister
from serving.directory.directory import Directory


def rights_now(
    name: str,
    access: str,
    register: ClientRegister | None,
    directory: Callable[[], Directory | None],
) -> Permissions:
    """What who sent an entry may by now: the client of that name, or anybody where there was none.

    Raises: NotAllowed where it is not registered any more, or came in while access was open and is
    required now; AccessUnknown
    """
    if not name:
        if access == "open":
            return Permissions(Identity())
        raise NotAllowed(
            "It is not known which client sent this, so nobody's rights can be looked at: have its"
            " sender send it again."
        )
    if register is None:
        raise AccessUnknown("The register of clients is being read: do the same again later.")
    client = register.clients.get(name)
    if client is None or client.revoked_at is not None:
        raise NotAllowed(
            f"The client {name} is registered no more: what it sent can't be taken in for it."
        )
    return Permissions(Identity(client), directory)
