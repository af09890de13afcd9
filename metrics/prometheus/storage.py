"""What /metrics tells of the disks: what can't be written and why, and how much room is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from schemas.storage import free_bytes
from serving.store.disposable import DisposableFile


def storage_text(files: Sequence[DisposableFile], others: dict[str, Path]) -> str:
    """Of these files, and the room left in other folders by what is kept there."""
    troubles = [((one.name, one.trouble.reason), 1.0) for one in files if one.trouble is not None]
    folders = {one.name: one.path for one in files} | others
    return block(told.STORAGE_TROUBLE, troubles) + block(
        told.STORAGE_FREE, [((name,), free_bytes(path)) for name, path in folders.items()]
    )
