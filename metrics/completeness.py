"""A figure to which not every expected agency contributed says so, wherever it is shown."""

from __future__ import annotations

from metrics.catalogue import Name

DOES_NOT_APPLY = Name(
    vi="Không tính độ bao phủ: số liệu theo những gì đã được đăng ký hoặc báo cáo.",
    en="Coverage does not apply: it is told of what is registered or was reported.",
)


def note(reporting: int, expected: int) -> Name | None:
    """The sentence that goes with a figure; None when everybody who is expected to report does."""
    if reporting >= expected:
        return None
    return Name(
        vi=f"Số liệu chưa đầy đủ: mới có {reporting}/{expected} cơ quan phải báo cáo đã báo cáo.",
        en=f"Incomplete: {reporting} of {expected} agencies that should report did.",
    )
