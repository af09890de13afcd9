"""A figure to which not every expected agency contributed says so, wherever it is shown."""

from __future__ import annotations

from metrics.catalogue.indicators import Name

DOES_NOT_APPLY = Name(
    vi="Không tính độ bao phủ: số liệu theo những gì đã được đăng ký hoặc báo cáo.",
    en="Coverage does not apply: it is told of what is registered or was reported.",
)


NOT_STATED = Name(
    vi="Chưa thể coi là đầy đủ: chưa đăng ký cơ quan nào phải báo cáo.",
    en="Not known to be complete: nobody registered who should report here.",
)


def note(reporting: int, expected: int, *, stated: bool) -> Name | None:
    """The sentence that goes with a figure; None when everybody reports of whom it was `stated`
    that they should.
    """
    if reporting >= expected:
        return None if stated else NOT_STATED
    return Name(
        vi=f"Số liệu chưa đầy đủ: mới có {reporting}/{expected} cơ quan phải báo cáo đã báo cáo.",
        en=f"Incomplete: {reporting} of {expected} agencies that should report did.",
    )
