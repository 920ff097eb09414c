"""Fetching one file over HTTP: whole or not at all, resumed after a break."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kling_cli.api.http import httpx
from kling_cli.clock import Clock
from kling_cli.errors import NotSavedError
from kling_cli.jobs.content import HEAD_BYTES, complaint
from kling_cli.jobs.part import NoRecords, PartialFile, PartialRecords
from kling_cli.jobs.schedule import retry_s

MOST_BREAKS = 9  # in a row without a new byte: about half a minute
MOST_WRONG = 4  # answers that are no file at all
EXPIRED = frozenset({401, 403, 404, 410})
_UNSATISFIABLE = httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
_BRINGING = frozenset({httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, _UNSATISFIABLE})
_RANGE = re.compile(
    r"bytes (?P<start>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18}|\*)"
)
_JSON = "application/json"
_PAGE_KINDS = frozenset({"text/html", _JSON, "application/xml", "text/xml"})
_PLAIN = frozenset({"", "identity"})
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})
_PIECE_BYTES = 1 << 20
_ANY_ZLIB_HEADER = 32 + zlib.MAX_WBITS


class BrokenDownloadError(Exception):
    """An attempt ended early; another may go on from here."""


class WrongContentError(BrokenDownloadError):
    """What came is not the file, whatever its status said."""


class ExpiredLinkError(BrokenDownloadError):
    """The link is no longer valid; the API gives a new one."""


class StartOverError(BrokenDownloadError):
    """What was received so far does not belong to what the server has now."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes of a file an answer brings: from `start` to before `end`.

    `end` and `total_bytes` are None where the answer does not say.
    """

    start: int
    end: int | None
    total_bytes: int | None


@dataclass(slots=True, kw_only=True)
class Download:
    """One file on its way. `renew` asks the API for a fresh URL.

    `on_bytes` is told the bytes so far and the announced total; `on_break` the reason
    and the pause before the next try; `on_resume` what an earlier run has left, when
    that is gone on with. `output_type` is what the file must turn out to be; `records`
    is where its partial file is written down. A body that came compressed may have
    `most_decoded_bytes`.
    """

    http: httpx.AsyncClient
    clock: Clock
    url: str
    renew: Callable[[], Awaitable[str | None]]
    on_bytes: Callable[[int, int | None], None]
    on_break: Callable[[str, float], None]
    output_type: str
    on_resume: Callable[[int, int | None], None] = lambda *_: None
    records: PartialRecords = field(default_factory=NoRecords)
    most_decoded_bytes: int = 1 << 30
    _done_bytes: int = 0
    _total_bytes: int | None = None
    _etag: str | None = None

    async def save(self, target: Path, *, is_forced: bool) -> Path:
        """Save under `target`, or under the first free name unless forced.

        What came is kept for the next run where it is written down; see `PartialFile`.

        Raises:
            NotSavedError: the bytes cannot be had, or the disk does not take them.
        """
        try:
            with PartialFile(target, self.records) as part:
                self._resume(part)
                if not self._done_bytes or self._done_bytes != self._total_bytes:
                    await self._fetch(part)
                return part.put_in_place(is_forced=is_forced)
        except OSError as exc:
            raise NotSavedError(
                f"{target} could not be written: {exc.strerror or exc}",
                hint="make room or choose another place with --output",
            ) from exc

    def _resume(self, part: PartialFile) -> None:
        """Go on where an earlier run has stopped, if what it left is of this file."""
        kept = part.resume()
        if kept is None:
            return
        record, first = kept
        size = part.size_bytes
        is_too_long = record.total_bytes is not None and size > record.total_bytes
        if is_too_long or complaint(self.output_type, first) is not None:
            part.discard()
            return
        self._done_bytes = size
        self._etag, self._total_bytes = record.etag, record.total_bytes
        self.on_resume(size, record.total_bytes)

    async def _fetch(self, part: PartialFile) -> None:
        breaks, furthest = 0, self._done_bytes
        while True:
            try:
                await self._attempt(part)
            except (httpx.HTTPError, BrokenDownloadError) as exc:
                is_new = self._done_bytes > furthest
                is_wrong = isinstance(exc, WrongContentError)
                breaks = 1 if is_new and not is_wrong else breaks + 1
                furthest = max(furthest, self._done_bytes)
                await self._recover(exc, breaks)
            else:
                return

    async def _attempt(self, part: PartialFile) -> None:
        _require_web_address(self.url)
        headers = {"Accept-Encoding": "identity"}
        if self._done_bytes:
            headers["Range"] = f"bytes={self._done_bytes}-"
            if self._etag and not self._etag.startswith("W/"):  # RFC 9110, 13.1.5
                headers["If-Range"] = self._etag
        async with self.http.stream(
            "GET", self.url, headers=headers, follow_redirects=True
        ) as response:
            is_json = self.output_type == "tracking"
            _check_head(response, is_json=is_json)
            span = self._begin(response, part)
            first = b""
            async for chunk in _decoded(response, self.most_decoded_bytes):
                if self._done_bytes:
                    self._take(chunk, span, part)
                    continue
                first += chunk
                if len(first) >= HEAD_BYTES:
                    self._take_first(first, span, part)
            if not self._done_bytes:
                self._take_first(first, span, part)
        if self._total_bytes is not None and self._done_bytes != self._total_bytes:
            raise BrokenDownloadError(
                f"{self._done_bytes} bytes came, {self._total_bytes} were announced"
            )

    def _take_first(self, first: bytes, span: Span, part: PartialFile) -> None:
        """Take the first bytes of the file, which must be those of its kind."""
        if (why := complaint(self.output_type, first)) is not None:
            raise WrongContentError(why)
        self._take(first, span, part)

    def _take(self, chunk: bytes, span: Span, part: PartialFile) -> None:
        """Add bytes to the file, never more than were announced."""
        room = None if span.end is None else span.end - self._done_bytes
        if room is not None and len(chunk) > room:
            self._start_over(part)
            raise StartOverError("the server sent more than it had announced")
        part.write(chunk)
        self._done_bytes += len(chunk)
        self.on_bytes(self._done_bytes, self._total_bytes)

    def _begin(self, response: httpx.Response, part: PartialFile) -> Span:
        """Check that the answer goes on where we stopped, or begin the file anew."""
        span = _span(response)
        etag = response.headers.get("etag")
        if _encoding(response) not in _PLAIN:
            span, etag = Span(0, None, None), None  # those are of the coded bytes
        if response.status_code == httpx.codes.OK:
            self._start_over(part)
        elif not self._is_continuation(span, etag):
            self._start_over(part)
            raise StartOverError("the file on the server has changed")
        assert span is not None  # noqa: S101 -- it was looked at
        self._etag, self._total_bytes = etag, span.total_bytes
        if not self._done_bytes:
            part.begin(etag, span.total_bytes)
        return span

    def _is_continuation(self, span: Span | None, etag: str | None) -> bool:
        """Return whether an answer goes on with the part we have."""
        if span is None or span.start != self._done_bytes:
            return False
        total_bytes = span.total_bytes
        known = ((self._etag, etag), (self._total_bytes, total_bytes))
        return all(None in pair or pair[0] == pair[1] for pair in known)

    def _start_over(self, part: PartialFile) -> None:
        if self._done_bytes:
            part.begin(None, None)
        self._done_bytes, self._etag, self._total_bytes = 0, None, None

    async def _recover(self, why: Exception, breaks: int) -> None:
        reason = str(why) or type(why).__name__
        most = MOST_WRONG if isinstance(why, WrongContentError) else MOST_BREAKS
        if breaks >= most:
            raise NotSavedError(f"the file could not be fetched: {reason}") from why
        pause_s = retry_s(breaks, base_s=0.25, max_s=8.0)
        self.on_break(reason, pause_s)
        await self.clock.sleep(pause_s)
        if isinstance(why, ExpiredLinkError):
            self.url = await self.renew() or self.url


def _require_web_address(url: str) -> None:
    try:
        parsed = httpx.URL(url)
        is_address = parsed.scheme in ("http", "https") and bool(parsed.host)
    except (httpx.InvalidURL, ValueError):
        is_address = False
    if not is_address:
        raise NotSavedError("the API gave a link that is no web address")


def _check_head(response: httpx.Response, *, is_json: bool) -> None:
    """Raise what an answer that brings no file means."""
    status = response.status_code
    if status in EXPIRED:
        raise ExpiredLinkError(f"the link answered {status}")
    if status not in _BRINGING:
        raise BrokenDownloadError(f"the server answered {status}")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_meant = is_json and kind == _JSON
    if status != _UNSATISFIABLE and kind in _PAGE_KINDS and not is_meant:
        raise WrongContentError(f"the server sent {kind}, not a file")
    is_partial = status == httpx.codes.PARTIAL_CONTENT
    encoding = _encoding(response)
    if encoding not in _PLAIN and (is_partial or encoding not in _ZIPPED):
        raise WrongContentError(f"the server sent {encoding or 'odd'} coded bytes")


def _encoding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "")).strip().lower()


def _span(response: httpx.Response) -> Span | None:
    """Return which bytes an answer brings; None where it cannot be known."""
    if response.status_code == httpx.codes.OK:
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        return Span(0, total, total)
    said = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if said is None or response.status_code == _UNSATISFIABLE:
        return None
    start, end = int(said["start"]), int(said["last"]) + 1
    total = None if said["total"] == "*" else int(said["total"])
    is_sound = start < end and (total is None or end <= total)
    return Span(start, end, total) if is_sound else None


async def _decoded(response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body as the file has it: compressed bytes are decoded, in pieces.

    Raises:
        WrongContentError: they cannot be decoded, or come to far too many.
    """
    if _encoding(response) in _PLAIN:
        async for chunk in response.aiter_raw():
            yield chunk
        return
    decoder, done_bytes = zlib.decompressobj(_ANY_ZLIB_HEADER), 0
    async for chunk in response.aiter_raw():
        for piece in _pieces(decoder, chunk):
            done_bytes += len(piece)
            if done_bytes > most_bytes:
                raise WrongContentError("the server sent far too many bytes")
            yield piece
    if not decoder.eof:
        raise BrokenDownloadError("the compressed file is not complete")


def _pieces(decoder: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    """Yield what a chunk holds, never more than a piece at a time in memory."""
    is_more = True
    while is_more:
        try:
            piece = decoder.decompress(chunk, _PIECE_BYTES)
        except zlib.error as exc:
            raise WrongContentError(
                f"the server's bytes cannot be decoded: {exc}"
            ) from exc
        chunk = decoder.unconsumed_tail
        is_more = bool(chunk) or len(piece) == _PIECE_BYTES
        if piece:
            yield piece
