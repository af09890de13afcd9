"""What is wrong with a thing, in words: the measures of kind `flagged`, as docs/figures.md explains
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from metrics.catalogue.indicators import Name

_TOO_MANY = Name(vi="thông tin vượt giới hạn", en="more was told of it than counts")
_RESTATED = Name(
    vi="cùng một thông tin được báo khác nhau",
    en="one and the same fact was stated differently",
)

FLAGS: Mapping[str, Mapping[str, Name]] = {
    "dossiers": {
        "flagged": Name(vi="hồ sơ có lỗi dữ liệu", en="at least one rule is broken"),
        "offline_procedure_online": Name(
            vi="thủ tục không trực tuyến nhưng nộp trực tuyến",
            en="the procedure has no online service (level 2), yet it came online",
        ),
        "no_reception": Name(
            vi="chưa có thông tin tiếp nhận", en="facts came and the reception is not known yet"
        ),
        "finished_without_end": Name(
            vi="trả kết quả mà chưa có ngày kết thúc",
            en="the result was returned and no finish was reported",
        ),
        "received_in_future": Name(
            vi="ngày tiếp nhận ở tương lai",
            en="the reception lay more than 5 minutes ahead when it was first heard of",
        ),
        "ended_in_future": Name(
            vi="ngày kết thúc ở tương lai",
            en="the end lay more than 5 minutes ahead when it was first heard of",
        ),
        "received_after_end": Name(
            vi="tiếp nhận sau khi kết thúc", en="the reception is after the end"
        ),
        "due_moved_after_passed": Name(
            vi="lùi hạn sau khi đã quá hạn",
            en="a due time was replaced by another one after it had passed",
        ),
        "step_after_end": Name(
            vi="còn xử lý sau khi kết thúc", en="a step was taken after the end"
        ),
        "sources_disagree": Name(
            vi="các nguồn báo khác nhau",
            en="two systems report different times of the finish, neither undone by a reopening",
        ),
        "due_before_reception": Name(
            vi="hẹn trả trước khi tiếp nhận", en="the due time lies before the reception"
        ),
        "step_before_reception": Name(
            vi="xử lý trước khi tiếp nhận", en="a step was taken before the reception"
        ),
        "returned_before_end": Name(
            vi="trả kết quả trước khi kết thúc xử lý",
            en="the result was returned before the finish",
        ),
        "end_without_reception": Name(
            vi="kết thúc mà chưa có tiếp nhận", en="it ended and the reception is not known"
        ),
        "supplement_before_reception": Name(
            vi="chờ bổ sung trước khi tiếp nhận",
            en="it waits for papers and the reception is not known: no rule is broken",
        ),
        "too_many": _TOO_MANY,
        "restated": _RESTATED,
    },
    "documents": {
        "no_sending": Name(
            vi="chưa có thông tin gửi", en="answers came and the sending is not known yet"
        ),
        "too_many": _TOO_MANY,
        "restated": _RESTATED,
    },
    "tasks": {
        "flagged": Name(vi="nhiệm vụ có lỗi dữ liệu", en="at least one rule is broken"),
        "no_assignment": Name(
            vi="chưa có thông tin giao việc", en="facts came and the assignment is not known yet"
        ),
        "due_before_assignment": Name(
            vi="hạn trước ngày giao", en="the deadline is before the assignment"
        ),
        "completed_before_assignment": Name(
            vi="hoàn thành trước ngày giao", en="the completion is before the assignment"
        ),
        "due_moved_after_passed": Name(
            vi="gia hạn sau khi đã quá hạn",
            en="a deadline was replaced by another one after it had passed",
        ),
        "too_many": _TOO_MANY,
        "restated": _RESTATED,
    },
    "activities": {"restated": _RESTATED},
    "inventory": {},
}
