"""The agent's own web service: `/api/endpoints`, as pyngrok uses it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.ngrok_messages import ERRORS


class NgrokApi:
    """Answers on a loopback port for one agent; `agent` decides what happens."""

    def __init__(self, agent: Any) -> None:
        class Handler(_Handler):
            owner = agent

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    owner: Any

    def do_GET(self) -> None:
        if self.owner.control("start") == "mute":
            threading.Event().wait()
        if self.owner.control("get") == "fail":
            self.answer(503, {"error_code": 104, "status_code": 503, "msg": "no"})
            self.owner.link.tell("refused to say")
        elif self.path == "/api/endpoints":
            self.answer(200, {"endpoints": list(self.owner.endpoints.values())})
        elif self.name in self.owner.endpoints:
            self.answer(200, self.owner.endpoints[self.name])
        else:
            self.answer(404, {"error_code": 100, "status_code": 404, "msg": "no such"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.owner.control("post") == "hang":
            threading.Event().wait()
        code = self.owner.control("post_error")
        if self.owner.control("one_endpoint") and not self.owner.lock("endpoint"):
            code = "334"
        if code:
            self.refuse(code)
        else:
            self.answer(201, self.owner.open_endpoint(asked))

    def do_DELETE(self) -> None:
        if self.owner.control("delete") == "hang":
            threading.Event().wait()
        endpoint = self.owner.endpoints.pop(self.name, None)
        if endpoint is not None:
            self.owner.public_endpoint.close()
            self.owner.link.tell("deleted", name=self.name)
        self.send_response(204)
        self.end_headers()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def refuse(self, code: str) -> None:
        why = {"err": ERRORS[code]}
        body = {"error_code": 103, "status_code": 502, "msg": "failed to start tunnel"}
        self.answer(502, body | {"details": why})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Say nothing: stderr is watched."""
