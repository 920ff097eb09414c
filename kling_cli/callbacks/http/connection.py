"""One deadline at a time, cheap to move further away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from kling_cli.callbacks.events import Peer, RefusalReason, UrlMatch
from kling_cli.callbacks.http.limits import ConnectionLimiter
from kling_cli.callbacks.http.parser import (
    GO_ON,
    NotHttpError,
    Request,
    RequestParser,
    parse_plain_request,
)
from kling_cli.callbacks.http.responses import BROKEN, BUSY, NOT_HTTP, Response, wire


class Deadline:
    """Calls what it was set to last, once its time has come, unless it is ended.

    A connection moves its deadline with every request; the loop's timer is left where
    it is as long as it rings early enough, and then looks again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0
        self._action: Callable[[], None] | None = None

    def set(self, at: float, action: Callable[[], None]) -> None:
        """Do `action` at the loop's time `at`, and nothing else that was set before."""
        self._at = at
        self._action = action
        if self._timer is None or self._timer.when() > at:
            self._rearm()

    def end(self) -> None:
        """Do nothing any more, and let go of whoever set it."""
        self._action = None
        if self._timer is not None:
            self._timer.cancel()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._rearm()
        elif self._action is not None:
            self._action()


class App(Protocol):
    """Whoever decides what comes in. Its own bugs are answered with a bare 500."""

    def admit(self, request: Request) -> UrlMatch | Response:
        """Return what the body of `request` is wanted for, or the answer without it."""

    def refuse(self, door: UrlMatch, refusal: RefusalReason) -> Response:
        """Return the answer to an admitted request whose body did not come in."""

    async def take(self, door: UrlMatch, request: Request, raw: bytes) -> Response:
        """Return the answer to an admitted request with its whole body."""


class Connection(asyncio.Protocol):
    """From a stranger's coming to his going; any number of requests, one at a time."""

    def __init__(self, app: App, crowd: ConnectionLimiter) -> None:
        self._app = app
        self._crowd = crowd
        self._limits = crowd.limits
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop)
        self._since = self._loop.time()  # of the last answer, or the coming
        self._peer: Peer | None = None
        self._request: Request | None = None  # that is not answered to its end
        self._door: UrlMatch | None = None  # what its body is wanted for
        self._reading: RequestParser | None = None  # of what has not come in whole
        self._body = bytearray()
        self._rest = b""  # came in before its turn
        self._is_leaving = False

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered: its head, if any, is incomplete."""
        return self._request is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # asyncio's own attribute: how much one read may bring. Small, so that a body of
        # tiny chunks, slow to parse, cannot hold up everybody else.
        setattr(transport, "max_size", self._limits.read_bytes)  # noqa: B010 -- not in the type
        name = transport.get_extra_info("peername")
        self._peer = (name[0], name[1]) if name else None
        self._deadline.set(self._since + self._limits.head_s, self.cut)
        if not self._crowd.has_room_for(self):
            self._transport.write(wire(BUSY, is_last=True))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        self._deadline.end()
        self._crowd.lose(self)
        if self._door is not None:
            self._refused(self._door, RefusalReason.BROKEN_OFF)

    def pause_writing(self) -> None:
        """Hang up on somebody who asks and asks and reads no answer."""
        self.cut()

    def data_received(self, data: bytes) -> None:
        if self._reading is not None:
            self._read(self._reading, data)
        elif self._request is not None:
            self._rest += data
            self._transport.pause_reading()
        else:
            self._begin(data)

    def eof_received(self) -> bool:
        """Answer a sender that has only closed its own half."""
        if self._request is None:
            return False
        self._is_leaving = True
        if self._reading is not None:
            self._read(self._reading, b"")
        return True

    def cut(self) -> None:
        """End the connection now, whatever is under way."""
        self._transport.abort()

    def leave(self) -> None:
        """End the connection, after the answer if a whole request is being answered."""
        self._is_leaving = True
        if self._request is None or self._reading is not None:
            self.cut()

    def _begin(self, data: bytes) -> None:
        """Read what stands at the beginning of a request."""
        plain = parse_plain_request(data, self._peer)
        if plain is None:
            self._reading = RequestParser(self._peer, self._limits)
            self._deadline.set(self._since + self._limits.head_s, self.cut)
            self._read(self._reading, data)
            return
        self._rest = plain.rest
        door = self._admit(plain.request)
        if door is not None:
            self._take(door, plain.request, plain.body)

    def _read(self, reading: RequestParser, data: bytes) -> None:
        """Read on in a request that did not come in whole."""
        try:
            reading.feed(data)
            if self._request is None:
                self._read_head(reading)
            if self._request is not None:
                self._read_body(reading)
        except NotHttpError:
            self._fail()

    def _read_head(self, reading: RequestParser) -> None:
        head = reading.head()
        if head is None:
            return
        self._door = self._admit(head)
        if self._door is not None:
            self._deadline.set(self._since + self._limits.body_s, self._be_too_slow)
            if reading.is_waiting_to_go_on:
                self._transport.write(GO_ON)

    def _read_body(self, reading: RequestParser) -> None:
        """Take the body as far as it has come in, nothing of one that is not wanted."""
        while piece := reading.piece():
            if self._door is not None:
                self._body += piece
                if len(self._body) > self._limits.body_bytes:
                    self._refuse(RefusalReason.TOO_LARGE)
        if reading.is_whole:
            self._rest, self._reading = reading.rest, None
            raw, self._body = bytes(self._body), bytearray()
            door, self._door = self._door, None
            if self._request is None or door is None:
                self._close()
            else:
                self._take(door, self._request, raw)

    def _fail(self) -> None:
        """Answer nonsense, or hang up when it has been answered already."""
        self._reading = None
        if self._request is None:
            self._transport.write(wire(NOT_HTTP, is_last=True))
            self._close()
        elif self._door is None:
            self._close()
        else:
            self._refuse(RefusalReason.BROKEN_OFF)

    def _admit(self, request: Request) -> UrlMatch | None:
        """Ask whether the body is wanted, and answer at once if not."""
        self._request = request
        self._since = self._loop.time()
        try:
            verdict = self._app.admit(request)
        except Exception as exc:  # noqa: BLE001 -- the app's bug, seen by its owner
            self._crowd.failures.append(exc)
            verdict = BROKEN
        if isinstance(verdict, UrlMatch):
            return verdict
        self._answer(verdict)
        return None

    def _take(self, door: UrlMatch, request: Request, raw: bytes) -> None:
        self._deadline.set(self._since + self._limits.answer_s, self.cut)
        task = self._loop.create_task(self._app.take(door, request, raw))
        self._crowd.tasks.add(task)
        task.add_done_callback(self._taken)

    def _taken(self, task: asyncio.Task[Response]) -> None:
        self._crowd.tasks.discard(task)
        if task.cancelled():
            return
        bug = task.exception()
        if isinstance(bug, Exception):
            self._crowd.failures.append(bug)
        if not self._transport.is_closing():
            self._answer(task.result() if bug is None else BROKEN)

    def _be_too_slow(self) -> None:
        self._refuse(RefusalReason.TOO_SLOW)

    def _refuse(self, refusal: RefusalReason) -> None:
        door, self._door = self._door, None
        if door is not None:
            self._answer(self._refused(door, refusal))

    def _refused(self, door: UrlMatch, refusal: RefusalReason) -> Response:
        try:
            return self._app.refuse(door, refusal)
        except Exception as exc:  # noqa: BLE001 -- the app's bug, seen by its owner
            self._crowd.failures.append(exc)
            return BROKEN

    def _answer(self, answer: Response) -> None:
        """Send the answer; after a refusal, let the rest of the body come first.

        Closing a socket with unread bytes resets the connection, and the answer may be
        lost with it: the sender would see a broken tunnel where a 413 was meant.
        """
        request = self._request
        is_last = (
            self._is_leaving or answer.is_refusal or request is None or request.is_last
        )
        is_bare = request is not None and request.method == b"HEAD"
        self._transport.write(wire(answer, is_last=is_last, is_bare=is_bare))
        self._since = self._loop.time()
        if not is_last:
            self._go_on()
        elif self._reading is None:
            self._close()
        else:
            self._deadline.set(self._since + self._limits.linger_s, self._close)

    def _go_on(self) -> None:
        """Be ready for the next request, which may have come in already."""
        self._request = None
        self._deadline.set(self._since + self._limits.keep_alive_s, self._close)
        self._transport.resume_reading()
        if self._rest:
            data, self._rest = self._rest, b""
            self._begin(data)

    def _close(self) -> None:
        """End the connection once the last answer has been sent, or not been read."""
        self._transport.close()
        self._deadline.set(self._loop.time() + self._limits.head_s, self.cut)
