"""The door's own socket: open for as long as a `with` block, in the caller's loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from kling_cli.callbacks.connection import App, Connection
from kling_cli.callbacks.crowd import Crowd
from kling_cli.callbacks.limits import Limits
from kling_cli.errors import UsageError

_PORTS: Final = range(65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An open door. `failures` are the app's own bugs, answered with a bare 500."""

    host: str
    port: int
    failures: deque[Exception] = field(default_factory=lambda: deque(maxlen=16))

    @property
    def url(self) -> str:
        """The address on this machine, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@asynccontextmanager
async def serve(
    app: App, host: str = "127.0.0.1", port: int = 0, *, limits: Limits | None = None
) -> AsyncIterator[Server]:
    """Serve `app` on a socket of its own; port 0 takes a free one.

    The socket accepts connections when the block begins. On leaving, callbacks that
    have come in whole are answered, everything else is cut off.

    Raises:
        UsageError: The address cannot be had.
    """
    limits = limits or Limits()
    with contextlib.closing(bind_socket(host, port)) as own_socket:
        server = Server(host=host, port=own_socket.getsockname()[1])
        crowd = Crowd(limits, server.failures)
        listener = await asyncio.get_running_loop().create_server(
            partial(Connection, app, crowd),
            sock=own_socket,
            backlog=limits.connections,
        )
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                listener.close()
                await crowd.disperse()
                await listener.wait_closed()


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket whose connections send small answers at once.

    Raises:
        UsageError: The address cannot be had.
    """
    try:
        return _listening(host, port)
    except OSError as exc:
        reason, *_ = str(exc.strerror or exc).split(" (while", 1)  # says where again
        raise UsageError(
            f"cannot listen on {host}, port {port}: {reason}",
            hint="choose another with --port, or leave it out to take a free one",
        ) from exc


def _listening(host: str, port: int) -> socket.socket:
    if port not in _PORTS:  # the socket module would leave its socket open
        raise OSError(errno.EINVAL, "ports end at 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family)
    # Connections inherit it; asyncio sets it only for sockets that name their protocol,
    # and without it an answer on a kept connection waits 40 ms for the other's ack.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made
