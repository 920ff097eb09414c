#!/usr/bin/env python3
"""A stand-in for cloudflared: a quick tunnel that leads to loopback, and misbehaviour.

It speaks as the real one does: log lines on stderr, `/quicktunnel` on its metrics
server, exit code 1 when it is refused. `tests/support/agent.py` tells how it is used;
`start` may also be `429` and `bad gateway`.
Source: cloudflared 2026.3, read 2026-11-29.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2]))  # last: shadows nothing

from tests.support.ngrok_agent import Agent
from tests.support.public_endpoint import PublicEndpoint

REFUSALS = {
    "429": ("error code: 1015", "429 Too Many Requests"),
    "bad gateway": ("error code: 1101", "502 Bad Gateway"),
}
UNREADABLE = "invalid character 'e' looking for beginning of value"


def log(level: str, text: str) -> None:
    sys.stderr.write(f"2026-11-29T12:00:00Z {level} {text}\n")
    sys.stderr.flush()


class Cloudflared(Agent):
    """One run of the program."""

    added_headers = {  # noqa: RUF012 -- read by the public endpoint only
        "Cf-Connecting-Ip": "192.0.2.1",
        "Cf-Ray": "8f0-FRA",
        "Cdn-Loop": "cloudflare; loops=1",
    }

    def option(self, name: str) -> str:
        return self.argv[self.argv.index(name) + 1]

    def begin(self, how: str) -> None:
        if how == "silent":
            return
        if how == "exit":
            log("ERR", 'Couldn\'t start tunnel error="something"')
            os._exit(1)
        if how == "slow":
            self.go.wait(self.control("slow_s") or None)
        log("INF", "Requesting new quick Tunnel on trycloudflare.com...")
        if how in REFUSALS:
            said, status = REFUSALS[how]
            log(
                "ERR",
                f"Error unmarshaling QuickTunnel response: {said} "
                f'error="{UNREADABLE}" status_code="{status}"',
            )
            sys.stderr.write(f"failed to unmarshal quick Tunnel: {UNREADABLE}\n")
            sys.stderr.flush()
            os._exit(1)
        if how == "offline":
            log(
                "ERR", "Unable to establish connection with Cloudflare edge connIndex=0"
            )
            return
        self.public_endpoint = PublicEndpoint(self, self.option("--url"))
        self.note({"url": self.public_endpoint.url})
        log("INF", f"Starting metrics server on {self.serve_metrics()}/metrics")
        self.register()
        self.link.tell("online", url=self.public_endpoint.url, asked={})

    def register(self) -> None:
        log("INF", "Registered tunnel connection connIndex=0 ip=198.51.100.7")

    def serve_metrics(self) -> str:
        """Serve `/quicktunnel` and return its address."""
        hostname = (
            self.public_endpoint.url if self.public_endpoint else ""
        )  # a scheme: it is no TLS

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                raw = json.dumps({"hostname": hostname}).encode()
                self.send_response(200 if self.path == "/quicktunnel" else 404)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args: object) -> None:
                """Say nothing: the log is read."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    def do_down(self) -> None:
        if self.public_endpoint:
            self.public_endpoint.is_open = False
        log("WRN", 'Connection terminated error="timeout" connIndex=0')
        log("INF", "Retrying connection in up to 1s connIndex=0")

    def do_up(self) -> None:
        if self.public_endpoint:
            self.public_endpoint.is_open = True
        self.register()

    def do_log(self, line: str, times: int = 1) -> None:
        for _ in range(times):
            log("INF", line)


def main() -> None:
    if "--version" in sys.argv:
        sys.stdout.write("cloudflared version 2026.3.0 (built 2026-03-09-14:08 UTC)\n")
        return
    folder: Any = os.environ.get("STAND_IN_NGROK", ".")
    if sys.argv[1:2] != ["tunnel"]:
        sys.exit(2)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Cloudflared(Path(folder), sys.argv[1:]).run()


if __name__ == "__main__":
    main()
