"""The door's own socket: open for as long as a `with` block, in the caller's loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import anyio

from kling_cli.callbacks.http.connection import App, Connection
from kling_cli.callbacks.http.limits import ConnectionLimiter, Limits
from kling_cli.errors import UsageError

_PORTS: Final = range(65536)
_AT_ONCE: Final = 8  # connections taken before those that are there are served
_RETRY_S: Final = 0.1


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
    limits = affordable(limits or Limits())
    with contextlib.closing(bind_socket(host, port)) as own_socket:
        own_socket.listen(limits.connections)
        own_socket.setblocking(False)
        server = Server(host=host, port=own_socket.getsockname()[1])
        crowd = ConnectionLimiter(limits, server.failures)
        acceptor = Acceptor(own_socket, crowd, partial(Connection, app, crowd))
        acceptor.resume()
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                await acceptor.close()
                await crowd.disperse()


def affordable(limits: Limits) -> Limits:
    """Return the limits with no more connections than there are descriptors for.

    Most of those that this process may have are left to everything else.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return limits
    return replace(limits, connections=min(limits.connections, max(1, most // 3)))


class Acceptor:
    """Accepts connections from a listening socket, a few at a time.

    asyncio's own takes as many at once as may wait, and when there is no descriptor
    for one it says so on stderr for each of them. Here an idle connection makes room,
    and the rest wait in the system's queue.
    """

    def __init__(
        self,
        listening: socket.socket,
        crowd: ConnectionLimiter,
        make: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self._socket = listening
        self._crowd = crowd
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Accept connections from now on."""
        self._loop.add_reader(self._socket, self._accept)

    def pause(self) -> None:
        """Accept none until `resume`."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)

    async def close(self) -> None:
        """Close the socket, and return when who was accepted is with the crowd."""
        self.pause()
        self._socket.close()
        await asyncio.gather(*self._opening)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptor, or no memory, is left
                delay_s = 0.0 if self._crowd.make_room() else _RETRY_S
                self.pause()
                self._timer = self._loop.call_later(delay_s, self.resume)
                return
            accepted.setblocking(False)
            opening = self._loop.create_task(self._open(accepted))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(self._make, accepted)


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
