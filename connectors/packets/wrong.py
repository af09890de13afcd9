"""What can be wrong with a packet's field, in both languages. No value is ever repeated."""

from __future__ import annotations

from typing import NamedTuple

# by kind of mistake, what is told behind the field's name
FIELD_MISTAKES: dict[str, tuple[str, str]] = {
    "missing": ("chưa có: hãy điền", "is missing: fill it in"),
    "time": (
        "phải là thời điểm dạng yyyyMMddHHmmss, ví dụ 20261103090000",
        "should be a time such as 20261103090000 (yyyyMMddHHmmss)",
    ),
    "no_such_time": (
        "là ngày hoặc giờ không tồn tại",
        "names a day or a time of day that does not exist",
    ),
    "years": ("phải từ năm 1980 đến năm 2099", "should be between 1980 and 2100"),
    "future": (
        "ở tương lai: kiểm tra đồng hồ của hệ thống gửi",
        "lies in the future: check the clock of the system that sends",
    ),
    "choice": (
        "không thuộc danh mục: xem tài liệu docs/packets.md",
        "is no value of its list: docs/packets.md has it",
    ),
    "number": ("phải là số nguyên không âm", "should be a whole number, not below 0"),
    "list": ("phải là danh sách các đối tượng", "should be a list of objects"),
    "too_many": ("có quá nhiều phần tử", "has too many entries"),
    "text": ("phải là chuỗi ký tự", "should be text"),
    "code": (
        "phải là mã gồm chữ không dấu, chữ số và . _ : - /",
        "should be a code of letters without accents, digits and . _ : - /",
    ),
    "personal": (
        "giống số định danh hoặc số điện thoại của cá nhân: hãy gửi mã do hệ thống cấp",
        "looks like a number of a person: send the code that the system itself gave",
    ),
    "object": ("phải là đối tượng JSON", "should be a JSON object"),
    "not_known": (
        "hồ sơ chưa được đồng bộ: hãy gửi DongBoHoSoMC trước",
        "is of a dossier that did not come yet: send DongBoHoSoMC first",
    ),
    "other_unit": (
        "thuộc đơn vị mà hệ thống này không được báo cáo thay",
        "is of an agency that this client may not speak for",
    ),
}


class WrongField(ValueError):
    """A value that can't be read; `kind` is one of FIELD_MISTAKES."""

    def __init__(self, kind: str) -> None:
        super().__init__(FIELD_MISTAKES[kind][1])
        self.kind = kind


class FieldMistake(NamedTuple):
    """What is wrong with a field of a packet."""

    field: str
    kind: str

    @property
    def told(self) -> str:
        """In both languages."""
        vietnamese, english = FIELD_MISTAKES[self.kind]
        return f"{self.field}: {vietnamese} / {english}"


class PacketRefused(Exception):
    """A packet that can't be taken in."""

    def __init__(self, *mistakes: FieldMistake) -> None:
        super().__init__("; ".join(one.told for one in mistakes))
        self.mistakes = mistakes


def mistake_table() -> str:
    """The mistakes for a page."""
    rows = [f"| {english} | {vietnamese} |" for vietnamese, english in FIELD_MISTAKES.values()]
    return "\n".join(["| the field … | trường này … |", "|---|---|", *rows])
