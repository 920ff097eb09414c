"""Fetching one file over HTTP: whole or not at all, resumed after a break."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kling_cli.api.http import httpx
from kling_cli.clock import Clock
from kling_cli.errors import NotSavedError
from kling_cli.jobs.part import part_file, put_in_place, rewind
from kling_cli.jobs.schedule import retry_s

MOST_BREAKS = 9  # in a row without a new byte: about half a minute
MOST_WRONG = 4  # answers that are no file at all
EXPIRED = frozenset({401, 403, 404, 410})
_UNSATISFIABLE = httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
_BRINGING = frozenset({httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, _UNSATISFIABLE})
_RANGE = re.compile(r"bytes (?P<start>[0-9]+)-[0-9]+/(?P<total>[0-9]+|\*)")
_JSON = "application/json"
_PAGE_KINDS = frozenset({"text/html", _JSON, "application/xml", "text/xml"})
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml", b"{")


class BrokenDownloadError(Exception):
    """An attempt ended early; another may go on from here."""


class WrongContentError(BrokenDownloadError):
    """What came is not the file, whatever its status said."""


class ExpiredLinkError(BrokenDownloadError):
    """The link is no longer valid; the API gives a new one."""


class StartOverError(BrokenDownloadError):
    """What was received so far does not belong to what the server has now."""


@dataclass(slots=True, kw_only=True)
class Download:
    """One file on its way. `renew` asks the API for a fresh URL.

    `on_bytes` is told the bytes so far and the announced total; `on_break` the reason
    and the pause before the next try. JSON is an error's, unless it `is_json`.
    """

    http: httpx.AsyncClient
    clock: Clock
    url: str
    renew: Callable[[], Awaitable[str | None]]
    on_bytes: Callable[[int, int | None], None]
    on_break: Callable[[str, float], None]
    is_json: bool = False
    _done_bytes: int = 0
    _total_bytes: int | None = None
    _etag: str | None = None

    async def save(self, target: Path, *, is_forced: bool) -> Path:
        """Save under `target`, or under the first free name unless forced.

        Raises:
            NotSavedError: the bytes cannot be had, or the disk does not take them.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part_file(target) as (part, stream):
                await self._fetch(stream)
                stream.flush()
                os.fsync(stream.fileno())
                return put_in_place(part, target, is_forced=is_forced)
        except OSError as exc:
            raise NotSavedError(
                f"{target} could not be written: {exc.strerror or exc}",
                hint="make room or choose another place with --output",
            ) from exc

    async def _fetch(self, stream: IO[bytes]) -> None:
        breaks = furthest = 0
        while True:
            try:
                await self._attempt(stream)
            except (httpx.HTTPError, BrokenDownloadError) as exc:
                is_new = self._done_bytes > furthest
                is_wrong = isinstance(exc, WrongContentError)
                breaks = 1 if is_new and not is_wrong else breaks + 1
                furthest = max(furthest, self._done_bytes)
                await self._recover(exc, breaks)
            else:
                return

    async def _attempt(self, stream: IO[bytes]) -> None:
        _require_web_address(self.url)
        headers = {"Accept-Encoding": "identity"}
        if self._done_bytes:
            headers["Range"] = f"bytes={self._done_bytes}-"
            if self._etag:
                headers["If-Range"] = self._etag
        async with self.http.stream(
            "GET", self.url, headers=headers, follow_redirects=True
        ) as response:
            self._begin(response, stream)
            async for chunk in response.aiter_raw():
                if not (self._done_bytes or self.is_json) and _is_page(chunk):
                    raise WrongContentError("the server sent a page, not a file")
                stream.write(chunk)
                self._done_bytes += len(chunk)
                self.on_bytes(self._done_bytes, self._total_bytes)
        self._check_whole()

    def _begin(self, response: httpx.Response, stream: IO[bytes]) -> None:
        """Check the head of an answer, and that it goes on where we stopped."""
        _check_head(response, is_json=self.is_json)
        start, total_bytes = _span(response)
        etag = response.headers.get("etag")
        if response.status_code == httpx.codes.OK:
            self._start_over(stream)
        elif start != self._done_bytes or self._is_other(etag, total_bytes):
            self._start_over(stream)
            raise StartOverError("the file on the server has changed")
        self._etag, self._total_bytes = etag, total_bytes

    def _is_other(self, etag: str | None, total_bytes: int | None) -> bool:
        """Return whether these are another file's than those of the part we have."""
        known = ((self._etag, etag), (self._total_bytes, total_bytes))
        return any(None not in pair and pair[0] != pair[1] for pair in known)

    def _start_over(self, stream: IO[bytes]) -> None:
        rewind(stream)
        self._done_bytes, self._etag, self._total_bytes = 0, None, None

    def _check_whole(self) -> None:
        if not self._done_bytes:
            raise WrongContentError("the server sent an empty file")
        if self._total_bytes is not None and self._done_bytes != self._total_bytes:
            raise BrokenDownloadError(
                f"{self._done_bytes} bytes came, {self._total_bytes} were announced"
            )

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


def _span(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return the first byte's place in the file and the file's length, where said."""
    if response.status_code == httpx.codes.OK:
        length = response.headers.get("content-length", "")
        return 0, int(length) if length.isdecimal() else None
    said = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if said is None:
        return None, None
    total = said["total"]
    return int(said["start"]), None if total == "*" else int(total)


def _is_page(chunk: bytes) -> bool:
    return chunk.lstrip()[:9].lower().startswith(_PAGE_STARTS)
