"""What the reporting API says after more was told to the cube that it reads."""

from __future__ import annotations

import httpx
from asked import World, api, ask, figures, world
from cubes import NOW, counted

from metrics.cube.cube import Cube
from serving.store.progress import Progress

__all__ = ["api", "world"]


async def test_as_of_is_the_oldest_heartbeat_and_the_offsets(
    api: httpx.AsyncClient, cube: Cube, world: World
) -> None:
    as_of = (await ask(api, "/v1/indicators/satisfaction"))["as_of"]
    own = {
        "space": "official",
        "books": "lgsp",
        "rules": {},
        "behind": None,
        "offsets": {"0": 40, "1": 7},
    }
    assert as_of == {"instant": "2025-11-12T09:59:58.500+07:00", **own}
    world.progress = Progress(ready=True, partitions=3)
    cube.complete(NOW - 60_000)
    assert (await ask(api, "/v1/indicators/satisfaction"))["as_of"][
        "instant"
    ] == "2025-11-12T09:59:00.000+07:00"


async def test_what_exists_is_told_as_of_the_last_day(api: httpx.AsyncClient, cube: Cube) -> None:
    changes = {20240301: 5, 20251105: 2, 20251110: -3, 20251201: 9}
    cube.say(
        [
            counted(f"inventory|systems|A|portal|{day}", systems=count)
            for day, count in changes.items()
        ],
        {0: 41},
    )
    for window, last, exist in (("month", "2025-11-12", 4), ("all", "2025-11-12", 4)):
        (kind,) = (await ask(api, "/v1/counts", kind="systems", window=window))["kinds"]
        assert (kind["window"], kind["counts"]["systems"]) == ({"from": None, "to": last}, exist)
    (kind,) = (
        await ask(api, "/v1/counts", kind="systems", by="day", from_="2025-11-01", to="2025-12-31")
    )["kinds"]
    assert kind["counts"]["systems"] == 13
    assert [(group["group"], group["counts"]["systems"]) for group in kind["groups"]] == [
        ("2025-11-05", 7),
        ("2025-11-10", 4),
        ("2025-12-01", 13),
    ]


async def test_new_cells_are_seen_by_the_next_question(api: httpx.AsyncClient, cube: Cube) -> None:
    cube.say([counted("dossiers|rated|B|P1|20251112", ratings=6, satisfied=5)], {0: 41})
    assert (await figures(api))["satisfaction"] == (5, 6, 5 / 6)
