"""Whatever JSON comes to the packets' door: an answer that is declared, and no failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gateways import Remembers
from hypothesis import given
from hypothesis import strategies as st
from packet_doors import ITEM, STEP, UNIT, OneStop
from strategies import examples

from connectors.packets.answers import REFUSALS
from connectors.packets.fields import DOSSIER_FIELDS, STATUS_FIELDS, STEP_FIELDS
from connectors.packets.requests import SERVICES

FAILED = str(REFUSALS["failed"].code)
STATE = {"MaHoSo": ITEM["MaHoSo"], "TrangThai": 9, "NgayXuLy": "20251107150000"}
FIELDS = {
    "DongBoHoSoMC": (ITEM, [field.name for field in DOSSIER_FIELDS]),
    "CapNhatTienDoHoSoMC": (STEP, [field.name for field in STEP_FIELDS]),
    "DongBoTrangThaiHoSo": (STATE, [field.name for field in STATUS_FIELDS]),
}
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**20, 10**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.from_regex(r"\A[0-9]{0,20}\Z"),
    st.sampled_from(["20251103090000", "2025-11-03T09:00:00", "0001-01-01T00:00:00", "9" * 5_000]),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["Gia", "DuocSoHoa", "DuocTaiSuDung", "NgayBoSung", "MaCSDL", "x"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


@st.composite
def bodies(draw: Any) -> Any:
    """An envelope of which some things are something else; or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    service = draw(st.sampled_from(SERVICES))
    item, names = FIELDS.get(service, ({}, ["x"]))
    changed = {**item, **draw(st.dictionaries(st.sampled_from(names), values, max_size=4))}
    data = changed if service == "DongBoTrangThaiHoSo" else [changed]
    envelope = {"session": "SESSION", "madonvi": UNIT, "service": service, "data": data}
    names = ["madonvi", "data", "mahoso", "maTTHC", "isUpdating"]
    return envelope | draw(st.dictionaries(st.sampled_from(names), values, max_size=2))


@given(st.lists(bodies(), min_size=1, max_size=4))
@examples(600)
def test_whatever_comes_is_answered_as_declared(sent: list[Any]) -> None:
    async def send() -> None:
        system = OneStop(Remembers())
        await system.login()
        for body in sent:
            content = json.dumps(body).replace('"SESSION"', json.dumps(system.session))
            answer = await system.post("/mapi/g", content.encode())
            assert answer["error_code"] != FAILED, body
            assert answer["message"]

    asyncio.run(send())
