"""Why a figure has no value, in both languages: absent rather than wrong, and never silently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metrics.catalogue.indicators import Name
from schemas.cells.applied import CountingRules

NO_FIELD = Name(
    vi="Chưa có thủ tục nào thuộc lĩnh vực này được đăng ký.",
    en="No procedure of this field is registered.",
)
NO_LEVEL = Name(
    vi="Chưa có cơ quan nào thuộc cấp này được đăng ký.",
    en="No agency of this level is registered.",
)
NOT_BY_AGENCY = Name(
    vi=(
        "Tử số và mẫu số tính cho các cơ quan khác nhau, nên không có số liệu của từng cơ quan hay"
        " từng cấp."
    ),
    en=(
        "What is divided stands at different agencies, so there is no figure of a single agency or"
        " level."
    ),
)
NOT_BY_DAY = Name(
    vi=(
        "Số liệu gồm cả những ngày ngoài kỳ hoặc hồ sơ đang giải quyết, nên không có số liệu của"
        " từng ngày."
    ),
    en=(
        "It asks for days before the window, or for open dossiers too, so there is no figure of a"
        " single day."
    ),
)
NOW_ONLY = Name(
    vi=(
        "Số liệu là của một thời điểm, không phải của một kỳ: hãy hỏi không kèm from, to, window,"
        " hoặc kèm as_of."
    ),
    en="It is told of one moment, not of a window: ask without from, to and window, or with as_of.",
)
NOT_AS_OF = Name(
    vi="Số liệu chỉ biết được tại lúc hỏi, không có của ngày đã qua: hãy hỏi không kèm as_of.",
    en="It is known of this instant only, not of the end of a day: ask without as_of.",
)
NO_DAY_OVER = Name(
    vi="Chưa có ngày nào của kỳ kết thúc: hãy hỏi một kỳ bắt đầu trước hôm nay.",
    en="No day of the window is over yet: ask for a window that begins before today.",
)
NOT_THEN = Name(
    vi="Số liệu tại lúc hỏi, không có số liệu của kỳ trước để so sánh.",
    en="It is a question about this moment, so there is nothing before to compare it with.",
)
NOT_BY_THIS = Name(
    vi="Số liệu này không phân tổ theo tiêu chí này.",
    en="It is not told by these groups, of an agency, level or field.",
)
NOT_ONE_FIELD = Name(
    vi="Số liệu này không theo thủ tục, nên không có số liệu của một lĩnh vực.",
    en="It is not counted by procedure, so there is no figure of one field.",
)
OTHER_HOURS = Name(
    vi=(
        "Số liệu được tính theo giờ làm việc khác với danh sách ở đây; hãy cài đặt cùng giờ làm"
        " việc cho mọi chương trình."
    ),
    en=(
        "The figure was counted by other office hours than lists are made by here: give all"
        " processes the same ones."
    ),
)
NO_PROCEDURE = Name(
    vi="Chưa có thủ tục nào đã đăng ký đáp ứng định nghĩa trong kỳ.",
    en="No registered procedure is what the definition asks about in the window.",
)
NOTHING_COUNTED = Name(
    vi="Trong kỳ chưa có gì để tính tỷ lệ.",
    en="Nothing in the window has a share.",
)
NOTHING_REPORTED = Name(
    vi="Chưa có cơ quan nào báo cáo số liệu này cho kỳ kết thúc trong khoảng thời gian.",
    en="No agency reported it for a period that ended in the window.",
)
NO_DENOMINATOR = Name(
    vi="Cơ quan báo cáo không nêu mẫu số, nên không tính được tỷ lệ; xem số liệu từng cơ quan.",
    en=(
        "It was reported without a denominator, so there is no share; see what each agency"
        " reported."
    ),
)


def other_rules(family: str, theirs: Iterable[CountingRules], ours: CountingRules) -> Name:
    """Figure and list would not stand for the same rules."""
    if {rules.version for rules in theirs} == {ours.version}:
        return OTHER_HOURS
    counted = ", ".join(str(rules.version) for rules in theirs)
    return Name(
        vi=(
            f"Số liệu {family} được tính theo quy tắc phiên bản {counted}, còn danh sách ở đây theo"
            f" phiên bản {ours.version}; hãy hỏi chương trình metrics của phiên bản kia."
        ),
        en=(
            f"The figure was counted by version {counted} of the rules of {family}, and lists are"
            f" made here by version {ours.version}: ask a metrics process of that version."
        ),
    )


def not_counted_yet(versions: Mapping[str, int]) -> Name:
    """`versions`: by family that of the rules that is needed."""
    needed = ", ".join(f"{family} {version}" for family, version in versions.items())
    return Name(
        vi=(
            f"Sổ chưa được đếm hết theo quy tắc mới (cần {needed}): hãy hỏi lại khi các worker của"
            " phiên bản mới đã đếm xong."
        ),
        en=(
            f"These books are not all counted by the newer rules that it needs ({needed}) yet: ask"
            " again when workers of that version have."
        ),
    )
