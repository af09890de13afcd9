"""A one-stop system of one dossier, at a gateway that is a process."""

from __future__ import annotations

from typing import Any

import httpx
from gateway_process import Process
from harness import until

PASSWORD = "mot-mat-khau-mau"


class OneStopSystem:
    """A one-stop system of one dossier."""

    def __init__(self, process: Process, code: str) -> None:
        self.process, self.code = process, code
        self.dossier = f"{code}-251103-0001"
        self.space = ""

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.process.url}/packets/g", json=body, timeout=30)
        self.space = answer.headers["LGSP-Space"]
        told: dict[str, Any] = answer.json()
        return told

    def login(self) -> None:
        body = {"username": self.code.lower(), "password": PASSWORD}
        url = f"{self.process.url}/packets/login"
        until(lambda: "session" in httpx.post(url, json=body, timeout=30).json())
        self.session = httpx.post(url, json=body, timeout=30).json()["session"]

    def send(self, **fields: str) -> None:
        item = {
            "MaHoSo": self.dossier,
            "MaTTHC": "1.000000.SAMPLE",
            "LoaiDoiTuong": "1",
            "TrangThaiHoSo": "2",
            "HinhThuc": "0",
            "NgayTiepNhan": "20251103090000",
            "NgayHenTra": "20251110170000",
            "NgayTra": "",
            "NgayKetThucXuLy": "",
        }
        body = {
            "session": self.session,
            "madonvi": self.code,
            "service": "DongBoHoSoMC",
            "data": [item | fields],
        }
        until(lambda: self.ask(body)["error_code"] == "0")

    def known(self) -> list[dict[str, Any]]:
        asked = {"session": self.session, "service": "TraCuuHoSo", "mahoso": self.dossier}
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            answer = self.ask(asked)
            found[:] = answer.get("result", [])
            return bool(answer["error_code"] == "0")

        until(answered)
        return found
