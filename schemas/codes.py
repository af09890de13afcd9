"""Code lists and the shapes of codes (QCVN 120:2019 fields, QCVN 102:2016 statuses, QĐ
20/2020/QĐ-TTg agency codes).

Lists that the national portal numbers keep its numbers beside the hub's words, so that packets map
at the edge.
"""

from __future__ import annotations

from typing import Literal

# `|` separates the parts of a cell's key, so no code may hold it.
AGENCY_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,34}$"
CODE_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$"

Channel = Literal["online", "counter", "post", "email", "internal", "other"]
CHANNELS: tuple[Channel, ...] = ("online", "counter", "post", "email", "internal", "other")
# KenhThucHien
PORTAL_CHANNELS: dict[int | None, Channel] = {None: "counter", 1: "counter", 2: "online", 3: "post"}

ApplicantKind = Literal["citizen", "business", "state_agency", "organisation"]
# LoaiDoiTuong
PORTAL_APPLICANTS: dict[int, ApplicantKind] = {
    1: "citizen",
    2: "business",
    3: "state_agency",
    4: "organisation",
}

# 2 information only, 3 một phần (partial), 4 toàn trình (full): NĐ 42/2022/NĐ-CP
OnlineLevel = Literal[2, 3, 4]

PaymentState = Literal["pending", "failed", "paid", "refunded"]
# decides between two facts of one instant
PAYMENT_RANK: dict[str, int] = {"pending": 0, "failed": 1, "paid": 2, "refunded": 3}

ReturnedHow = Literal["counter", "post", "online"]  # HinhThuc 0 counter, 1 public postal service
RatingSubject = Literal["procedure", "agency", "health", "education"]
RecallAnswer = Literal["asked", "agreed", "refused"]

TaskProgress = Literal["running", "waiting_confirmation"]
AdministrativeLevel = Literal["province", "district", "commune"]
ADMINISTRATIVE_LEVELS: tuple[AdministrativeLevel, ...] = ("province", "district", "commune")
AgencyLevel = Literal["province", "department", "district", "commune", "vertical", "unit"]
AGENCY_LEVELS: tuple[AgencyLevel, ...] = (
    "province",
    "department",
    "district",
    "commune",
    "vertical",
    "unit",
)
SystemKind = Literal["portal", "one_stop", "documents", "reporting", "specialised"]
SYSTEM_KINDS: tuple[SystemKind, ...] = (
    "portal",
    "one_stop",
    "documents",
    "reporting",
    "specialised",
)

# TrangThaiHoSo, the portal's ten dossier states
DossierStatus = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
DOSSIER_STATUSES: dict[int, tuple[str, str]] = {
    1: ("registered", "Mới đăng ký"),
    2: ("accepted", "Được tiếp nhận"),
    3: ("refused", "Không được tiếp nhận"),
    4: ("processing", "Đang xử lý"),
    5: ("supplement asked", "Yêu cầu bổ sung giấy tờ"),
    6: ("waiting for payment", "Yêu cầu thực hiện nghĩa vụ tài chính"),
    7: ("withdrawn", "Công dân yêu cầu rút hồ sơ"),
    8: ("stopped", "Dừng xử lý"),
    9: ("done", "Đã xử lý xong"),
    10: ("result returned", "Đã trả kết quả"),
}

# StatusCode of the document axis, what a receiver answers
DocumentStatus = Literal["01", "02", "03", "04", "05", "06"]
DOCUMENT_STATUSES: dict[str, tuple[str, str]] = {
    "01": ("arrived", "Đã đến, chờ tiếp nhận"),
    "02": ("refused", "Từ chối tiếp nhận"),
    "03": ("accepted", "Đã tiếp nhận"),
    "04": ("assigned", "Đã phân công"),
    "05": ("processing", "Đang xử lý"),
    "06": ("completed", "Đã hoàn thành"),
}
