"""What was said of one item in two ways at the very same instant.

Which statement stands hangs on no order of arrival, and nobody knows whether it is the right one:
so it is told, whatever the item is, and a statement of later settles it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from schemas.clock import iso, to_datetime
from schemas.masking import quoted
from schemas.states import InventoryItem, id_text
from serving.directory.items import Mistake


def restated(items: Mapping[str, InventoryItem]) -> Iterator[Mistake]:
    """Statements that contest each other, in order of item and beginning."""
    for name, item in sorted(items.items()):
        for begins in item.restated or ():
            if begins in item.statements:
                yield _contested(name, item, begins)
        for begins, first in _under_one_id(item):
            yield _under_the_id_of(name, item, begins, first)


def _contested(name: str, item: InventoryItem, begins: int) -> Mistake:
    at, id_, _, agency, *_ = item.statements[begins]
    stands, said = quoted(id_text(id_)), _told(iso, at)
    return Mistake(
        "restated",
        agency,
        _place(name, begins),
        f"tại cùng một thời điểm {said} đã được nêu với nội dung khác nhau: lấy nội dung của sự"
        f" kiện {stands}; hãy nêu lại với thời điểm muộn hơn",
        f"was stated in different ways at one instant, {said}: event {stands} stands; state it"
        " again with a later time",
    )


def _under_one_id(item: InventoryItem) -> Iterator[tuple[int, int]]:
    """Beginnings stated by an event whose id and instant an earlier beginning has too, with that
    one.
    """
    by_event: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for begins in sorted(item.statements):
        by_event[item.statements[begins][:2]].append(begins)
    for first, *others in by_event.values():
        for begins in others:
            yield begins, first


def _under_the_id_of(name: str, item: InventoryItem, begins: int, first: int) -> Mistake:
    _, id_, _, agency, *_ = item.statements[begins]
    used = quoted(id_text(id_))
    return Mistake(
        "restated",
        agency,
        _place(name, begins),
        f"mã sự kiện {used} cũng đã nêu nội dung có hiệu lực từ {_day(first)}: cả hai đều được"
        " tính; mỗi sự kiện phải có mã riêng",
        f"event id {used} also stated what holds from {_day(first)}: both hold; an id belongs to"
        " one statement only",
    )


def _place(name: str, begins: int) -> str:
    return f"{name}, valid from {_day(begins)}"


def _day(instant: int) -> str:
    return _told(lambda ms: to_datetime(ms).date().isoformat(), instant)


def _told(as_text: Callable[[int], str], instant: int) -> str:
    """An instant as it is written; of one of no calendar, which only a writer past the gateway can
    cause, the number.
    """
    try:
        return as_text(instant)
    except (OverflowError, ValueError):
        return str(instant)
