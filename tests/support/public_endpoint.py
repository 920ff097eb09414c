"""The public endpoint of a stand-in tunnel: a loopback port that forwards requests."""

from __future__ import annotations

import http.client
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.ngrok_messages import PAGE

HOP_BY_HOP = {"connection", "host", "transfer-encoding", "content-length"}


class PublicEndpoint:
    """Forwards requests to `url` to `upstream`, with the faults it is told to have."""

    def __init__(self, agent: Any, upstream: str) -> None:
        self.agent = agent
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.is_open = True
        self.released = threading.Event()
        self.dropped = 0

        class Handler(_Handler):
            public_endpoint = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def is_dropped(self) -> bool:
        """Return whether the next request is to be dropped."""
        self.dropped += 1
        return self.dropped <= (self.agent.control("lose") or 0)


class _Handler(BaseHTTPRequestHandler):
    public_endpoint: PublicEndpoint

    def do_POST(self) -> None:
        agent = self.public_endpoint.agent
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.public_endpoint.is_open:
            self.page(404, "ERR_NGROK_3200")
            return
        if page := agent.control("page"):
            self.page(page["status"], page["code"])
            return
        if agent.control("hold"):
            agent.link.tell("held", path=self.path)
            self.public_endpoint.released.wait()
        if self.public_endpoint.is_dropped():
            agent.link.tell("lost", path=self.path)
            self.close_connection = True
            return
        self.forward(body, times=agent.control("repeat") or 1)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815 -- http.server's names

    def forward(self, body: bytes, *, times: int) -> None:
        """Forward the request `times` times; the last response is returned."""
        try:
            for _ in range(times):
                answer, raw = self.ask(body)
        except OSError:
            self.page(502, "ERR_NGROK_8012")
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        facts = {"path": self.path, "status": answer.status}
        self.public_endpoint.agent.link.tell("forwarded", method=self.command, **facts)

    def ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        seen = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        seen |= getattr(self.public_endpoint.agent, "added_headers", {})
        host = {"Host": self.headers.get("Host", ""), "Content-Length": str(len(body))}
        connection = http.client.HTTPConnection(
            self.public_endpoint.upstream, timeout=30
        )
        try:
            connection.request(self.command, self.path, body, kept | seen | host)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def page(self, status: int, code: str) -> None:
        """Answer with one of ngrok's own HTML pages."""
        raw = PAGE.format(code=code).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Ngrok-Error-Code", code)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Say nothing: stderr is watched."""
