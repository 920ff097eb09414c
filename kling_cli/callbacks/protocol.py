"""uvicorn's connection, fit for a public socket: deadlines, a bounded crowd, silence.

uvicorn bounds neither the time of a head or a body nor the number of connections, and
it logs paths, which are secrets here. All of that is added in this one place.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, cast

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from kling_cli.callbacks.limits import Limits

_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
# Registered nowhere, so that nobody's settings can make it speak.
_SILENT: Final = logging.Logger("kling.door")  # noqa: LOG001 -- see above
_SILENT.disabled = True


class Crowd(ServerState):
    """All connections of one server, in the order of their coming."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self.present: dict[DoorProtocol, None] = {}
        self._left = asyncio.Event()

    def has_room_for(self, newcomer: DoorProtocol) -> bool:
        """Let a connection in if the oldest that wants nothing can be sent away for it.

        So a crowd of idle strangers never keeps a genuine callback out.
        """
        if len(self.present) >= self.limits.connections:
            idle = next((one for one in self.present if one.is_idle), None)
            if idle is None:
                return False
            idle.cut()
        self.present[newcomer] = None
        return True

    def forget(self, gone: DoorProtocol) -> None:
        self.present.pop(gone, None)
        self._left.set()

    async def wait_until_empty(self) -> None:
        while self.connections:
            self._left.clear()
            await self._left.wait()


class DoorProtocol(H11Protocol):
    """One connection, with a deadline running at every moment of its life."""

    def __init__(self, config: Config, crowd: Crowd) -> None:
        super().__init__(config, crowd, {}, asyncio.get_running_loop())
        self.logger = _SILENT
        self.access_log = False
        self._crowd = crowd
        self._deadline = self.loop.call_later(crowd.limits.head_s, self.cut)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered: its head, if any, is incomplete."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_reading(self) -> bool:
        """Whether a request's body has not come in whole."""
        return not self.is_idle and self.cycle.more_body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        # asyncio's own attribute: how much one read may bring. Small, so that a body of
        # tiny chunks, slow to parse, cannot hold up everybody else.
        setattr(stream, "max_size", self._crowd.limits.read_bytes)  # noqa: B010 -- not in the type
        super().connection_made(stream)
        if not self._crowd.has_room_for(self):
            stream.write(_BUSY)
            stream.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._deadline.cancel()
        self._crowd.forget(self)

    def eof_received(self) -> bool:  # type: ignore[override]  # -- asyncio allows it
        """Answer a sender that has only closed its own half."""
        if self.is_idle:
            return False
        self.cycle.keep_alive = False
        if self.is_reading:
            self.data_received(b"")  # to h11 the end of the stream: a body too short
        return True

    def send_400_response(self, msg: str) -> None:
        """Answer nonsense, or hang up when another answer is already under way.

        The app must hear of it at once: uvicorn would let it answer a second time.
        """
        if self.is_idle or not self.cycle.response_started:
            super().send_400_response(msg)
        self.transport.close()
        if not self.is_idle:
            self.cycle.disconnected = True

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._end_in(self._crowd.limits.answer_s)

    def on_response_complete(self) -> None:
        self._end_in(self._crowd.limits.head_s)
        super().on_response_complete()

    def cut(self) -> None:
        """End the connection now, whatever is under way."""
        self._crowd.forget(self)
        self.transport.abort()

    def leave(self) -> None:
        """End the connection, after the answer if a whole request is being answered."""
        if self.is_idle or self.is_reading:
            self.cut()
        else:
            self.cycle.keep_alive = False

    def _end_in(self, seconds: float) -> None:
        self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.cut)
