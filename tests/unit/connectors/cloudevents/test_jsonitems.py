"""JSON taken apart item by item gives what a whole parse gives, and costs no more for hostile
bodies.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cloudevents.jsonitems import (
    BRACKETS,
    EVENT_LIMIT,
    ItemTooLong,
    NotJson,
    TooManyItems,
    body_text,
    is_array,
    read_array,
    read_one,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(values, max_size=8), st.sampled_from([None, 1]), st.booleans())
def test_items_are_those_of_a_whole_parse(
    items: list[Any], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(items, indent=indent, ensure_ascii=ascii_only)
    found = list(read_array(f" \n{text}\t", 8))
    assert [item.value for item in found] == items
    assert [json.loads(item.text) for item in found] == items


@given(values)
def test_a_single_value_is_that_of_a_whole_parse(value: Any) -> None:
    item = read_one(json.dumps(value))
    assert item.value == value
    assert item.repeated == ()


@given(st.text(max_size=60))
def test_whatever_is_no_json_is_refused_and_nothing_else(text: str) -> None:
    def strict() -> Any:
        return json.loads(text, parse_constant=lambda name: json.loads("!"))

    try:
        expected = strict()
    except ValueError:
        with pytest.raises(NotJson):
            read_one(text)
    else:
        assert read_one(text).value == expected


@pytest.mark.parametrize("length", [4_090, 4_096, 4_097, 4_100, EVENT_LIMIT - 20, EVENT_LIMIT - 12])
@pytest.mark.parametrize("filler", ["a", "\\u00e9", '", "', "12"])
def test_an_item_that_a_window_cuts_anywhere_is_read_whole(length: int, filler: str) -> None:
    inner = (filler * length)[: length - length % len(filler)] if filler != '", "' else "x"
    item = f'{{"a": "{inner}"}}' if len(inner) + 9 <= EVENT_LIMIT else '"short"'
    assert [found.text for found in read_array(f"[{item}, {item}]", 9)] == [item, item]


@pytest.mark.parametrize("cut", range(4_070, 4_100))
@pytest.mark.parametrize(
    "token", ["123456789.5e3", "false", "null", '"\\ud83d\\ude00"', "-0.25", '{"k":[true]}']
)
def test_a_token_on_the_windows_edge_is_no_error(cut: int, token: str) -> None:
    item = f'["{"x" * (cut - 4)}",{token}]'
    assert next(read_array(f"[{item},1]", 9)).text == item


def test_a_number_is_not_cut_into_two() -> None:
    digits = "1" * 4_200
    assert next(read_array(f"[{digits}, 2]", 9)).text == digits


BROKEN = [
    "[1,]",
    "[,1]",
    "[1",
    "[",
    "[1]]",
    "[] []",
    '["a',
    '[{"a":1}},2]',
    '[{"a":1, {"b":2}]',
    "[1}",
    "",
    '["a\\", 1]',
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_arrays_are_no_json(text: str) -> None:
    with pytest.raises(NotJson):
        list(read_array(text, 9))


def test_an_error_far_inside_says_where() -> None:
    assert (
        "character 40008" in list(read_array("[" + '"aaaaaaaa",' * 3_637 + "x]", 9_999))[-1].problem
    )


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (
            '{"a": %s}' % ("9" * 5_000),
            "can't be read: a number behind character 4 has too many digits",
        ),
        ("[" * 3_000 + "]" * 3_000, "can't be read: the value at character 4 is nested too deeply"),
        ('{"a": "%s"}' % ("x" * EVENT_LIMIT), "is longer than 65,536 characters"),
        ('{"a": "%s"}' % ('\\"],{' * EVENT_LIMIT), "is longer than 65,536 characters"),
        ("[%s0]" % ("[0]," * EVENT_LIMIT), "is longer than 65,536 characters"),
        ('{"a": NaN}', "can't be read: NaN is no number that JSON knows (character 10)"),
        ("-Infinity", "can't be read: -Infinity is no number"),
        ("01", "can't be read: a comma or a closing bracket is missing (character 5)"),
        ("1 2", "can't be read: a comma or a closing bracket is missing (character 6)"),
        ("{a: [1,2]}", "can't be read: a name in double quotes is missing (character 5)"),
        ("{'a': 1}", "can't be read: a name in double quotes is missing (character 5)"),
        ('{"a" 1}', "can't be read: a colon is missing (character 9)"),
        (
            '{"a": "b\nc,]}"}',
            "can't be read: a text holds a line break, a tab or another control character",
        ),
        ('{"a": "\\x,]"}', "can't be read: a text holds a backslash that begins nothing"),
        ('{"a": "\\u12"}', "can't be read: a text holds \\u without four hexadecimal digits"),
        (
            '{"a": "\udcff\udcfe,"}',
            "can't be read: it holds bytes that are not UTF-8 (character 11)",
        ),
        ("True", "can't be read: a value is missing or is none that JSON knows (character 4)"),
    ],
)
def test_an_item_that_cannot_be_read_takes_no_other_along(bad: str, problem: str) -> None:
    before, broken, after = read_array(f'[1, {bad} ,{{"id": "}}],["}}]', 9)
    assert (before.value, after.value) == (1, {"id": "}],["})
    assert (broken.value, broken.text.strip(), broken.problem[: len(problem)]) == (
        None,
        bad,
        problem,
    )
    if len(bad) < EVENT_LIMIT:
        with pytest.raises(NotJson):  # alone, it is all there is
            read_one(bad)


def test_the_ends_of_items_are_not_sought_without_bound() -> None:
    with pytest.raises(ItemTooLong, match="Item 1 "):
        list(read_array(f"[1, [{'[],' * BRACKETS}0], 2]", 9))


def test_a_name_that_stands_twice_is_named_with_its_item_only() -> None:
    first, second = read_array('[{"a": {"b": 1, "b": 2, "c": 0}}, {"b": 1}]', 9)
    assert (first.repeated, second.repeated) == (("b",), ())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 20_000 + "]" * 20_000])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(NotJson, match="nested too deeply"):
        read_one(text)


def test_thousands_of_digits_are_refused() -> None:
    with pytest.raises(NotJson, match="too many digits"):
        read_one("9" * 5_000)


def test_an_item_that_does_not_end_is_named() -> None:
    with pytest.raises(ItemTooLong, match="Item 1 "):
        list(read_array(f'[1, "{"x" * EVENT_LIMIT}', 9))
    with pytest.raises(ItemTooLong, match="Item 0 "):
        read_one("[" + "1," * EVENT_LIMIT)


def test_reading_stops_at_the_first_item_too_many_and_builds_nothing_more() -> None:
    text = "[" + "[]," * 2_000_000 + "[]]"
    tracemalloc.start()
    with pytest.raises(TooManyItems, match=r"1,000"):
        list(read_array(text, 1_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_items_come_before_the_rest_is_looked_at() -> None:
    items: Iterator[Any] = read_array("[1, 2, oops", 9)
    assert [item.value for item in islice(items, 2)] == [1, 2]


def test_text_of_bytes() -> None:
    assert body_text(b"\xef\xbb\xbf[]") == "[]"
    assert (
        body_text(b"a\xff\xed\xa0\x80").encode("utf-8", "surrogateescape") == b"a\xff\xed\xa0\x80"
    )


def test_what_is_an_array() -> None:
    assert is_array(" \r\n[")
    assert not is_array('{"a": []}')
    assert not is_array("")
