"""The ngrok provider: pyngrok in a thread of its own, seen from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

import anyio

from kling_cli.errors import TunnelError, UsageError
from kling_cli.secret import Secret
from kling_cli.settings import Settings
from kling_cli.tunnels.ngrok.thread import NgrokThread, TunnelRequest
from kling_cli.tunnels.provider import Tunnel, TunnelEvent, TunnelState

# A command without a tunnel must have submitted within 8 s of its start.
STARTUP_TIMEOUT_S = 7.0
_STOP_S = 2.5  # for an orderly end; then the agent is killed
_JOIN_S = 2.0  # for the thread, once its agent is gone


class NgrokProvider:
    """Opens tunnels with the ngrok agent of this machine.

    `authtoken` None means the one in the person's own `ngrok.yml`. An agent left by a
    killed run is ended first: its session may be the only one the account has.
    """

    name = "ngrok"

    def __init__(
        self,
        state_dir: Path,
        *,
        ngrok_path: str | None = None,
        authtoken: Secret | None = None,
        startup_timeout_s: float = STARTUP_TIMEOUT_S,
    ) -> None:
        self._state_dir = state_dir
        self._ngrok_path = ngrok_path
        self._authtoken = authtoken
        self._startup_timeout_s = startup_timeout_s

    @classmethod
    def from_settings(cls, settings: Settings) -> NgrokProvider:
        """Return the provider for these settings.

        Raises:
            TunnelError: the token in them is nonsense.
        """
        try:
            settings.require("ngrok_authtoken")
        except UsageError as exc:
            raise TunnelError(exc.message, hint=exc.hint) from exc
        return cls(
            settings.state_dir,
            ngrok_path=settings.ngrok_path,
            authtoken=settings.ngrok_authtoken,
        )

    def open(self, port: int) -> AbstractAsyncContextManager[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        Gives up within `startup_timeout_s`. Leaving takes a moment, and no more than
        five seconds with an agent that does not answer.

        Raises: `TunnelTakenError`, `TunnelError`.
        """
        return self._open(port)

    @asynccontextmanager
    async def _open(self, port: int) -> AsyncIterator[Tunnel]:
        request = TunnelRequest(
            port=port,
            state_dir=self._state_dir,
            ngrok_path=self._ngrok_path,
            authtoken=self._authtoken,
            timeout_s=self._startup_timeout_s,
        )
        tunnel = _NgrokTunnel(request, asyncio.get_running_loop())
        try:
            await tunnel.start(self._startup_timeout_s)
            yield tunnel
        finally:
            await tunnel.close()


class _NgrokTunnel:
    """A tunnel, seen from the event loop; the thread reports to it."""

    def __init__(self, request: TunnelRequest, loop: asyncio.AbstractEventLoop) -> None:
        self._opening: asyncio.Future[None] = loop.create_future()
        self._ended = asyncio.Event()
        self._events: asyncio.Queue[TunnelEvent | None] = asyncio.Queue()
        self._state: TunnelState = "up"
        self._public_url = ""
        self._thread = NgrokThread(request, _LoopObserver(self, loop))

    @property
    def public_url(self) -> str:
        return self._public_url

    async def events(self) -> AsyncIterator[TunnelEvent]:
        while (event := await self._events.get()) is not None:
            yield event
        self._events.put_nowait(None)  # whoever asks again is told the same

    async def start(self, timeout_s: float) -> None:
        """Return when the tunnel is open.

        Raises: `TunnelError` when it does not open in time.
        """
        self._thread.start()
        with anyio.move_on_after(timeout_s):
            await self._opening
            return
        last_error = self._thread.last_error
        raise TunnelError(
            f"ngrok did not come up within {timeout_s:g} s"
            + (f": {last_error}" if last_error else ""),
            hint="see whether this network lets ngrok out, or use --callback off",
        )

    async def close(self) -> None:
        """End the tunnel in order if it was open, in any case for certain."""
        is_orderly = bool(self._public_url) and self._state != "died"
        self._state = "died"
        with anyio.CancelScope(shield=True):
            if is_orderly:
                self._thread.stop()
                with anyio.move_on_after(_STOP_S):
                    await self._ended.wait()
            self._thread.kill()
            with anyio.move_on_after(_JOIN_S):
                await self._ended.wait()
        self._events.put_nowait(None)

    def opened(self, public_url: str) -> None:
        self._public_url = public_url  # before any event of it
        if not self._opening.done():
            self._opening.set_result(None)

    def failed(self, error: Exception) -> None:
        if not self._opening.done():
            self._opening.set_exception(error)
            self._opening.exception()  # or asyncio prints it when nobody asks

    def changed(self, state: Literal["up", "down", "died"], text: str) -> None:
        """Emit an event if this is a change; nothing follows `died`."""
        if self._state == "died":
            return
        if state == "up":
            self._handle_up(text)
        elif state != self._state:
            self._emit(state, text)
        if state == "died":
            self._events.put_nowait(None)

    def ended(self) -> None:
        self._ended.set()

    def _handle_up(self, public_url: str) -> None:
        if public_url != self._public_url:
            self._public_url = public_url
            self._emit("moved", None)
        elif self._state == "down":
            self._emit("up", None)

    def _emit(self, state: TunnelState, detail: str | None) -> None:
        self._state = state
        self._events.put_nowait(TunnelEvent(state, self._public_url, detail))


class _LoopObserver:
    """Passes the thread's reports on to the event loop, while there is one."""

    def __init__(self, tunnel: _NgrokTunnel, loop: asyncio.AbstractEventLoop) -> None:
        self._tunnel = tunnel
        self._loop = loop

    def opened(self, public_url: str) -> None:
        self._call(self._tunnel.opened, public_url)

    def failed(self, error: Exception) -> None:
        self._call(self._tunnel.failed, error)

    def changed(self, state: Literal["up", "down", "died"], text: str) -> None:
        self._call(self._tunnel.changed, state, text)

    def ended(self) -> None:
        self._call(self._tunnel.ended)

    def _call(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(method, *arguments)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return
