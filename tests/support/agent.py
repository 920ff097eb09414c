"""A stand-in program for the ngrok agent, configured, observed and commanded by tests.

    def test_something(stand_in: StandIn) -> None:
        stand_in.behave(start="silent")
        run("kling", ..., env=stand_in.env)
        agent = stand_in.next_agent()
        assert agent.wait_gone()

Keys of `behave` (each re-read whenever it matters, `None` takes one back):

- `start`: `ok`, `silent`, `exit`, `slow` (until the command `go`, or `slow_s`),
  `offline` (no network), `mute` (its web service never answers), or an ngrok error:
  `4018`, `105`, `107`, `108`, `121`, `9040`, `999`
- `version` (or `hang`: never tells); `token` (the only one accepted: 4018 without one,
  107 with another, 105 with a short one; kept as a digest, so that a search for it
  finds real leaks only)
- `max_sessions` (agents at once with one token; one more gets 108); `one_endpoint`
  (a second one meanwhile gets 334); `post_error` (`334`, `320`); `post`/`delete`:
  `hang`; `get`: `fail`; `die_after_s`; `ignores_term`; `is_hasty` (ends before
  anybody can have read its reason)
- requests from outside: `lose` (the first N), `repeat` (each N times), `hold` (until
  the command `release`), `page` ({"status": 502, "code": "ERR_NGROK_8012"})

Commands of an agent: `go`, `die`, `down`, `up`, `move` (another URL), `release`,
`log` (line, times), `blurt` (line, a byte for each character).
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("ngrok_agent.py")
CLOUDFLARED = Path(__file__).with_name("cloudflared_agent.py")


class RunningAgent:
    """One process of the stand-in, seen from the test that owns it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._file = line.makefile("rw")
        started = self.wait_for("started")
        self.pid: int = started["pid"]
        self.argv: list[str] = started["argv"]
        self.token: str = started["token"]
        self.environ: list[str] = started["environ"]
        self.session: int = started["session"]

    def wait_for(self, event: str, timeout_s: float = 10) -> dict[str, Any]:
        """Return the next `event`, skipping others; fails when the agent ends first."""
        self._line.settimeout(timeout_s)
        for line in self._file:
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event:
                return told
        raise AssertionError(f"the agent ended before it said {event}")

    def wait_online(self) -> str:
        """Return the public URL, once there is one."""
        return str(self.wait_for("online")["url"])

    def command(self, do: str, **arguments: Any) -> None:
        """Send a command; returns when it is done (`die`: when it is received)."""
        self._file.write(json.dumps({"do": do} | arguments) + "\n")
        self._file.flush()
        if do != "die":
            self.wait_for("done")

    def wait_gone(self, timeout_s: float = 10) -> bool:
        """Return True once the process has ended; raises TimeoutError otherwise."""
        self._line.settimeout(timeout_s)
        with suppress(ConnectionResetError):
            for _ in self._file:
                pass
        return True

    def close(self) -> None:
        self._file.close()
        self._line.close()


class StandIn:
    """A program for `PYNGROK_NGROK_PATH` and everything that was started from it.

    That of `cloudflared` stands in `PATH` instead.
    """

    def __init__(self, folder: Path, name: str = "ngrok") -> None:
        self.folder = folder
        self.name = name
        self.path = write_program(folder, name)
        self.agents: list[RunningAgent] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._behaviour: dict[str, Any] = {}
        self.behave(report_port=self._listener.getsockname()[1])

    @property
    def env(self) -> dict[str, str]:
        """What a subprocess needs in its environment to use this program."""
        if self.name == "ngrok":
            return {"PYNGROK_NGROK_PATH": str(self.path)}
        return {"PATH": os.pathsep.join((str(self.folder), os.environ["PATH"]))}

    def behave(self, **behaviour: Any) -> None:
        """Configure how agents behave from now on, running ones included."""
        if "token" in behaviour:
            token = behaviour.pop("token") or ""
            digest = hashlib.sha256(token.encode()).hexdigest()
            behaviour["token_sha256"] = digest if token else None
        self._behaviour |= behaviour
        part = self.folder / "control.part"
        part.write_text(json.dumps(self._behaviour))
        part.replace(self.folder / "control.json")

    def next_agent(self, timeout_s: float = 10) -> RunningAgent:
        """Return the next agent that starts (or has), in order."""
        self._listener.settimeout(timeout_s)
        line, _ = self._listener.accept()
        self.agents.append(RunningAgent(line))
        return self.agents[-1]

    def count_started(self) -> int:
        """Return how many agents were ever started."""
        return len(list((self.folder / "agents").glob("*.json")))

    def close(self) -> None:
        for agent in self.agents:
            agent.close()
        self._listener.close()


def write_program(folder: Path, name: str) -> Path:
    """Write the program `name` into `folder`; files beside it configure it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(_wrapper(folder, PROGRAM if name == "ngrok" else CLOUDFLARED))
    path.chmod(0o700)
    return path


def _wrapper(folder: Path, program: Path) -> str:
    """Return a script that runs the stand-in with this interpreter, lean and quick."""
    command = shlex.join([sys.executable, "-I", "-S", str(program)])
    setting = f"STAND_IN_NGROK={shlex.quote(str(folder))}"
    return f'#!/bin/sh\nexport {setting}\nexec {command} "$@"\n'


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """Yield a stand-in for the ngrok agent that works until configured otherwise."""
    made = StandIn(tmp_path / "stand-in-ngrok")
    yield made
    made.close()


@pytest.fixture
def cloudflared(tmp_path: Path) -> Iterator[StandIn]:
    """Yield a stand-in for cloudflared that behaves well until configured otherwise."""
    made = StandIn(tmp_path / "stand-in-cloudflared", "cloudflared")
    yield made
    made.close()
