"""A loopback server that answers 200 to everything and records the requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Echo:
    """The requests to `url`, in order."""

    port: int
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def echo_server() -> Iterator[Echo]:
    """Serve until the context ends; a POST gets its body back."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            echo.paths.append(self.path)
            echo.bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 -- http.server's name

        def log_message(self, *args: object) -> None:
            """Say nothing: stderr is watched."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    echo = Echo(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield echo
    server.shutdown()
    server.server_close()
    thread.join()
