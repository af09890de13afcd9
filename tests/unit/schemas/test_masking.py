"""What messages and records show of what came in. Names and numbers are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from schemas.digests import Digest
from schemas.masking import (
    file_shown,
    masked,
    masked_sentence,
    name_shown,
    quoted,
    shown,
    without_numbers,
)

PERSONAL = [
    "Nguyễn Thị Mẫu",
    "NGUYEN THI MAU",
    "001085012345",
    "312345678",
    "0912345678",
    "+84 912 345 678",
    "mau@sample.vn",
    "12 đường Mẫu, phường Mẫu",
    "Nguye\u0302\u0303n",
    "HS-001085012345",
    "0912-345678",
    "(0912)345678",
    "0912/345/678",
    "tel:09-12-34-56-78",
    "001/085/012345",
    "001085_012345",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_what_may_be_of_a_person_is_shown_by_its_shape_alone(text: str) -> None:
    for told in (shown(text), quoted(text), shown(text.encode()), masked(text)):
        assert text not in told
        assert not any(
            word in told
            for word in text.replace("-", " ").split()
            if len(word) > 2 and not word.isascii()
        )
        assert not any(character in told for character in text if character.isdigit())


@pytest.mark.parametrize(
    "text",
    [
        "000.00.01.H26-201130-0001",
        "H26-201130-000123",
        "1,234,567,890",
        "H35.1-251101-0001",
        "1.001193.000.00.00.H35",
        "online",
        "a|b",
        "2025-11-03T09:00:00+07:00",
        "03/11/2025 09:00",
        "7",
        "",
        "#REF!",
    ],
)
def test_codes_and_times_are_shown_as_they_are(text: str) -> None:
    assert shown(text) == text


def test_other_values_are_told_in_a_word() -> None:
    assert [
        shown(value)
        for value in (None, True, 5, 10**40, ["Nguyễn"], {"tên": "Nguyễn"}, 84_912_345_678)
    ] == [
        "null",
        "true",
        "5",
        "#" * 31,
        "[list:1]",
        "[object:1]",
        "###########",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ho_ten", "ho_ten"),
        ("Nguyễn Thị Mẫu", "(a name of 14 characters)"),
        ("001085012345", "(a name of 12 characters)"),
        ("n0912345678", "(a name of 11 characters)"),
        ("", "(a name of 0 characters)"),
    ],
)
def test_a_fields_name_is_told_only_where_it_can_be_one(name: str, told: str) -> None:
    assert name_shown(name) == told


NAME = "Hồ sơ Nguyễn A.csv"


def test_a_files_name_is_kept_only_where_it_is_plain() -> None:
    key, other = Digest(b"k" * 32), Digest(b"o" * 32)
    kept = file_shown(NAME, key)
    assert kept.startswith("xx xx xxxxxx x.xxx~")
    assert kept not in (file_shown(NAME, other), file_shown("Hồ sơ Nguyễn B.csv", key))
    assert file_shown("D-2025-11.csv", key) == "D-2025-11.csv"
    assert "001085012345" not in file_shown("001085012345.csv", key)
    assert file_shown("Nguyễn~5f0c9a1e", key).startswith("xxxxxx~")
    # what a surrogate stands for is a byte that is no UTF-8
    assert file_shown("\udcff", key).endswith("~" + key.of(b"\xff")[:8])


@given(st.text(max_size=60))
@examples(200)
def test_what_is_kept_of_a_files_name_stays_as_it_is(name: str) -> None:
    key = Digest(b"k" * 32)
    once = file_shown(name, key)
    assert file_shown(once, Digest(b"o" * 32)) == once


def test_a_files_name_keeps_its_words_and_a_sentence_of_before_its_sense() -> None:
    assert without_numbers("Hồ sơ 2025-11 0912345678.csv") == "Hồ sơ ####-## ##########.csv"
    assert without_numbers("0912-345678.csv") == "####-######.csv"
    assert without_numbers("Hồ sơ 2025-11.csv") == "Hồ sơ 2025-11.csv"
    assert masked_sentence(
        "column agency: 'Nguyễn A' should be a code, for agency of dossier.received"
    ) == ("column agency: 'xxxxxx x' should be a code, for agency of dossier.received")
    assert masked_sentence("should be 1, 2 or 3 — not Nguyễn…") == (
        "should be 1, 2 or 3 — not xxxxxxx"
    )


@given(st.text(st.characters(exclude_categories=())))
def test_anything_can_be_shown_and_what_is_shown_can_be_written(text: str) -> None:
    for told in (shown(text), masked(text), name_shown(text)):
        told.encode()
        assert told.isprintable()
        assert len(told) <= 128
