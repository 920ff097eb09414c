"""Servers of files, good ones and bad ones, as replies of a wire server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kling_cli.api.http import new_http
from kling_cli.jobs.download import Download
from kling_cli.jobs.part import NoRecords, PartialRecord, PartialRecords
from tests.support.clock import FakeClock
from tests.support.wire_server import Reply, Visit, WireServer, wire_server

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"  # how a film begins
FILM = MP4 + (bytes(range(1, 251)) * 400)[len(MP4) :]  # 100,000 bytes
CUT = 40_000


def head(status: int, length: int, **headers: str) -> bytes:
    lines = {"content-length": str(length), "content-type": "video/mp4"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} X\r\n{text}\r\n".encode("latin-1")


def film(
    body: bytes = FILM, *, etag: str = "", stop_at: int | None = None, most: int = 0
) -> Reply:
    """Serve `body` as a good server does; break off at byte `stop_at` of the file.

    A range is given when it is asked for, unless If-Range names another file; `most`
    is the longest that is given at once.
    """

    async def reply(visit: Visit) -> None:
        asked = visit.seen.headers
        start, status, span = 0, 200, ""
        is_same = asked.get("if-range", etag) == etag
        if "range" in asked and is_same:
            start = int(asked["range"].removeprefix("bytes=").removesuffix("-"))
            status = 206
        end = min(len(body), start + most) if most and status == 206 else len(body)
        if status == 206:
            span = f"bytes {start}-{end - 1}/{len(body)}"
        await visit.send(head(status, end - start, etag=etag, content_range=span))
        if stop_at is None:
            await visit.send(body[start:end])
        else:
            await visit.send(body[start : max(start, stop_at)])
            visit.writer.close()

    return reply


def without_ranges(body: bytes = FILM, *, stop_at: int | None = None) -> Reply:
    """Serve the whole file whatever range is asked for."""

    async def reply(visit: Visit) -> None:
        await visit.send(head(200, len(body)))
        await visit.send(body[:stop_at])
        if stop_at is not None:
            visit.writer.close()

    return reply


def raw(answer: bytes) -> Reply:
    """Say these bytes and leave."""

    async def reply(visit: Visit) -> None:
        await visit.send(answer)
        visit.writer.close()

    return reply


@dataclass(slots=True)
class Records:
    """Where partial files are written down, without a journal."""

    kept: dict[Path, PartialRecord] = field(default_factory=dict)
    is_writable: bool = True

    def known(self) -> list[PartialRecord]:
        return list(self.kept.values())

    def add(self, record: PartialRecord) -> bool:
        if self.is_writable:
            self.kept[record.path] = record
        return self.is_writable

    def remove(self, path: Path) -> None:
        self.kept.pop(path, None)


@dataclass(slots=True)
class Fetching:
    """A download on stage: what it asks of the server, what it tells."""

    wire: WireServer
    download: Download
    clock: FakeClock
    bytes_told: list[tuple[int, int | None]] = field(default_factory=list)
    breaks: list[tuple[str, float]] = field(default_factory=list)
    fresh: list[str | None] = field(default_factory=list)
    resumed: list[tuple[int, int | None]] = field(default_factory=list)

    async def save(self, target: Path, *, is_forced: bool = False) -> Path:
        return await self.download.save(target, is_forced=is_forced)

    @property
    def ranges(self) -> list[str | None]:
        return [one.headers.get("range") for one in self.wire.seen]


@asynccontextmanager
async def fetching(
    *replies: Reply, records: PartialRecords | None = None, output_type: str = "video"
) -> AsyncIterator[Fetching]:
    """Serve `replies` to a download; `fresh` are its links when asked again."""
    clock = FakeClock()
    async with wire_server(*replies) as wire, new_http() as http:

        async def renew() -> str | None:
            return stage.fresh.pop(0) if stage.fresh else None

        download = Download(
            http=http,
            clock=clock,
            url=f"{wire.base_url}/v.mp4",
            renew=renew,
            on_bytes=lambda done, total: stage.bytes_told.append((done, total)),
            on_break=lambda reason, pause: stage.breaks.append((reason, pause)),
            on_resume=lambda done, total: stage.resumed.append((done, total)),
            output_type=output_type,
            records=records or NoRecords(),
        )
        stage = Fetching(wire, download, clock)
        yield stage
