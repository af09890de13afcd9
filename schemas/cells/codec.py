"""A page of cells as bytes: a MessagePack map from cells' names to their counts."""

from __future__ import annotations

import msgspec

from schemas.errors import ContractError

CellSums = dict[int, int]  # index of a measure -> amount
CellPage = dict[str, CellSums]  # cell's name -> its counts

_decoder = msgspec.msgpack.Decoder(CellPage)
encode_page = msgspec.msgpack.Encoder().encode


def decode_page(value: bytes | None) -> CellPage:
    """The cells of a page by name; a tombstone has none.

    Raises: ContractError for anything but a map of maps of whole numbers.
    """
    if not value:
        return {}
    try:
        return _decoder.decode(value)
    except msgspec.DecodeError as error:
        raise ContractError(
            f"a record of {len(value):,} bytes is no page of cells (a map from names to counts by"
            " place)"
        ) from error
