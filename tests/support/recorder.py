"""A loopback app that records each POST and answers with configured statuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Post:
    """A recorded request; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Recorder:
    """The app's state; `statuses` are answered in turn, the last one for ever."""

    port: int
    statuses: list[int] = field(default_factory=lambda: [200])
    answer: bytes = b"ok"
    seen: list[Post] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Serve until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            app.seen.append(Post(self.path, headers, body))
            turn = min(len(app.seen), len(app.statuses)) - 1
            self.send_response(app.statuses[turn])
            self.send_header("Content-Length", str(len(app.answer)))
            self.end_headers()
            self.wfile.write(app.answer)

        def log_message(self, *args: object) -> None:
            """Say nothing: stderr is watched."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app = Recorder(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
