"""One file over a real socket, whole or not at all."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from pathlib import Path

import pytest

from kling_cli.errors import NotSavedError
from tests.jobs.files import (
    CUT,
    FILM,
    MP4,
    Fetching,
    fetching,
    film,
    head,
    raw,
    without_ranges,
)
from tests.support.wire_server import Reply, Visit, hang, page, reset, says

pytestmark = pytest.mark.anyio

OTHER = MP4 + FILM[: -len(MP4)]


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def fail(stage: Fetching, folder: Path) -> NotSavedError:
    """Return why the file could not be saved; nothing may be left of it."""
    with pytest.raises(NotSavedError) as caught:
        await stage.save(folder / "v.mp4")
    assert files(folder) == {}
    return caught.value


async def test_a_file_is_saved_to_the_byte(tmp_path: Path) -> None:
    async with fetching(film()) as stage:
        path = await stage.save(tmp_path / "v.mp4")

    assert path == tmp_path / "v.mp4"
    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.bytes_told[-1] == (len(FILM), len(FILM))
    assert stage.breaks == []


async def test_a_link_is_fetched_without_the_account_s_key(tmp_path: Path) -> None:
    async with fetching(film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    [seen] = stage.wire.seen
    assert "authorization" not in seen.headers
    assert seen.headers["accept-encoding"] == "identity"


async def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    async with fetching(film()) as stage:
        path = await stage.save(tmp_path / "a" / "b" / "v.mp4")

    assert path.read_bytes() == FILM


async def test_a_length_that_was_not_announced_is_not_missed(tmp_path: Path) -> None:
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(MP4)

    async with fetching(raw(chunks)) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": MP4}
    assert stage.bytes_told == [(len(MP4), None)]


async def test_a_break_is_resumed_where_it_was(tmp_path: Path) -> None:
    async with fetching(film(etag='"1"', stop_at=CUT), film(etag='"1"')) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.ranges == [None, f"bytes={CUT}-"]
    assert stage.wire.seen[1].headers["if-range"] == '"1"'
    assert len(stage.breaks) == 1


async def test_a_file_that_comes_in_many_pieces_is_put_together(tmp_path: Path) -> None:
    pieces = [film(stop_at=at) for at in range(5000, 100_000, 5000)]

    async with fetching(*pieces, film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}  # though it broke off 19 times


async def test_a_server_that_gives_less_than_was_asked_for_is_asked_on(
    tmp_path: Path,
) -> None:
    async with fetching(film(stop_at=CUT), film(most=30_000)) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.ranges[1:] == ["bytes=40000-", "bytes=70000-"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(without_ranges(), id="a server without ranges"),
        pytest.param(film(etag='"2"'), id="another file by its tag"),
    ],
)
async def test_a_file_given_whole_again_replaces_the_part(
    tmp_path: Path, second: Reply
) -> None:
    async with fetching(film(OTHER, etag='"1"', stop_at=CUT), second) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}


def part(span: str, body: bytes, etag: str = "") -> Reply:
    return raw(head(206, len(body), content_range=span, etag=etag) + body)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(
            part(f"bytes {CUT}-99999/100000", FILM[CUT:], '"2"'), id="another tag"
        ),
        pytest.param(
            part(f"bytes {CUT}-149999/150000", FILM[CUT:] + FILM[:50_000]),
            id="another length",
        ),
        pytest.param(part("bytes 0-99999/100000", FILM), id="another range"),
        pytest.param(part("", FILM[CUT:]), id="nobody knows which range"),
        pytest.param(
            part(f"bytes {CUT}-99999/99999", FILM[CUT:]), id="a range beyond the end"
        ),
        pytest.param(
            raw(
                b"HTTP/1.1 206 X\r\ntransfer-encoding: chunked\r\ncontent-range: bytes"
                b" 40000-99999/100000\r\n\r\n" + chunked(FILM[CUT:] + b"more")
            ),
            id="more than the range",
        ),
        pytest.param(says(416, b"", kind="text/html"), id="no such range"),
    ],
)
async def test_a_part_is_never_joined_with_another_file_s(
    tmp_path: Path, second: Reply
) -> None:
    first = film(OTHER, etag='"1"', stop_at=CUT)

    async with fetching(first, second, film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.ranges[2] is None


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(says(500, b""), id="500"),
        pytest.param(page(502), id="502 with a page"),
        pytest.param(says(429, b""), id="429"),
        pytest.param(reset, id="a reset"),
        pytest.param(raw(b"SSH-2.0\r\n\r\n"), id="no HTTP"),
        pytest.param(page(200), id="a page with status 200"),
        pytest.param(says(200, b"", kind="video/mp4"), id="nothing"),
    ],
)
async def test_trouble_that_passes_only_delays(tmp_path: Path, trouble: Reply) -> None:
    async with fetching(trouble, trouble, film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert [round(pause, 2) for _, pause in stage.breaks] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(page(200), "text/html", id="a page"),
        pytest.param(says(200, b"{}"), "application/json", id="JSON"),
        pytest.param(
            says(200, b" <!DOCTYPE html><p>", kind="video/mp4"),
            "a page",
            id="disguised",
        ),
        pytest.param(says(200, b"", kind="video/mp4"), "empty", id="nothing"),
    ],
)
async def test_what_is_no_file_is_never_saved(
    tmp_path: Path, answer: Reply, why: str
) -> None:
    async with fetching(answer) as stage:
        error = await fail(stage, tmp_path)

    assert why in error.message
    assert len(stage.wire.seen) == 4


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("text/plain", b"The link has expired.", "text, not a video"),
        ("application/xml", b"<Error/>", "application/xml"),
        ("video/mp4", b"\xef\xbb\xbf<?xml version='1.0'?><Error/>", "a page"),
        ("application/octet-stream", b"thirty bytes of text and no more", "text"),
        ("video/mp4", gzip.compress(FILM), "something else"),
    ],
)
async def test_what_the_server_calls_a_body_does_not_make_it_a_video(
    tmp_path: Path, kind: str, body: bytes, why: str
) -> None:
    async with fetching(says(200, body, kind=kind)) as stage:
        error = await fail(stage, tmp_path)

    assert why in error.message
    assert len(stage.wire.seen) == 4


async def test_a_video_that_is_called_text_is_saved(tmp_path: Path) -> None:
    async with fetching(says(200, FILM, kind="text/plain")) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}


async def test_the_first_bytes_may_come_one_by_one(tmp_path: Path) -> None:
    async def drip(visit: Visit) -> None:
        await visit.send(head(200, len(MP4)))
        for at in range(len(MP4)):
            await visit.send(MP4[at : at + 1])
            await asyncio.sleep(0)

    async with fetching(drip) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": MP4}


def coded(encoding: str, body: bytes) -> Reply:
    headers = {"Content-Encoding": encoding, "ETag": '"1"'}
    return says(200, body, kind="video/mp4", headers=headers)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(FILM)), ("deflate", zlib.compress(FILM))],
)
async def test_an_encoded_body_is_decoded_and_not_resumed_in_the_middle(
    tmp_path: Path, encoding: str, body: bytes
) -> None:
    cut = head(200, len(body), content_encoding=encoding) + body[:500]

    async with fetching(raw(cut), coded(encoding, body)) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.bytes_told[-1] == (len(FILM), None)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(coded("br", FILM), "br", id="brotli"),
        pytest.param(coded("gzip, gzip", FILM), "gzip, gzip", id="twice"),
        pytest.param(coded("gzip", FILM), "cannot be decoded", id="not encoded"),
        pytest.param(
            coded("gzip", gzip.compress(FILM)[:-9]), "not complete", id="cut off"
        ),
        pytest.param(
            coded("gzip", gzip.compress(b"text")), "text, not a video", id="text"
        ),
        pytest.param(
            coded("gzip", gzip.compress(MP4 + bytes(3 << 20))), "too many", id="bomb"
        ),
    ],
)
async def test_an_encoded_body_that_cannot_be_decoded_is_refused(
    tmp_path: Path, reply: Reply, why: str
) -> None:
    async with fetching(reply) as stage:
        stage.download.most_decoded_bytes = 2 << 20
        error = await fail(stage, tmp_path)

    assert why in error.message


async def test_a_body_without_end_is_left_at_the_announced_length(
    tmp_path: Path,
) -> None:
    async def endless(visit: Visit) -> None:
        await visit.send(
            b"HTTP/1.1 206 X\r\ncontent-range: bytes 0-99999/100000\r\n\r\n" + FILM
        )
        while not visit.writer.is_closing():
            await visit.send(bytes(65_536))

    async with fetching(endless) as stage:
        error = await fail(stage, tmp_path)

    assert "more than it had announced" in error.message
    assert len(stage.wire.seen) < 30


async def test_a_body_that_is_always_too_short_is_given_up(tmp_path: Path) -> None:
    async with fetching(without_ranges(stop_at=CUT)) as stage:
        await fail(stage, tmp_path)

    assert len(stage.wire.seen) == 9


async def test_bodies_cut_now_here_now_there_come_to_an_end(tmp_path: Path) -> None:
    cuts = [without_ranges(stop_at=CUT + at % 2) for at in range(200)]

    async with fetching(*cuts) as stage:
        await fail(stage, tmp_path)

    assert len(stage.wire.seen) < 30


async def test_an_error_that_stays_is_given_up_in_half_a_minute(tmp_path: Path) -> None:
    async with fetching(says(503, b"")) as stage:
        error = await fail(stage, tmp_path)

    assert "503" in error.message
    assert 20 < stage.clock.elapsed_s < 60


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_link_that_has_expired_is_renewed(tmp_path: Path, status: int) -> None:
    async with fetching(says(status, b""), film()) as stage:
        stage.fresh.append(f"{stage.wire.base_url}/fresh.mp4")
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert [one.path for one in stage.wire.seen] == ["/v.mp4", "/fresh.mp4"]


async def test_a_link_that_expires_on_the_way_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    async with fetching(film(stop_at=CUT), says(403, b""), film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
    assert stage.ranges[2] == f"bytes={CUT}-"


async def test_a_link_that_leads_on_is_followed(tmp_path: Path) -> None:
    there = says(302, b"", headers={"Location": "/elsewhere.mp4"})

    async with fetching(there, film()) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert stage.wire.seen[1].path == "/elsewhere.mp4"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "v.mp4",
        "ftp://h/v",
        "file:///etc/passwd",
        "http://",
        "http://h:x/",
        "https://\ud800/",
    ],
)
async def test_a_link_that_is_no_web_address_is_not_followed(
    tmp_path: Path, url: str
) -> None:
    async with fetching(film()) as stage:
        stage.download.url = url
        error = await fail(stage, tmp_path)

    assert "no web address" in error.message
    assert stage.wire.seen == []


async def test_a_server_that_falls_silent_is_left(tmp_path: Path) -> None:
    async with fetching(hang, film()) as stage:
        stage.download.http.timeout = 0.2
        await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {"v.mp4": FILM}
