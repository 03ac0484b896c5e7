"""What servers that tests play have in common: they answer as they are told, and say nothing on stderr."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any


class Played(BaseHTTPRequestHandler):
    """One request to a server of ours."""

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer with a status, the headers besides the length, and a body."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, status: int, found: Any) -> None:
        """Answer with a JSON document."""
        self.answer(status, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
