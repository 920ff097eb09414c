"""A callback handler that is sound, or has a chosen flaw."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kling_cli.callbacks.signatures import verify
from kling_cli.secret import Secret

MOST_BYTES = 1024 * 1024


class UnsoundError(Exception):
    """A callback is refused with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class App:
    """The handler's state. `flaws` are of `counts`, `trusts`, `chokes`, `dies`.

    With `counts` it answers each callback with a new number; with `trusts` it checks no
    signature; with `chokes` it fails on what it cannot parse; with `dies` it answers
    nothing after such a failure.
    """

    secret: Secret | None = None
    flaws: frozenset[str] = frozenset()
    port: int = 0
    tasks: dict[str, str] = field(default_factory=dict)
    n_taken: int = 0
    is_dead: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def answer(self, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body of the answer to a callback."""
        try:
            return 200, json.dumps(self.take(raw, headers)).encode()
        except UnsoundError as exc:
            return exc.status, b'{"error": "refused"}'

    def take(self, raw: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Return the answer to a callback.

        Raises:
            UnsoundError: it is refused.
        """
        if self.is_dead:
            raise UnsoundError(503)
        if self.secret is not None and "trusts" not in self.flaws:
            now = datetime.now(UTC)
            if not verify(raw, headers, [self.secret], now):
                raise UnsoundError(401)
        task_id, status = self._read(raw)
        self.n_taken += 1
        self.tasks.setdefault(task_id, status)
        return {"taken": self.n_taken if "counts" in self.flaws else task_id}

    def _read(self, raw: bytes) -> tuple[str, str]:
        try:
            body = json.loads(raw)
            return (
                str(body.get("id") or body["task_id"]),
                str(body.get("status") or body["task_status"]),
            )
        except (ValueError, KeyError, RecursionError) as exc:
            self.is_dead = "dies" in self.flaws
            raise UnsoundError(500 if "chokes" in self.flaws else 400) from exc


@contextmanager
def serving(app: App) -> Iterator[App]:
    """Serve the app until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            raw = self.rfile.read(min(length, MOST_BYTES))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = app.answer(raw, headers)
            if length > MOST_BYTES:
                status, said = 413, b""  # and hang up with bytes unread
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: object) -> None:
            """Say nothing: stderr is watched."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    app.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
