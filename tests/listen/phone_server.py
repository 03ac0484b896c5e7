"""SmsForwarder's own server on a phone, played as the app documents it."""

import hmac
import json
import time
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.listen.cases import CALLER, SECRET
from tests.peers.played import Played


class Phone(ThreadingHTTPServer):
    """SmsForwarder's server: pages of texts and calls, newest first, for whoever signs the time; `refused` counts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Phone)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.texts: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.battery: dict[str, Any] | None = {"level": "85%", "status": "充电中", "plugged": "AC"}
        self.cards: dict[str, str] = {"0": "8986001", "1": "8986002"}

    def config(self) -> dict[str, Any]:
        cards = {i: {"icc_id": card, "sim_slot_index": int(i), "number": ""} for i, card in self.cards.items()}
        return {"enable_api_battery_query": self.battery is not None, "sim_info_list": cards}

    def text(self, at: datetime, content: str, sim: int = 0) -> None:
        stamp = int(at.timestamp() * 1000)
        self.texts.append({"number": CALLER, "content": content, "date": stamp, "type": 1, "sim_id": sim, "sub_id": 1})

    def call(self, at: datetime, kind: int, seconds: int) -> None:
        stamp = int(at.timestamp() * 1000)
        self.calls.append({"number": CALLER, "dateLong": stamp, "duration": seconds, "type": kind, "sim_id": 0})


class _Phone(Played):
    server: Phone

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        stamp = asked["timestamp"]
        made = b64encode(hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), sha256).digest()).decode()
        if unquote(asked["sign"]) != made or abs(time.time() * 1000 - stamp) > 600_000:
            return self.answer_json(200, {"code": 500, "msg": "sign verify failed"})
        if self.path == "/config/query":
            return self.answer_json(200, {"code": 200, "msg": "success", "data": self.server.config()})
        if self.path == "/battery/query":
            off = {"code": 500, "msg": "disabled"}
            battery = self.server.battery
            return self.answer_json(200, {"code": 200, "msg": "success", "data": battery} if battery else off)
        wanted = asked["data"]
        held = self.server.texts if self.path == "/sms/query" else self.server.calls
        rows = [row for row in held if row["type"] == wanted["type"]]
        rows.sort(key=lambda row: -row.get("date", row.get("dateLong")))
        first = (wanted["page_num"] - 1) * wanted["page_size"]
        return self.answer_json(200, {"code": 200, "msg": "success", "data": rows[first : first + wanted["page_size"]]})
