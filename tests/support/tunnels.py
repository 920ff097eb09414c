"""Every tunnel provider behind one face, for the scenarios that hold for all of them.

    def test_something(tunnel: TunnelStandIn) -> None:
        tunnel.break_start("silent")
        run("kling", ..., *tunnel.args, env=tunnel.env)
        assert tunnel.is_gone()

ngrok and cloudflared are stand-in programs, ssh is a real server on loopback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import anyio

from kling_cli.tunnels.provider import Tunnel, TunnelEvent
from tests.support.agent import RunningAgent, StandIn
from tests.support.ssh_server import SshServer, ssh_server

NAMES = ("ngrok", "cloudflared", "ssh")
# How each can fail to start; `missing` is for agents only.
FAILURES = {
    "ngrok": ("silent", "exit", "4018", "108", "334", "missing"),
    "cloudflared": ("silent", "exit", "429", "missing"),
    "ssh": ("silent", "exit", "unknown key", "other key", "login", "forward"),
}


class TunnelStandIn(Protocol):
    """What a scenario needs of a provider."""

    @property
    def args(self) -> tuple[str, ...]:
        """The options that choose it."""

    @property
    def env(self) -> dict[str, str]:
        """What `kling` needs in its environment to find it."""

    def break_start(self, how: str) -> None:
        """Let the next tunnel not come up, in one of the ways of `FAILURES`."""

    def wait_started(self) -> None:
        """Return when a run has begun to open a tunnel, silent or not."""

    def wait_online(self) -> str:
        """Return the public URL, once there is one."""

    def lose(self) -> None:
        """Break the open tunnel; it does not come back by itself."""

    def is_gone(self) -> bool:
        """Return whether nothing is left of the last tunnel, after a moment."""

    def count_opened(self) -> int:
        """Return how many tunnels were ever begun."""


class AgentStandIn:
    """A provider that runs an agent."""

    def __init__(self, folder: Path, name: str) -> None:
        self.stand_in = StandIn(folder, name)
        self.args = ("--tunnel", name)
        self.env = self.stand_in.env
        self._agent: RunningAgent | None = None

    @property
    def agent(self) -> RunningAgent:
        """The last agent that was started."""
        if self._agent is None:
            self._agent = self.stand_in.next_agent()
        return self._agent

    def break_start(self, how: str) -> None:
        if how == "missing":
            self.stand_in.path.unlink()
        elif how == "334":
            self.stand_in.behave(post_error=how)
        else:
            self.stand_in.behave(start=how)

    def wait_started(self) -> None:
        self._agent = None
        assert self.agent.pid

    def wait_online(self) -> str:
        return self.agent.wait_online()

    def lose(self) -> None:
        self.agent.command("die")

    def is_gone(self) -> bool:
        return self.agent.wait_gone()

    def count_opened(self) -> int:
        return self.stand_in.count_started()


class SshStandIn:
    """The ssh provider's server."""

    env: dict[str, str] = {}  # noqa: RUF012 -- nothing is needed, nothing is added

    def __init__(self, server: SshServer) -> None:
        self.server = server
        server.welcome()

    @property
    def args(self) -> tuple[str, ...]:
        return ("--tunnel", self.server.address)

    def break_start(self, how: str) -> None:
        ways: dict[str, Callable[[], None]] = {
            "silent": self._be_silent,
            "exit": self.server.stop,
            "unknown key": (self.server.home / "known_hosts").unlink,
            "other key": self.server.change_key,
            "login": lambda: setattr(self.server, "takes_logins", False),
            "forward": lambda: setattr(self.server, "takes_forwards", False),
        }
        ways[how]()

    def wait_started(self) -> None:
        server = self.server
        server.wait_until(lambda: bool(server.connections or server.n_ignored))

    def wait_online(self) -> str:
        self.server.wait_until(lambda: self.server.forwarded > 0)
        return f"http://127.0.0.1:{self.server.last_port}"

    def lose(self) -> None:
        self.server.stop()

    def is_gone(self) -> bool:
        server = self.server
        server.wait_until(lambda: not (server.connections or server.n_ignored))
        return True

    def count_opened(self) -> int:
        return self.server.forwarded

    def _be_silent(self) -> None:
        self.server.stop()
        self.server.is_silent = True
        self.server.start()


@contextmanager
def serve_tunnel(name: str, folder: Path, home: Path) -> Iterator[TunnelStandIn]:
    """Make the stand-in of a provider; `home` is that of the runs under test."""
    if name == "ssh":
        with ssh_server(home) as server:
            yield SshStandIn(server)
        return
    made = AgentStandIn(folder / f"stand-in-{name}", name)
    try:
        yield made
    finally:
        made.stand_in.close()


class OpenedTunnel:
    """An open tunnel, its agent, and its next event with a deadline."""

    def __init__(self, tunnel: Tunnel, agent: RunningAgent) -> None:
        self.tunnel = tunnel
        self.agent = agent
        self._events = tunnel.events()

    async def next_event(self) -> TunnelEvent | None:
        with anyio.fail_after(10):
            return await anext(self._events, None)
