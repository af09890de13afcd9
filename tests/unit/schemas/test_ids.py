"""One canonical form of ids and codes: which spellings are one, which are refused, and what is
known of ids from before.
"""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import AGENCY_PATTERN
from schemas.ids import canonical, code_in, is_thing_id, text_in

# All characters of Vietnamese that carry two marks, and some that carry one.
VIETNAMESE = "Hồ sơ-77 / Tờ khai-Đ01 ấầẩẫậắằẳẵặếềểễệốồổỗộớờởỡợứừửữự"
ANY = st.text(st.characters(exclude_categories=()), max_size=20)


@pytest.mark.parametrize(
    "spelling",
    [
        " HS-1",
        "HS-1 ",
        "\tHS-1\r\n",
        "HS-1\u00a0",
        "\u3000HS-1",
        "\u200bHS-1",
        "HS\u200b-1",
        "H\u200cS\u200d-\u20601",
        "\ufeffHS-1",
        "HS-1\ufeff",
        "HS\u00ad-1",
        " \u200b\u00a0HS-1\u200b \ufeff",
        "\u2028HS-1\x85",
    ],
)
def test_spellings_that_look_the_same_are_one_id(spelling: str) -> None:
    assert canonical(spelling) == "HS-1"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_vietnamese_are_one(form: str) -> None:
    assert canonical(unicodedata.normalize(form, VIETNAMESE)) == VIETNAMESE


def test_no_break_blanks_inside_become_plain_ones() -> None:
    assert canonical("Hồ\u00a0sơ\u20091") == "Hồ sơ 1"


@pytest.mark.parametrize(
    ("character", "message"),
    [
        ("\0", "holds the control character U+0000"),
        ("\n", "holds the control character U+000A"),
        ("\x7f", "holds the control character U+007F"),
        ("\x80", "holds the control character U+0080"),
        ("\x9f", "holds the control character U+009F"),
        ("\u2028", "holds the control character U+2028"),
        *[
            (mark, f"holds U+{ord(mark):04X}, which changes the direction of writing")
            for mark in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        ],
        ("\u2061", "holds the invisible character U+2061"),
        ("\u180e", "holds the invisible character U+180E"),
        ("\u034f", "holds the invisible character U+034F"),
        ("\u3164", "holds the invisible character U+3164"),
        ("\ufe0f", "holds the invisible character U+FE0F"),
        ("\U000e0101", "holds the invisible character U+E0101"),
        ("\ud800", "holds half a character (U+D800)"),
        ("\ufffe", "holds U+FFFE, which is no character of any script"),
        ("\ufdd0", "holds U+FDD0, which is no character of any script"),
        ("\ue000", "holds U+E000, which is no character of any script"),
    ],
)
def test_what_nobody_can_see_is_refused_by_its_number(character: str, message: str) -> None:
    for text in (f"a{character}b", f"ồ{character}b"):
        with pytest.raises(ValueError) as refused:
            canonical(text)
        assert str(refused.value) == message


@given(ANY)
def test_canonical_text_stays_as_it_is_and_is_all_to_be_seen(text: str) -> None:
    try:
        form = canonical(text)
    except ValueError:
        return
    assert canonical(form) == form == unicodedata.normalize("NFC", form.strip())
    assert form.isprintable()


def test_no_character_at_all_is_let_in_unseen() -> None:
    """Of every character that Unicode knows: it is refused, taken away, a blank, or has a form that
    can be told from others.
    """
    unseen = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"}
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        category = unicodedata.category(character)
        if category in ("Cn", "Co") and point % 61:
            continue  # of the million that are nobody's, some
        if category in unseen:
            try:
                form = canonical(f"a{character}b")
            except ValueError:
                continue
            assert form in ("ab", "a b"), hex(point)


def test_a_long_run_of_accents_is_refused_before_it_is_sorted() -> None:
    with pytest.raises(ValueError, match="is longer than 128 characters"):
        canonical("a" + "\u0323\u0301" * 1_000_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \u200b ", "is empty"),
        ("x" * 65, "is longer than 64 characters"),
        ("a|b", "holds the character |, which the hub"),
    ],
)
def test_an_id_is_short_and_without_a_bar(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message.replace('|', '[|]')}"):
        text_in(64)(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("x" * 36, "is longer than 35 characters"),
        ("H35 1", "holds a blank: a code is made of letters without accents, digits and . _ -"),
        ("Sở", "holds the character ở: a code is"),
        ("H35/1", "holds the character /: a code is"),
        (".H35", "begins with .: a code is"),
        ("H\u202e35", "holds U+202E, which changes"),
    ],
)
def test_what_is_wrong_with_a_code_is_told_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        code_in(AGENCY_PATTERN, 35, "._-")(text)
    assert str(refused.value).startswith(message)


def test_a_code_is_cleaned_as_ids_are() -> None:
    assert code_in(AGENCY_PATTERN, 35, "._-")(" H35\u200b.1\ufeff") == "H35.1"


@pytest.mark.parametrize(
    "key",
    [
        "HS-1",
        " HS-1 ",
        "H\u200bS",
        "\ufeffHS",
        unicodedata.normalize("NFD", "Hồ sơ"),
        "a\u00a0b",
        "x" * 128,
    ],
)
def test_ids_of_before_are_known(key: str) -> None:
    assert is_thing_id(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a|b",
        "ồ|b",
        "a\nb",
        "ồ\nb",
        "a\x7f",
        "a\x85b",
        "a\u202eb",
        "a\u200fb",
        "a\u2066b",
        "x" * 129,
        "ồ" * 129,
    ],
)
def test_keys_that_no_door_would_let_in_are_told(key: str) -> None:
    assert not is_thing_id(key)


@given(ANY)
def test_whatever_a_door_lets_in_is_an_id(text: str) -> None:
    try:
        form = text_in(128)(text)
    except ValueError:
        return
    assert is_thing_id(form)
