"""The download of one file over HTTP: complete or not at all, resumed after breaks."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kling_cli.api import httpx
from kling_cli.clock import Clock
from kling_cli.errors import NotSavedError
from kling_cli.jobs.outputs.content import HEAD_BYTES, content_problem
from kling_cli.jobs.outputs.partial_file import NullRecords, PartialFile, PartialRecords
from kling_cli.jobs.waiting.schedule import retry_s

MAX_BREAKS = 9  # in a row without a new byte: about half a minute
MAX_WRONG_ANSWERS = 4  # answers that are no file at all
EXPIRED_STATUSES = frozenset({401, 403, 404, 410})
_UNSATISFIABLE = httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
_CONTENT_STATUSES = frozenset(
    {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, _UNSATISFIABLE}
)
_RANGE = re.compile(
    r"bytes (?P<start>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18}|\*)"
)
_JSON = "application/json"
_PAGE_TYPES = frozenset({"text/html", _JSON, "application/xml", "text/xml"})
_IDENTITY_CODINGS = frozenset({"", "identity"})
_COMPRESSED_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_PIECE_BYTES = 1 << 20
_ANY_ZLIB_HEADER = 32 + zlib.MAX_WBITS


class BrokenDownloadError(Exception):
    """An attempt ended early; the next may continue from here."""


class WrongContentError(BrokenDownloadError):
    """The response is not the file, whatever its status."""


class ExpiredLinkError(BrokenDownloadError):
    """The link has expired; the API gives a new one."""


class StartOverError(BrokenDownloadError):
    """The bytes received so far do not belong to the server's present file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes of a file in a response: from `start` to before `end`.

    `end` and `total_bytes` are None where the response does not say.
    """

    start: int
    end: int | None
    total_bytes: int | None


@dataclass(slots=True, kw_only=True)
class Download:
    """The download of one file. `renew` queries the API for a fresh URL.

    `on_bytes` gets the bytes so far and the announced total; `on_break` the reason and
    the pause before the next attempt; `on_resume` the bytes and total of an earlier
    run's partial file that is continued. The content must be of the `output_type`;
    `records` stores where the partial file is. A compressed body may have
    `max_decoded_bytes`.
    """

    http: httpx.AsyncClient
    clock: Clock
    url: str
    renew: Callable[[], Awaitable[str | None]]
    on_bytes: Callable[[int, int | None], None]
    on_break: Callable[[str, float], None]
    output_type: str
    on_resume: Callable[[int, int | None], None] = lambda *_: None
    records: PartialRecords = field(default_factory=NullRecords)
    max_decoded_bytes: int = 1 << 30
    _done_bytes: int = 0
    _total_bytes: int | None = None
    _etag: str | None = None

    async def save(self, target: Path, *, is_forced: bool) -> Path:
        """Save under `target`, or under the first free name unless forced.

        A partial file is left for the next run if it is recorded; see `PartialFile`.

        Raises:
            NotSavedError: the download failed, or the file could not be written.
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
        """Continue the partial file of an earlier run, if it is of this file."""
        resumed = part.resume()
        if resumed is None:
            return
        record, first = resumed
        size = part.size_bytes
        is_too_long = record.total_bytes is not None and size > record.total_bytes
        if is_too_long or content_problem(self.output_type, first) is not None:
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
        _require_web_url(self.url)
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
            async for chunk in _decoded_body(response, self.max_decoded_bytes):
                if self._done_bytes:
                    self._append(chunk, span, part)
                    continue
                first += chunk
                if len(first) >= HEAD_BYTES:
                    self._append_first(first, span, part)
            if not self._done_bytes:
                self._append_first(first, span, part)
        if self._total_bytes is not None and self._done_bytes != self._total_bytes:
            raise BrokenDownloadError(
                f"{self._done_bytes} bytes came, {self._total_bytes} were announced"
            )

    def _append_first(self, first: bytes, span: ByteRange, part: PartialFile) -> None:
        """Append the first bytes of the file, which must be of its type."""
        if (why := content_problem(self.output_type, first)) is not None:
            raise WrongContentError(why)
        self._append(first, span, part)

    def _append(self, chunk: bytes, span: ByteRange, part: PartialFile) -> None:
        """Append bytes to the file, never more than were announced."""
        room = None if span.end is None else span.end - self._done_bytes
        if room is not None and len(chunk) > room:
            self._start_over(part)
            raise StartOverError("the server sent more than it had announced")
        part.write(chunk)
        self._done_bytes += len(chunk)
        self.on_bytes(self._done_bytes, self._total_bytes)

    def _begin(self, response: httpx.Response, part: PartialFile) -> ByteRange:
        """Return the response's bytes; the file starts over unless they continue it."""
        span = _byte_range(response)
        etag = response.headers.get("etag")
        if _content_coding(response) not in _IDENTITY_CODINGS:
            span, etag = ByteRange(0, None, None), None  # those are of the coded bytes
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

    def _is_continuation(self, span: ByteRange | None, etag: str | None) -> bool:
        """Return whether a response continues the partial file."""
        if span is None or span.start != self._done_bytes:
            return False
        total_bytes = span.total_bytes
        pairs = ((self._etag, etag), (self._total_bytes, total_bytes))
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def _start_over(self, part: PartialFile) -> None:
        if self._done_bytes:
            part.begin(None, None)
        self._done_bytes, self._etag, self._total_bytes = 0, None, None

    async def _recover(self, cause: Exception, breaks: int) -> None:
        reason = str(cause) or type(cause).__name__
        max_breaks = (
            MAX_WRONG_ANSWERS if isinstance(cause, WrongContentError) else MAX_BREAKS
        )
        if breaks >= max_breaks:
            raise NotSavedError(f"the file could not be fetched: {reason}") from cause
        pause_s = retry_s(breaks, base_s=0.25, max_s=8.0)
        self.on_break(reason, pause_s)
        await self.clock.sleep(pause_s)
        if isinstance(cause, ExpiredLinkError):
            self.url = await self.renew() or self.url


def _require_web_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
        is_address = parsed.scheme in ("http", "https") and bool(parsed.host)
    except (httpx.InvalidURL, ValueError):
        is_address = False
    if not is_address:
        raise NotSavedError("the API gave a link that is no web address")


def _check_head(response: httpx.Response, *, is_json: bool) -> None:
    """Raise the error that a response without the file means."""
    status = response.status_code
    if status in EXPIRED_STATUSES:
        raise ExpiredLinkError(f"the link answered {status}")
    if status not in _CONTENT_STATUSES:
        raise BrokenDownloadError(f"the server answered {status}")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_expected = is_json and kind == _JSON
    if status != _UNSATISFIABLE and kind in _PAGE_TYPES and not is_expected:
        raise WrongContentError(f"the server sent {kind}, not a file")
    is_partial = status == httpx.codes.PARTIAL_CONTENT
    encoding = _content_coding(response)
    if encoding not in _IDENTITY_CODINGS and (
        is_partial or encoding not in _COMPRESSED_CODINGS
    ):
        raise WrongContentError(f"the server sent {encoding or 'odd'} coded bytes")


def _content_coding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "")).strip().lower()


def _byte_range(response: httpx.Response) -> ByteRange | None:
    """Return the bytes of the file in a response; None if that is not known."""
    if response.status_code == httpx.codes.OK:
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        return ByteRange(0, total, total)
    content_range = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if content_range is None or response.status_code == _UNSATISFIABLE:
        return None
    start, end = int(content_range["start"]), int(content_range["last"]) + 1
    total = None if content_range["total"] == "*" else int(content_range["total"])
    is_valid = start < end and (total is None or end <= total)
    return ByteRange(start, end, total) if is_valid else None


async def _decoded_body(
    response: httpx.Response, max_bytes: int
) -> AsyncIterator[bytes]:
    """Yield the body without its content coding, in pieces.

    Raises:
        WrongContentError: it cannot be decoded, or has more than `max_bytes`.
    """
    if _content_coding(response) in _IDENTITY_CODINGS:
        async for chunk in response.aiter_raw():
            yield chunk
        return
    decoder, done_bytes = zlib.decompressobj(_ANY_ZLIB_HEADER), 0
    async for chunk in response.aiter_raw():
        for piece in _decompressed(decoder, chunk):
            done_bytes += len(piece)
            if done_bytes > max_bytes:
                raise WrongContentError("the server sent far too many bytes")
            yield piece
    if not decoder.eof:
        raise BrokenDownloadError("the compressed file is not complete")


def _decompressed(decoder: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    """Yield the decompressed pieces of a chunk, one at a time in memory."""
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
