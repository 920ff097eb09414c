"""The callback server: a listening socket, served in the caller's event loop."""

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

from kling_cli.callbacks.http.connection import Connection, RequestHandler
from kling_cli.callbacks.http.limits import ConnectionLimiter, ServerLimits
from kling_cli.errors import UsageError

_PORTS: Final = range(65536)
_ACCEPT_BATCH: Final = 8  # connections accepted before open ones are served
_RETRY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. `failures`: unexpected exceptions, answered with a bare 500."""

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
    handler: RequestHandler,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    limits: ServerLimits | None = None,
) -> AsyncIterator[Server]:
    """Serve `handler` on a socket of its own; port 0 picks a free one.

    The socket accepts connections when the block begins. On leaving, complete requests
    are answered and all other connections are aborted.

    Raises:
        UsageError: the address cannot be used.
    """
    limits = within_descriptor_limit(limits or ServerLimits())
    with contextlib.closing(bind_socket(host, port)) as listening:
        listening.listen(limits.max_connections)
        listening.setblocking(False)
        server = Server(host=host, port=listening.getsockname()[1])
        limiter = ConnectionLimiter(limits, server.failures)
        acceptor = Acceptor(listening, limiter, partial(Connection, handler, limiter))
        acceptor.resume()
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                await acceptor.close()
                await limiter.close_all()


def within_descriptor_limit(limits: ServerLimits) -> ServerLimits:
    """Return limits whose connections need at most a third of the descriptors."""
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit == resource.RLIM_INFINITY:
        return limits
    return replace(
        limits, max_connections=min(limits.max_connections, max(1, soft_limit // 3))
    )


class Acceptor:
    """Accepts connections from a listening socket, a few at a time.

    asyncio's own accepts as many at once as may wait, and logs an error for each that
    gets no descriptor. Here an idle connection is evicted, and the rest wait in the
    system's queue.
    """

    def __init__(
        self,
        listening: socket.socket,
        limiter: ConnectionLimiter,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self._socket = listening
        self._limiter = limiter
        self._protocol_factory = protocol_factory
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Start accepting connections."""
        self._loop.add_reader(self._socket, self._accept)

    def pause(self) -> None:
        """Stop accepting connections until `resume`."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)

    async def close(self) -> None:
        """Close the socket; return when the limiter has all accepted connections."""
        self.pause()
        self._socket.close()
        await asyncio.gather(*self._handshakes)

    def _accept(self) -> None:
        for _ in range(_ACCEPT_BATCH):
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptor or memory left
                delay_s = 0.0 if self._limiter.evict_idle() else _RETRY_S
                self.pause()
                self._timer = self._loop.call_later(delay_s, self.resume)
                return
            accepted.setblocking(False)
            handshake = self._loop.create_task(self._open(accepted))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _open(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(self._protocol_factory, accepted)


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket whose connections have Nagle's algorithm disabled.

    Raises:
        UsageError: the address cannot be used.
    """
    try:
        return _create_socket(host, port)
    except OSError as exc:
        reason, *_ = str(exc.strerror or exc).split(" (while", 1)  # repeats the address
        raise UsageError(
            f"cannot listen on {host}, port {port}: {reason}",
            hint="choose another with --port, or leave it out to take a free one",
        ) from exc


def _create_socket(host: str, port: int) -> socket.socket:
    if port not in _PORTS:  # the socket module would leak its socket
        raise OSError(errno.EINVAL, "ports end at 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    # Connections inherit it; asyncio sets it only for sockets that name their protocol,
    # and without it a response on a reused connection waits 40 ms for the client's ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
