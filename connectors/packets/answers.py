"""What the packets' door answers: always HTTP 200 with a JSON object, as one-stop systems know it
of the national adapter. Refusals have a number, what is wrong and what to do in both languages, and
`result` as an array or not at all: null makes some systems lose the dossier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from connectors.packets.access import PacketClient
from connectors.packets.wrong import PacketRefused

SUCCESS = "Thành công"  # some systems judge by this text alone
_TOLD = 20  # mistakes of one request; the others are counted


class RefusalKind(NamedTuple):
    """Why a request is refused: its number, and what to do about it."""

    code: int
    vietnamese: str
    english: str
    do: str


# The numbers are the hub's own: those of the national adapter are published nowhere. None of them
# is 3 or -3, which systems take for "exists already".
REFUSALS: dict[str, RefusalKind] = {
    "not_json": RefusalKind(
        10, "Nội dung không phải JSON", "The body is no JSON", "Mend the sender."
    ),
    "unknown_service": RefusalKind(
        11,
        "Không có dịch vụ này",
        "There is no such service",
        "Send one of the services on this page.",
    ),
    "wrong_method": RefusalKind(
        12,
        "Phương thức HTTP không đúng",
        "Wrong HTTP method",
        "POST what is sent, GET or POST what is asked.",
    ),
    "wrong_shape": RefusalKind(
        13,
        "Gói tin không đúng cấu trúc",
        "The packet has another shape",
        "`data` is an array of objects (DongBoTrangThaiHoSo: one object).",
    ),
    "too_many": RefusalKind(
        14, "Quá nhiều phần tử trong một gói tin", "Too many items in one packet", "Split it."
    ),
    "login": RefusalKind(
        20,
        "Sai tên đăng nhập hoặc mật khẩu",
        "Wrong user or password",
        "Ask the hub's operators for both.",
    ),
    "session": RefusalKind(
        21,
        "Phiên làm việc không hợp lệ hoặc đã hết hạn",
        "The session is none, or over",
        "Log in again, and send the same once more.",
    ),
    "unit": RefusalKind(
        30,
        "Mã đơn vị (madonvi) thiếu hoặc không đúng",
        "The agency's code (madonvi) is missing or no code",
        "Send the agency's code of QĐ 20/2020/QĐ-TTg.",
    ),
    "other_unit": RefusalKind(
        31,
        "Không được báo cáo thay đơn vị này",
        "This client may not speak for that agency",
        "Send for your own agencies; else ask the hub's operators.",
    ),
    "items": RefusalKind(
        40,
        "Dữ liệu không hợp lệ",
        "Items were refused",
        "Mend the fields named in `message` and send those items again; the others were taken in.",
    ),
    "procedure": RefusalKind(
        50,
        "Thủ tục chưa có trong danh mục của tỉnh",
        "The procedure is not registered",
        "Correct MaTTHC, or have the procedure registered.",
    ),
    "starting": RefusalKind(
        60,
        "Hệ thống đang đọc dữ liệu trước đó, hãy gửi lại sau ít giây",
        "The hub still reads what came before",
        "Send the same again in some seconds.",
    ),
    "unavailable": RefusalKind(
        61,
        "Hệ thống tạm thời không nhận được, hãy gửi lại sau",
        "The hub can't take this at the moment",
        "Send the same again later; nothing counts twice.",
    ),
    "failed": RefusalKind(
        70,
        "Lỗi trong hệ thống",
        "The hub failed",
        "Send the same again; tell the hub's operators if it persists.",
    ),
}


class Refused(Exception):
    """Ends a request with a refusal. `kind` is one of REFUSALS, `more` what else is told behind
    it.
    """

    def __init__(self, kind: str, more: str = "") -> None:
        super().__init__(kind)
        self.kind, self.more = kind, more


def success(
    client: PacketClient, result: Sequence[Any] | None = None, **members: Any
) -> dict[str, Any]:
    """The answer that all was done; `result` is left out where there is none."""
    answer: dict[str, Any] = {**members, "error_code": client.success_code, "message": SUCCESS}
    return answer if result is None else {**answer, "result": list(result)}


def refusal_answer(refused: Refused, client: PacketClient | None) -> dict[str, Any]:
    """The answer that nothing was done."""
    kind = REFUSALS[refused.kind]
    message = f"{kind.vietnamese} / {kind.english}"
    return {
        "error_code": _code(kind, client),
        "message": f"{message}: {refused.more}" if refused.more else message,
    }


def items_refused(
    client: PacketClient, count: int, refused: dict[int, PacketRefused]
) -> dict[str, Any]:
    """The answer to a packet of so many items of which some were refused, by their index."""
    kind = REFUSALS["items"]
    mistakes = [
        f"[{index}] {mistake.told}"
        for index, one in sorted(refused.items())
        for mistake in one.mistakes
    ]
    more = len(mistakes) - _TOLD
    told = "; ".join(mistakes[:_TOLD]) + (f"; … (+{more})" if more > 0 else "")
    head = f"{kind.vietnamese} ({len(refused)}/{count}) / {kind.english}"
    code, good = _code(kind, client), client.success_code
    result = [
        {"index": index, "error_code": code if index in refused else good} for index in range(count)
    ]
    return {"error_code": code, "message": f"{head}: {told}", "result": result}


def _code(kind: RefusalKind, client: PacketClient | None) -> str | int:
    """As the client writes numbers."""
    is_number = client is not None and isinstance(client.success_code, int)
    return kind.code if is_number else str(kind.code)


def packet_response(answer: dict[str, Any], headers: Mapping[str, str]) -> Response:
    """The answer as one-stop systems take it."""
    return Response(msgspec.json.encode(answer), 200, headers, "application/json")


def refusal_table() -> str:
    """The refusals for a page."""
    rows = [
        f"| {kind.code} | {kind.vietnamese} / {kind.english} | {kind.do} |"
        for kind in REFUSALS.values()
    ]
    return "\n".join(["| error_code | means | do |", "|---|---|---|", *rows])
