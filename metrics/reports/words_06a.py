"""The words of form II.06a, as its heading, columns and bands have them."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from metrics.catalogue.indicators import Name

Band = Literal["province", "district", "commune", "unknown"]

FORM_ID = "II.06a/VPCP/KSTT"
NUMBER = f"Biểu số {FORM_ID}"
TITLE = "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH"
UNIT = "Đơn vị tính: Số hồ sơ TTHC"
SENDER, RECEIVER = "Đơn vị báo cáo", "Đơn vị nhận báo cáo"
TOTAL = Name(vi="Tổng số", en="Total")
FIELD_NOT_KNOWN = Name(vi="Chưa rõ lĩnh vực", en="Field not known")


class ColumnHead(NamedTuple):
    """A column by its official number, under its group."""

    number: int
    group: Name | None
    label: Name


_RECEIVED = Name(vi="Tiếp nhận", en="Received")
_HANDLED = Name(vi="Số lượng hồ sơ đã giải quyết", en="Dossiers handled")
_OPEN = Name(vi="Số lượng hồ sơ đang giải quyết", en="Dossiers being handled")
COLUMN_HEADS: tuple[ColumnHead, ...] = (
    ColumnHead(1, None, Name(vi="TT", en="No.")),
    ColumnHead(
        2,
        None,
        Name(vi="Lĩnh vực, công việc giải quyết theo cấp", en="Field and work, by level"),
    ),
    ColumnHead(3, _RECEIVED, TOTAL),
    ColumnHead(4, _RECEIVED, Name(vi="Trực tuyến", en="Online")),
    ColumnHead(
        5,
        _RECEIVED,
        Name(vi="Trực tiếp, dịch vụ bưu chính", en="At the counter, by post"),
    ),
    ColumnHead(6, _RECEIVED, Name(vi="Từ kỳ trước", en="From the period before")),
    ColumnHead(7, _HANDLED, TOTAL),
    ColumnHead(8, _HANDLED, Name(vi="Trước hạn", en="Early")),
    ColumnHead(9, _HANDLED, Name(vi="Đúng hạn", en="On time")),
    ColumnHead(10, _HANDLED, Name(vi="Quá hạn", en="Late")),
    ColumnHead(11, _OPEN, TOTAL),
    ColumnHead(12, _OPEN, Name(vi="Trong hạn", en="In time")),
    ColumnHead(13, _OPEN, Name(vi="Quá hạn", en="Overdue")),
)

BANDS: dict[Band, Name] = {
    "province": Name(
        vi="TTHC thuộc phạm vi giải quyết của các sở, ban, ngành và cơ quan ngành dọc",
        en="Procedures of departments and central agencies in the province",
    ),
    "district": Name(
        vi="TTHC thuộc phạm vi giải quyết của cấp huyện", en="Procedures of the district level"
    ),
    "commune": Name(
        vi="TTHC thuộc phạm vi giải quyết của cấp xã", en="Procedures of the commune level"
    ),
    "unknown": Name(
        vi="Chưa rõ cấp của cơ quan giải quyết", en="Level of the handling agency not known"
    ),
}


def period_text(first: date | None, last: date) -> str:
    """The line of the heading that says the period."""
    until = f"đến ngày {_day(last)}"
    days = until if first is None else f"Từ ngày {_day(first)} {until}"
    return f"Kỳ báo cáo: ({days})"


def _day(day: date) -> str:
    return f"{day.day} tháng {day.month} năm {day.year}"
