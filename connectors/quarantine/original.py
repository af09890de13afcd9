"""What the vault keeps of something that a door refused: all that is needed to send it through the
same door again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import Headers

from schemas.errors import VaultDamaged
from schemas.masking import is_plain
from serving.access.clients import Door

_LONGEST_AGENCY = 64  # characters


class Original(msgspec.Struct, frozen=True):
    """A request, or an item of one as a request of its own. `headers` are those that say how the
    body is read, as they came.
    """

    door: Door
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of_request(cls, door: Door, headers: Headers, body: bytes) -> Original:
        """A whole request."""
        told = [
            (name, value)
            for name, value in headers.items()
            if name == "content-type" or name.startswith("ce-")
        ]
        return cls(door, told, body)

    @classmethod
    def of_item(cls, door: Door, media_type: str, text: str) -> Original:
        """An item of a batch, of which `text` may hold what is not UTF-8 as jsonitems.py does."""
        return cls(door, [("content-type", media_type)], text.encode("utf-8", "surrogateescape"))

    def encode(self) -> bytes:
        """For the vault."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, whole: bytes) -> Original:
        """From the vault.

        Raises: VaultDamaged
        """
        try:
            return msgspec.msgpack.decode(whole, type=cls)
        except msgspec.MsgspecError as error:
            raise VaultDamaged(
                f"What is kept in the vault is no request that this version knows: {error}."
            ) from error

    @property
    def as_headers(self) -> Headers:
        """As the door reads them."""
        return Headers(
            raw=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        )


def agency_in(value: Any) -> str:
    """The agency that an item names, where that is a plain code; else nothing. It says under whose
    key the original is kept.
    """
    data = value.get("data") if isinstance(value, Mapping) else None
    agency = data.get("agency") if isinstance(data, Mapping) else None
    if isinstance(agency, str) and len(agency) <= _LONGEST_AGENCY and is_plain(agency):
        return agency
    return ""
