"""Serves the sandbox over HTTP on loopback, in the running event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import anyio
from starlette.applications import Starlette
from starlette.routing import Mount
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from kling_cli.errors import UsageError
from kling_cli.sandbox.callbacks import CallbackSender
from kling_cli.sandbox.control import control_routes
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.routes.api import SimulatedApi
from kling_cli.sandbox.routes.responses import ABORT
from kling_cli.sandbox.seed_data import add_seed_data
from kling_cli.sandbox.state.sandbox_state import SandboxState
from kling_cli.secret import Secret
from kling_cli.settings import ACCOUNT_SETTINGS, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
BACKLOG = 512
CLOSING_S = 0.1  # how long requests under way may take to notice the end
_LINGER_NOT = struct.pack("ii", 1, 0)  # on close: drop what is unsent, send a reset
_SILENT = logging.Logger("kling.sandbox", logging.CRITICAL + 1)  # noqa: LOG001 -- in no tree
TASK_S = 3.0  # how long a task of an embedded sandbox takes


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox: its URL, port, credentials and state."""

    base_url: str
    port: int
    api_key: str
    access_key: str
    secret_key: str
    state: SandboxState


@asynccontextmanager
async def serve_sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Serve until left; then every connection is closed and no callback is sent.

    Raises:
        UsageError: a port is taken, or a fault is not of the grammar.
    """
    with _listening(options) as sock:
        port = sock.getsockname()[1]
        state = SandboxState(options, base_url=f"http://{HOST}:{port}")
        if options.has_seed_data:
            add_seed_data(state)
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            sender = CallbackSender(state, group)
            stack.push_async_callback(sender.aclose)
            api = Mount("/", app=SimulatedApi(state, sender))
            app = Starlette(routes=[*control_routes(state), api])
            await stack.enter_async_context(_accepting(sock, app))
            keys = state.keys
            yield Sandbox(
                base_url=state.base_url,
                port=port,
                api_key=keys.api_key,
                access_key=keys.access_key,
                secret_key=keys.secret_key,
                state=state,
            )


def _listening(options: SandboxOptions) -> socket.socket:
    """Return a listening socket on the first of the ports wanted that is free."""
    for port in (options.port, options.fallback_port):
        if port is None:
            continue
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited
        try:
            sock.bind((HOST, port))
            sock.listen(BACKLOG)  # two may bind before either listens
        except OSError:
            sock.close()
        else:
            return sock
    raise UsageError(
        f"port {options.port} of {HOST} is taken",
        hint="choose another with --port, or 0 for any that is free",
    )


class _Connection(H11Protocol):
    """One HTTP connection that logs nothing and can be aborted."""

    def __init__(self, config: Config, server_state: ServerState) -> None:
        super().__init__(config, server_state, {})
        self.logger = self.access_logger = _SILENT
        self.access_log = False

    def abort(self, is_reset: bool) -> None:
        """Close now: with a reset, or once what was written has gone out."""
        if not is_reset:
            self.transport.close()
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()


class _AbortMiddleware:
    """Middleware that puts into each request's scope what aborts its connection."""

    def __init__(self, app: ASGIApp, server_state: ServerState) -> None:
        self._app = app
        self._server_state = server_state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for connection in self._server_state.connections:
            mine = cast("_Connection", connection)
            if mine.client == scope["client"]:
                scope[ABORT] = mine.abort
        await self._app(scope, receive, send)


@asynccontextmanager
async def _accepting(sock: socket.socket, app: ASGIApp) -> AsyncIterator[None]:
    """Serve `app` on `sock` with uvicorn's protocol, not its signals."""
    server_state = ServerState()
    config = Config(
        _AbortMiddleware(app, server_state), log_config=None, lifespan="off", ws="none"
    )
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(config, server_state), sock=sock, backlog=BACKLOG
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(server_state.connections):
            connection.transport.abort()
        tasks = list(server_state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_S)
            for task in late:
                task.cancel()


@asynccontextmanager
async def embedded_sandbox(settings: Settings) -> AsyncIterator[Settings]:
    """Serve a sandbox; yield the settings that lead to it, whatever account there is.

    Callbacks are signed with the webhook secrets of the settings.
    """
    options = SandboxOptions(
        task_seconds=TASK_S,
        has_seed_data=True,
        webhook_secrets=tuple(each.reveal() for each in settings.webhook_secrets),
    )
    problems = settings.problems.items()
    async with serve_sandbox(options) as sandbox:
        yield replace(
            settings,
            api_base=sandbox.base_url,
            api_key=Secret(sandbox.api_key),
            access_key=None,
            secret_key=None,
            credentials_problem=None,
            problems={
                name: each for name, each in problems if name not in ACCOUNT_SETTINGS
            },
        )
