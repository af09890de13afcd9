"""Numbers of persons: what looks like a citizen's number or a phone, wherever somebody took one for
an id or a reference.

Judged by shape alone, as no register of such numbers is at hand: docs/privacy.md says what is
recognised and what can't be. Both doors ask here. Nothing that is counted hangs on it: who is let
in is the doors' business, and a recount asks no door.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple, get_args

from schemas.clock import now_ms, to_datetime
from schemas.events.base import AgencyCode, Code, Event

NumberKind = Literal["citizen_number", "old_citizen_number", "phone"]

NUMBER_WORDS: dict[NumberKind, str] = {
    "citizen_number": "looks like a citizen's number (CCCD)",
    "old_citizen_number": "looks like a citizen's number of the old form (CMND)",
    "phone": "looks like a phone number",
}
_ADVICE = "the hub keeps no personal data: send the code that the system itself gave the thing"

# The General Statistics Office's codes of the 63 provinces, with which a citizen's number begins
# (TT 59/2021/TT-BCA, annex I).
_PROVINCES = frozenset(
    (  # noqa: SIM905 a table of codes
        "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 "
        "034 035 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 "
        "067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091 092 093 094 095 096"
    ).split()
)
_CENTURIES = {0: 1900, 1: 1900, 2: 2000, 3: 2000}  # even: men, odd: women
# Digits between signs that are neither letters nor digits, in one group or in several with one sign
# between them. What a machine has drawn (UUIDs) is passed over as a whole: its last group may be
# twelve digits.
_RUN = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![^\W_])(?P<run>\+?\d+(?:(?P<sign>["
    r" .-])\d+(?:(?P=sign)\d+)*)?)(?![^\W_])",
    re.IGNORECASE,
)
# Prefixes in use: tax numbers of enterprises in the largest city (0300… to 0319…) are no phones.
_PHONE = re.compile(
    r"(?:0|\+?84|0084)(?:2\d{9}|(?:3[2-9]|5[2-9]|7[06-9]|8[1-9]|9\d)\d{7})", re.ASCII
)
_OLD = re.compile(r"0[1-9]\d{7}", re.ASCII)
# How people group such numbers; the codes of agencies, procedures and dossiers have other groups.
_CITIZENS_GROUPS = frozenset(((3, 3, 3, 3),))
_PHONES_GROUPS = frozenset(
    (
        (4, 3, 3),
        (3, 3, 4),
        (3, 4, 3),
        (4, 2, 2, 2),
        (3, 4, 4),
        (4, 3, 4),
        (2, 2, 3, 4),
        (2, 3, 3, 3),
        (2, 9),
    )
)


def personal_number(text: str, *, phones: bool = True) -> NumberKind | None:
    """What a text seems to hold of a person, as a whole or between other signs; None if nothing.
    `phones` False: CCCD only.
    """
    for found in _RUN.finditer(text):
        kind = _kind_of(found["run"], found["sign"]) if found["run"] else None
        if kind == "citizen_number" or (kind is not None and phones):
            return kind
    return None


def _kind_of(run: str, sign: str | None) -> NumberKind | None:
    groups = run.removeprefix("+").split(sign) if sign else [run]
    lengths = tuple(map(len, groups))
    if sign and (lengths in _CITIZENS_GROUPS or (lengths in _PHONES_GROUPS and run[0] in "0+")):
        return _kind(run.replace(sign, ""))
    return next(filter(None, map(_kind, groups)), None)


def _kind(digits: str) -> NumberKind | None:
    """What a group of digits, perhaps behind a +, looks like."""
    if len(digits) < 9:
        return None
    # those of other scripts are digits as well
    digits = "".join(sign if sign == "+" else str(int(sign)) for sign in digits)
    if len(digits) == 12 and _is_citizens(digits):
        return "citizen_number"
    if _PHONE.fullmatch(digits):
        return "phone"
    return "old_citizen_number" if _OLD.fullmatch(digits) else None


def _is_citizens(digits: str) -> bool:
    """Province, century and gender, year of birth, and six digits by chance (NĐ 137/2015/NĐ-CP,
    article 13).
    """
    century = _CENTURIES.get(int(digits[3]))
    return (
        digits[:3] in _PROVINCES
        and century is not None
        and century + int(digits[4:6]) <= to_datetime(now_ms()).year
    )


class PersonalField(NamedTuple):
    """A field of an event that seems to hold a number of a person; never the number."""

    field: str
    kind: NumberKind

    @property
    def message(self) -> str:
        """What is told of it, behind the field's name."""
        return f"{NUMBER_WORDS[self.kind]}: {_ADVICE}"


def personal_numbers(event: Event) -> list[PersonalField]:
    """The fields of an event that seem to hold one. Its times, amounts and choices hold none."""
    texts, codes = _texts(type(event))
    said = event.__dict__
    if personal_number("\n".join(_all(said, texts + codes))) is None:  # nearly always
        return []
    found = [
        (name, personal_number("\n".join(_all(said, (name,))), phones=name in texts))
        for name in texts + codes
    ]
    return [PersonalField(name, kind) for name, kind in found if kind is not None]


def _all(said: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = said[name]
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from value


@cache
def _texts(model: type[Event]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A model's ids, references and labels; and its codes, of which those of enterprises have the
    look of phones (0301234567).
    """
    texts: list[str] = []
    codes: list[str] = []
    for name, field in model.model_fields.items():
        kinds = {
            argument for argument in _arguments(field.annotation) if isinstance(argument, type)
        }
        if str in kinds:
            (codes if _is_code(field.annotation, field.metadata) else texts).append(name)
    return tuple(texts), tuple(codes)


_CODES = [get_args(one)[1] for one in (AgencyCode, Code)]  # what checks them


def _is_code(annotation: Any, metadata: list[Any]) -> bool:
    return any(part in _CODES for part in (*metadata, *_arguments(annotation)))


def _arguments(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        if not isinstance(part, str):
            yield from _arguments(part)
