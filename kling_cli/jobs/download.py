"""Fetching one file over HTTP: whole or not at all, resumed after a break."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kling_cli.api.http import httpx
from kling_cli.clock import Clock
from kling_cli.errors import NotSavedError
from kling_cli.jobs.naming import free_names
from kling_cli.jobs.schedule import retry_s

MOST_BREAKS = 9  # in a row without a new byte: about half a minute
MOST_WRONG = 4  # answers that are no file at all
EXPIRED = frozenset({401, 403, 404, 410})
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
    and the pause before the next try.
    """

    http: httpx.AsyncClient
    clock: Clock
    url: str
    renew: Callable[[], Awaitable[str | None]]
    on_bytes: Callable[[int, int | None], None]
    on_break: Callable[[str, float], None]
    _done_bytes: int = 0
    _total_bytes: int | None = None
    _etag: str | None = None

    async def save(self, target: Path, *, is_forced: bool) -> Path:
        """Save under `target`, or under the first free name unless forced.

        Raises:
            NotSavedError: the bytes cannot be had, or the disk does not take them.
        """
        if not self.url.startswith(("http://", "https://")):
            raise NotSavedError("the API gave a link that is no web address")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _part_file(target) as (part, stream):
                await self._fetch(stream)
                stream.flush()
                os.fsync(stream.fileno())
                return _put_in_place(part, target, is_forced=is_forced)
        except OSError as exc:
            raise NotSavedError(
                f"{target} could not be written: {exc.strerror or exc}",
                hint="make room or choose another place with --output",
            ) from exc

    async def _fetch(self, stream: IO[bytes]) -> None:
        breaks = 0
        while True:
            before = self._done_bytes
            try:
                await self._attempt(stream)
            except (httpx.HTTPError, BrokenDownloadError) as exc:
                is_new = self._done_bytes > before and not isinstance(
                    exc, WrongContentError
                )
                breaks = 1 if is_new else breaks + 1
                await self._recover(exc, breaks)
            else:
                return

    async def _attempt(self, stream: IO[bytes]) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._done_bytes:
            headers["Range"] = f"bytes={self._done_bytes}-"
            if self._etag:
                headers["If-Range"] = self._etag
        async with self.http.stream("GET", self.url, headers=headers) as response:
            self._begin(response, stream)
            async for chunk in response.aiter_raw():
                if not self._done_bytes and _is_page(chunk):
                    raise WrongContentError("the server sent a page, not a file")
                stream.write(chunk)
                self._done_bytes += len(chunk)
                self.on_bytes(self._done_bytes, self._total_bytes)
        self._check_whole()

    def _begin(self, response: httpx.Response, stream: IO[bytes]) -> None:
        """Check the head of an answer, and that it goes on where we stopped."""
        status = response.status_code
        if status in EXPIRED:
            raise ExpiredLinkError(f"the link answered {status}")
        if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            _rewind(stream)
            self._done_bytes = 0
            raise StartOverError("the file on the server has changed")
        if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise BrokenDownloadError(f"the server answered {status}")
        kind = (
            response.headers.get("content-type", "").partition(";")[0].strip().lower()
        )
        if kind in ("text/html", "application/json", "application/xml", "text/xml"):
            raise WrongContentError(f"the server sent {kind}, not a file")
        if status == httpx.codes.OK and self._done_bytes:
            _rewind(stream)
            self._done_bytes = 0
        self._etag = response.headers.get("etag")
        length = response.headers.get("content-length", "")
        self._total_bytes = self._done_bytes + int(length) if length.isdigit() else None

    def _check_whole(self) -> None:
        if not self._done_bytes:
            raise WrongContentError("the server sent an empty file")
        if self._total_bytes is not None and self._done_bytes != self._total_bytes:
            raise WrongContentError(
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
            self._etag = None


@contextlib.contextmanager
def _part_file(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open `NAME.part` beside the target, ours alone; it does not outlive a failure.

    A part that a killed process left behind is not locked any more and is taken over.
    """
    for free in free_names(target):
        part = free.with_name(free.name + ".part")
        stream = part.open("ab")
        if _is_ours(stream, part):
            break
        stream.close()
    try:
        with stream:
            _rewind(stream)
            yield part, stream
    finally:
        part.unlink(missing_ok=True)


def _is_ours(stream: IO[bytes], part: Path) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(stream.fileno()).st_ino == part.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def _put_in_place(part: Path, target: Path, *, is_forced: bool) -> Path:
    """Give the finished file its name; without force never one that is taken."""
    if is_forced:
        part.replace(target)
        return target
    for free in free_names(target):
        try:
            os.link(part, free)  # unlike a rename, this fails when the name is taken
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if free.exists():
                continue
            part.rename(free)
        return free
    raise AssertionError  # free_names never ends


def _rewind(stream: IO[bytes]) -> None:
    stream.seek(0)
    stream.truncate()


def _is_page(chunk: bytes) -> bool:
    return chunk.lstrip()[:9].lower().startswith(_PAGE_STARTS)
