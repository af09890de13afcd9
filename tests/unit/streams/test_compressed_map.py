"""A compressed map: a mapping like any other, whatever is packed meanwhile and whichever keys share
a hash.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from streams import compressed_map as module
from streams.compressed_map import CompressedMap

KEYS = st.sampled_from([b"key-%d" % number for number in range(40)])
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "get", "gone"]), KEYS, st.integers(0, 3)),
    max_size=120,
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows already make blocks."""
    monkeypatch.setattr(module, "RECENT", 6)
    monkeypatch.setattr(module, "BLOCK", 4)
    return


def filled(count: int) -> CompressedMap:
    rows = CompressedMap()
    for number in range(count):
        rows.put(b"key-%d" % number, b"row-%d" % number)
    return rows


@pytest.mark.parametrize("classes", [0, 1, 7])
def test_rows_are_a_mapping(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when all keys have one hash, or many share theirs."""
    if classes:
        monkeypatch.setattr(module, "hash", lambda key: key[-1] % classes, raising=False)

    @examples(150)
    @given(STEPS)
    def check(steps: list[tuple[str, bytes, int]]) -> None:
        rows, model = CompressedMap(), dict[bytes, bytes]()
        for step, key, number in steps:
            if step == "put":
                model[key] = row = b"%s is %d" % (key, number)
                rows.put(key, row)
            elif step == "gone":
                model.pop(key, None)
                rows.put(key, None if number else b"")
            assert rows.get(key) == model.get(key)
            assert len(rows) == len(model)
            assert sorted(rows.items()) == sorted(model.items())

    check()


def test_the_oldest_rows_are_packed_and_those_written_again_are_not() -> None:
    rows = filled(11)
    rows.put(b"key-0", b"again")
    rows.put(b"key-11", b"row-11")
    assert b"key-0" in rows._recent
    assert set(rows._recent) == {b"key-0", *(b"key-%d" % number for number in range(7, 12))}
    assert len(rows._packed) == 6


def test_a_block_of_which_little_is_left_is_given_up() -> None:
    """Or blocks of which everything but one row was written anew would hold the memory of all."""
    rows = filled(12)
    block = rows._packed[hash(b"key-0") & module.SMALL]
    assert rows.get(b"key-0") == b"row-0"
    assert (block.live, rows._packed.get(hash(b"key-1") & module.SMALL)) == (3, block)
    assert rows.get(b"key-1") == b"row-1"
    assert rows.get(b"key-2") == b"row-2"
    assert block not in rows._packed.values()
    assert b"key-3" in rows._recent


def test_packed_rows_take_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT", 64)
    monkeypatch.setattr(module, "BLOCK", 32)
    rows = CompressedMap()
    for number in range(128):
        rows.put(
            b"H35.SAMPLE.%05d" % number,
            b"H35.SAMPLE.AGENCY|SAMPLE.000001.H35|17627939%05d" % number,
        )
    blocks = {id(block): block for block in rows._packed.values()}.values()
    raw = sum(
        len(key) + len(row) for key, row in rows.items() if hash(key) & module.SMALL in rows._packed
    )
    assert 0 < sum(len(block.data) for block in blocks) < raw / 2
