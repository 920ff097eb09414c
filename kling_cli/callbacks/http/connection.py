"""One HTTP connection of the callback server: requests in turn, with deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from kling_cli.callbacks.events import Peer, RefusalReason, UrlMatch
from kling_cli.callbacks.http.limits import ConnectionLimiter
from kling_cli.callbacks.http.parser import (
    CONTINUE,
    NotHttpError,
    Request,
    RequestParser,
    parse_simple_request,
)
from kling_cli.callbacks.http.responses import (
    INTERNAL_ERROR,
    NOT_HTTP,
    UNAVAILABLE,
    Response,
    encode_response,
)


class Deadline:
    """A timer with one action that is cheap to postpone.

    A connection moves its deadline with every request. The loop's timer is left alone
    as long as it fires early enough; it then compares the time and starts again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0
        self._action: Callable[[], None] | None = None

    def schedule(self, at: float, action: Callable[[], None]) -> None:
        """Call `action` at the loop's time `at`, and nothing scheduled before."""
        self._at = at
        self._action = action
        if self._timer is None or self._timer.when() > at:
            self._restart()

    def cancel(self) -> None:
        """Call nothing any more, and drop the reference to the action."""
        self._action = None
        if self._timer is not None:
            self._timer.cancel()

    def _restart(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._restart()
        elif self._action is not None:
            self._action()


class RequestHandler(Protocol):
    """Decides about requests. Its unexpected exceptions are answered with a 500."""

    def check_head(self, request: Request) -> UrlMatch | Response:
        """Return the URL's match if the body is to be read, else the response."""

    def refuse(self, url_match: UrlMatch, refusal: RefusalReason) -> Response:
        """Return the response where the body of an accepted head is refused."""

    async def handle(
        self, url_match: UrlMatch, request: Request, body: bytes
    ) -> Response:
        """Return the response to a complete request."""


class Connection(asyncio.Protocol):
    """A connection of a client: any number of requests, one at a time."""

    def __init__(self, handler: RequestHandler, limiter: ConnectionLimiter) -> None:
        self._handler = handler
        self._limiter = limiter
        self._limits = limiter.limits
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop)
        self._phase_started_at = self._loop.time()  # head, response or accept
        self._peer: Peer | None = None
        self._request: Request | None = None  # until its response is complete
        self._url_match: UrlMatch | None = None  # while its body is read
        self._parser: RequestParser | None = None  # of an incomplete request
        self._body = bytearray()
        self._buffered = b""  # of the next request
        self._is_closing = False

    @property
    def is_idle(self) -> bool:
        """Whether no request is being handled: its head, if any, is incomplete."""
        return self._request is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # asyncio's own attribute: the most bytes of one read. Small, so that a body of
        # tiny chunks, slow to parse, cannot delay the other connections.
        setattr(transport, "max_size", self._limits.max_read_bytes)  # noqa: B010 -- not in the type
        name = transport.get_extra_info("peername")
        self._peer = (name[0], name[1]) if name else None
        self._deadline.schedule(
            self._phase_started_at + self._limits.head_timeout_s, self.abort
        )
        if not self._limiter.try_add(self):
            self._transport.write(encode_response(UNAVAILABLE, is_last=True))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        self._deadline.cancel()
        self._limiter.remove(self)
        if self._url_match is not None:
            self._refusal_response(self._url_match, RefusalReason.BROKEN_OFF)

    def pause_writing(self) -> None:
        """Abort on a client that sends requests and reads no responses."""
        self.abort()

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parse(self._parser, data)
        elif self._request is not None:
            self._buffered += data
            self._transport.pause_reading()
        else:
            self._start_request(data)

    def eof_received(self) -> bool:
        """Finish the request of a client that has only closed its sending half."""
        if self._request is None:
            return False
        self._is_closing = True
        if self._parser is not None:
            self._parse(self._parser, b"")
        return True

    def abort(self) -> None:
        """Close the connection at once, without a response."""
        self._transport.abort()

    def close_gracefully(self) -> None:
        """Close the connection, after the response to a complete request."""
        self._is_closing = True
        if self._request is None or self._parser is not None:
            self.abort()

    def _start_request(self, data: bytes) -> None:
        """Parse the first bytes of a request."""
        simple = parse_simple_request(data, self._peer)
        if simple is None:
            self._parser = RequestParser(self._peer, self._limits)
            self._deadline.schedule(
                self._phase_started_at + self._limits.head_timeout_s, self.abort
            )
            self._parse(self._parser, data)
            return
        self._buffered = simple.trailing_data
        url_match = self._check_head(simple.request)
        if url_match is not None:
            self._handle(url_match, simple.request, simple.body)

    def _parse(self, parser: RequestParser, data: bytes) -> None:
        """Parse further bytes of an incomplete request."""
        try:
            parser.feed(data)
            if self._request is None:
                self._parse_head(parser)
            if self._request is not None:
                self._parse_body(parser)
        except NotHttpError:
            self._reject_malformed()

    def _parse_head(self, parser: RequestParser) -> None:
        head = parser.head()
        if head is None:
            return
        self._url_match = self._check_head(head)
        if self._url_match is not None:
            self._deadline.schedule(
                self._phase_started_at + self._limits.body_timeout_s,
                self._on_body_timeout,
            )
            if parser.is_awaiting_continue:
                self._transport.write(CONTINUE)

    def _parse_body(self, parser: RequestParser) -> None:
        """Read the body as far as it has arrived; discard that of a refused request."""
        while chunk := parser.next_body_chunk():
            if self._url_match is not None:
                self._body += chunk
                if len(self._body) > self._limits.max_body_bytes:
                    self._refuse(RefusalReason.TOO_LARGE)
        if parser.is_complete:
            self._buffered, self._parser = parser.trailing_data, None
            body, self._body = bytes(self._body), bytearray()
            url_match, self._url_match = self._url_match, None
            if self._request is None or url_match is None:
                self._close()
            else:
                self._handle(url_match, self._request, body)

    def _reject_malformed(self) -> None:
        """Refuse a request that is not HTTP; close, if it has had its response."""
        self._parser = None
        if self._request is None:
            self._transport.write(encode_response(NOT_HTTP, is_last=True))
            self._close()
        elif self._url_match is None:
            self._close()
        else:
            self._refuse(RefusalReason.BROKEN_OFF)

    def _check_head(self, request: Request) -> UrlMatch | None:
        """Return the match if the body is to be read, else respond at once."""
        self._request = request
        self._phase_started_at = self._loop.time()
        try:
            decision = self._handler.check_head(request)
        except Exception as exc:  # noqa: BLE001 -- a bug of the handler, reported by the server's owner
            self._limiter.failures.append(exc)
            decision = INTERNAL_ERROR
        if isinstance(decision, UrlMatch):
            return decision
        self._respond(decision)
        return None

    def _handle(self, url_match: UrlMatch, request: Request, body: bytes) -> None:
        self._deadline.schedule(
            self._phase_started_at + self._limits.response_timeout_s, self.abort
        )
        task = self._loop.create_task(self._run_handler(url_match, request, body))
        self._limiter.handler_tasks.add(task)
        task.add_done_callback(self._limiter.handler_tasks.discard)

    async def _run_handler(
        self, url_match: UrlMatch, request: Request, body: bytes
    ) -> None:
        try:
            response = await self._handler.handle(url_match, request, body)
        except Exception as exc:  # noqa: BLE001 -- a bug of the handler, reported by the server's owner
            self._limiter.failures.append(exc)
            response = INTERNAL_ERROR
        if not self._transport.is_closing():
            self._respond(response)

    def _on_body_timeout(self) -> None:
        self._refuse(RefusalReason.TOO_SLOW)

    def _refuse(self, refusal: RefusalReason) -> None:
        url_match, self._url_match = self._url_match, None
        if url_match is not None:
            self._respond(self._refusal_response(url_match, refusal))

    def _refusal_response(
        self, url_match: UrlMatch, refusal: RefusalReason
    ) -> Response:
        try:
            return self._handler.refuse(url_match, refusal)
        except Exception as exc:  # noqa: BLE001 -- a bug of the handler, reported by the server's owner
            self._limiter.failures.append(exc)
            return INTERNAL_ERROR

    def _respond(self, response: Response) -> None:
        """Send the response; after a refusal, drain the body before closing.

        Closing a socket with unread bytes resets the connection, and the response may
        be lost: the sender would see a broken tunnel in place of a 413.
        """
        request = self._request
        is_last = (
            self._is_closing or response.is_error or request is None or request.is_last
        )
        is_body_omitted = request is not None and request.method == b"HEAD"
        self._transport.write(
            encode_response(response, is_last=is_last, is_body_omitted=is_body_omitted)
        )
        self._phase_started_at = self._loop.time()
        if not is_last:
            self._await_request()
        elif self._parser is None:
            self._close()
        else:
            self._deadline.schedule(
                self._phase_started_at + self._limits.drain_timeout_s, self._close
            )

    def _await_request(self) -> None:
        """Wait for the next request, which may have arrived already."""
        self._request = None
        self._deadline.schedule(
            self._phase_started_at + self._limits.keep_alive_timeout_s, self._close
        )
        self._transport.resume_reading()
        if self._buffered:
            data, self._buffered = self._buffered, b""
            self._start_request(data)

    def _close(self) -> None:
        """Close once the last response is sent; abort if the client does not read."""
        self._transport.close()
        self._deadline.schedule(
            self._loop.time() + self._limits.head_timeout_s, self.abort
        )
