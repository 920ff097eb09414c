#!/usr/bin/env python3
"""A stand-in for the ngrok agent: enough of it for the real pyngrok, and misbehaviour.

Standard library only. The folder in `STAND_IN_NGROK` holds `control.json`, read anew
whenever it matters; `agents/<pid>.json` says who runs here. `tests/support/agent.py`
lists the keys of `control.json` and the commands, and is how tests use this program.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2]))  # last: shadows nothing

from tests.support.ngrok_api import NgrokApi
from tests.support.ngrok_messages import ERRORS, USAGE
from tests.support.public_endpoint import PublicEndpoint

PROPER_LENGTH = 40  # of an authtoken, or nearly
FAREWELL_S = 0.3
STDOUT_LOCK = threading.Lock()


def log(level: str, message: str, **fields: object) -> None:
    """Write one line as the agent does: logfmt, quoted, flushed."""
    named = {"t": "2026-10-04T12:00:00+0000", "lvl": level, "msg": message} | fields
    line = " ".join(f"{key}={json.dumps(str(value))}" for key, value in named.items())
    say(line)


def say(line: str) -> None:
    with STDOUT_LOCK:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Link:
    """The line to the test that made us: events go out, commands come in."""

    def __init__(self, port: int | None) -> None:
        self._lock = threading.Lock()
        self._socket = socket.create_connection(("127.0.0.1", port)) if port else None
        self.is_there = self._socket is not None

    def tell(self, event: str, **facts: Any) -> None:
        if self._socket is None:
            return
        with self._lock:
            self._socket.sendall(json.dumps({"event": event} | facts).encode() + b"\n")

    def commands(self) -> Any:
        if self._socket is not None:
            with self._socket.makefile() as lines:
                yield from map(json.loads, lines)


class Agent:
    """One run of the program, from the command line to the end."""

    def __init__(self, folder: Path, argv: list[str]) -> None:
        self.folder = folder
        self.argv = argv
        self.go = threading.Event()
        self.locks: list[Any] = []
        self.link = Link(self.control("report_port"))
        self.public_endpoint: PublicEndpoint | None = None
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.api = NgrokApi(self)

    def control(self, key: str, default: Any = None) -> Any:
        path = self.folder / "control.json"
        return json.loads(path.read_text()).get(key, default) if path.exists() else None

    @property
    def token(self) -> str:
        if "--authtoken" in self.argv:
            return self.argv[self.argv.index("--authtoken") + 1]
        return os.environ.get("NGROK_AUTHTOKEN", "")

    def run(self) -> None:
        facts = {"pid": os.getpid(), "argv": sys.argv}
        self.note(facts)  # on disk, and so without the token
        known = {"environ": sorted(os.environ), "token": self.token}
        self.link.tell("started", **facts, **known, session=os.getsid(0))
        threading.Thread(target=self.obey, daemon=True).start()
        if self.control("ignores_term"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if after_s := self.control("die_after_s"):
            threading.Timer(after_s, os._exit, [1]).start()
        self.begin(self.control("start") or "ok")
        threading.Event().wait()

    def begin(self, how: str) -> None:
        if how == "silent":
            return
        if how == "exit":
            self.fail(None)
        if how == "slow":
            self.go.wait(self.control("slow_s") or None)
        log("info", "starting web service", obj="web", addr=self.api.address)
        if how == "offline":
            self.try_in_vain()
        self.fail_if(how if how in ERRORS else self.objection())
        log("info", "tunnel session started", obj="tunnels.session")
        log("info", "client session established", obj="csess", id="c1")
        self.link.tell("session", api=self.api.address)

    def objection(self) -> str | None:
        """Return why the cloud would not have us: the token, or too many of us."""
        expected = self.control("token_sha256")
        if expected and not self.token:
            return "4018"
        if expected and hashlib.sha256(self.token.encode()).hexdigest() != expected:
            return "107" if len(self.token) >= PROPER_LENGTH else "105"
        limit = self.control("max_sessions")
        if limit and not any(self.lock(f"session-{n}") for n in range(limit)):
            return "108"
        return None

    def lock(self, name: str) -> bool:
        """Hold `name` for this account until we end; False when another agent does."""
        account = hashlib.sha256(self.token.encode()).hexdigest()[:8]
        file = (self.folder / f"{account}-{name}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.locks.append(file)
        return True

    def fail_if(self, code: str | None) -> None:
        if code:
            self.fail(ERRORS[code].format(token=self.token))

    def fail(self, text: str | None) -> None:
        if text and self.control("is_hasty"):
            reason = f"lvl=crit msg=failed err={json.dumps(text)}\n"
            os.write(1, ("lvl=info msg=busy\n" * 400 + reason).encode())
            os._exit(1)
        if text:
            log("eror", "session closing", obj="tunnels.session", err=text)
            log("eror", "terminating with error", obj="app", err=text)
            log("crit", "command failed", err=text)
        sys.stderr.write(f"{USAGE}\nERROR: {text}\n")
        sys.stderr.flush()
        # The real one takes leave of the cloud before it ends; pyngrok stops reading
        # with the end of the process, whether it has read the reason or not.
        threading.Event().wait(FAREWELL_S)
        os._exit(1)

    def try_in_vain(self) -> None:
        while True:
            why = "failed to dial ngrok server: lookup connect.ngrok-agent.com: no host"
            log("eror", "failed to reconnect session", obj="tunnels.session", err=why)
            self.go.wait(0.5)

    def open_endpoint(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """Start the public side of `endpoint` on a port of its own."""
        self.public_endpoint = PublicEndpoint(self, endpoint["upstream"]["url"])
        endpoint |= {
            "url": self.public_endpoint.url,
            "uri": f"/api/endpoints/{endpoint['name']}",
        }
        self.endpoints[endpoint["name"]] = endpoint
        log("info", "started tunnel", obj="tunnels", url=self.public_endpoint.url)
        self.note({"url": self.public_endpoint.url, "api": self.api.address})
        self.link.tell("online", url=self.public_endpoint.url, asked=endpoint)
        return endpoint

    def note(self, facts: dict[str, Any]) -> None:
        (self.folder / "agents").mkdir(exist_ok=True)
        path = self.folder / "agents" / f"{os.getpid()}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        part = path.with_suffix(".part")
        part.write_text(json.dumps(known | facts))
        part.replace(path)

    def obey(self) -> None:
        for command in self.link.commands():
            getattr(self, f"do_{command.pop('do')}")(**command)
            self.link.tell("done")
        if self.link.is_there:
            os._exit(1)  # the test is over: nobody is left to end us

    def do_go(self) -> None:
        self.go.set()

    def do_die(self) -> None:
        os._exit(1)

    def do_down(self) -> None:
        if self.public_endpoint:
            self.public_endpoint.is_open = False
        log("warn", "session closed, starting reconnect loop", obj="csess", id="c1")

    def do_up(self) -> None:
        if self.public_endpoint:
            self.public_endpoint.is_open = True
        log("info", "client session established", obj="csess", id="c2")

    def do_move(self) -> None:
        """Come back from an outage at another URL."""
        for endpoint in list(self.endpoints.values()):
            if self.public_endpoint:
                self.public_endpoint.close()
            self.open_endpoint(endpoint)
        self.do_up()

    def do_log(self, line: str, times: int = 1) -> None:
        for _ in range(times):
            say(line)

    def do_blurt(self, line: str) -> None:
        """Log a line of bytes that need not be text, one for each character."""
        with STDOUT_LOCK:
            sys.stdout.buffer.write(line.encode("latin-1") + b"\n")
            sys.stdout.buffer.flush()

    def do_release(self) -> None:
        if self.public_endpoint:
            self.public_endpoint.released.set()


def main() -> None:
    folder = Path(os.environ.get("STAND_IN_NGROK", "."))
    if "--version" in sys.argv:
        path = folder / "control.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        version = known.get("version") or "3.39.8"
        if version == "hang":
            signal.pause()
        say(f"ngrok version {version}")
        return
    Agent(folder, sys.argv[1:]).run()


if __name__ == "__main__":
    main()
