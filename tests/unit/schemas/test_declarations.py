"""Declarations: nothing is guessed of what a file says, whoever reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.declarations import Decimal, load_declaration, load_entries
from schemas.errors import CatalogueError


class Entry(BaseModel):
    """One with a number."""

    code: str
    share: Decimal = 0.0


def written(folder: Path, text: str) -> Path:
    path = folder / "some.yaml"
    path.write_text(text, "utf-8")
    return path


def test_what_looks_like_something_else_stays_as_written(tmp_path: Path) -> None:
    text = "{1.001234: 1.10, 01: no, 2026-11-03: 2026-11-03, a: on, b: 12, c: true, d: , e: 012}"
    assert load_declaration(written(tmp_path, text)).content == {
        "1.001234": "1.10",
        "01": "no",
        "2026-11-03": "2026-11-03",
        "a": "on",
        "b": 12,
        "c": True,
        "d": None,
        "e": "012",
    }


def test_a_decimal_is_a_number_where_a_number_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "- {code: 1.001234, share: 0.5}\n- {code: b, share: 1}")
    assert load_entries(path, list[Entry], "code") == [
        Entry(code="1.001234", share=0.5),
        Entry(code="b", share=1),
    ]


@pytest.mark.parametrize("share", ["true", "much", "1e3", ".inf", "{}", "0.5.1"])
def test_what_is_no_number_is_refused_where_one_is_asked_for(tmp_path: Path, share: str) -> None:
    path = written(tmp_path, f"- code: a\n- code: b\n  share: {share}")
    with pytest.raises(CatalogueError, match=r"some\.yaml, line 3, b\.share: .*valid number"):
        load_entries(path, list[Entry], "code")


@pytest.mark.parametrize("load", [load_declaration, lambda path: load_entries(path, list, "a")])
@pytest.mark.parametrize(
    "text, said",
    [
        ("a: 1\na: 2", "line 2: the key 'a' is given twice (this is no valid YAML)."),
        ("a: [", "line 1: expected the node content"),
        ("? [a]\n: b", "line 1: a key has to be one word or text"),
        ("[" * 5_000, "line 1: maximum recursion depth exceeded"),
    ],
    ids=["a key twice", "no end", "a list as a key", "too deep"],
)
def test_what_is_no_yaml_is_said_with_its_line(
    tmp_path: Path, load: Any, text: str, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CatalogueError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}, {said}")
