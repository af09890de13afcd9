"""Windows that lie before all facts or after them: figures say that nothing is known of them."""

from __future__ import annotations

import httpx
import pytest
from asked import api, ask, shared, world

__all__ = ["api", "shared", "world"]

OF_WINDOWS = {"dossiers_received", "dossiers_on_time_share", "documents_electronic_share"}
AS_OF = {"window": "year", "as_of": "2019-12-31"}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"from": "2019-01-01", "to": "2019-12-31"}, OF_WINDOWS),
        ({"from": "2030-01-01", "to": "2030-12-31"}, OF_WINDOWS),
        (AS_OF, OF_WINDOWS | {"dossiers_open", "dossiers_overdue"}),
    ],
)
async def test_nothing_is_known_of_a_time_of_which_nobody_told_anything(
    api: httpx.AsyncClient, asked: dict[str, str], ids: set[str]
) -> None:
    answers = await ask(api, "/v1/indicators", **asked)
    told = {one["id"]: one["coverage"] for one in answers["indicators"] if one["id"] in ids}
    assert told.keys() == ids
    for id_, coverage in told.items():
        assert (coverage["reporting"], coverage["complete"]) == (0, False), id_
        assert coverage["note"]["en"].startswith("Nothing is known of this time"), id_
