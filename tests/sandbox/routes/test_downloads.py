"""Result files. Source: API reference, section 5.5."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.sandbox.client import TLS, SandboxClient

pytestmark = pytest.mark.anyio

MONTH_S = 30 * 86_400


@pytest.fixture
async def url(client: SandboxClient) -> str:
    task = await client.finished()
    return str(task["outputs"][0]["url"])


async def test_a_file_comes_whole_with_its_length(
    client: SandboxClient, url: str
) -> None:
    answer = await client.fetch(url)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content[4:8] == b"ftyp"


async def test_a_head_request_says_the_same_without_the_file(
    client: SandboxClient, url: str
) -> None:
    whole = await client.fetch(url)

    async with httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        head = await http.head(url)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "etag", "content-type"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=0-99999999999", 0, None),
        ("bytes=-99999999999", 0, None),
    ],
)
async def test_a_range_is_that_part_of_the_file(
    asked: str, start: int, end: int | None, client: SandboxClient, url: str
) -> None:
    whole = (await client.fetch(url)).content

    part = await client.fetch(url, Range=asked)

    first = start % len(whole)
    assert part.status_code == 206
    assert part.content == whole[start:end]
    last = first + len(part.content) - 1
    assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=99999999999-", "bytes=5-4", "bytes=-0"])
async def test_a_range_there_is_not_is_416(
    asked: str, client: SandboxClient, url: str
) -> None:
    answer = await client.fetch(url, Range=asked)

    assert answer.status_code == 416
    assert re.fullmatch(r"bytes \*/\d+", answer.headers["content-range"])


@pytest.mark.parametrize("asked", ["bytes=-", "items=1-2", "bytes=1-2,4-5", "x"])
async def test_a_range_that_cannot_be_read_is_ignored(
    asked: str, client: SandboxClient, url: str
) -> None:
    assert (await client.fetch(url, Range=asked)).status_code == 200


async def test_a_range_of_another_version_gets_the_whole_file(
    client: SandboxClient, url: str
) -> None:
    etag = (await client.fetch(url)).headers["etag"]

    same = await client.fetch(url, Range="bytes=5-", **{"If-Range": etag})
    other = await client.fetch(url, Range="bytes=5-", **{"If-Range": '"other"'})

    assert (same.status_code, other.status_code) == (206, 200)


async def test_a_link_expires_30_days_after_completion(
    client: SandboxClient, url: str
) -> None:
    await client.advance(MONTH_S - 60)
    in_time = await client.fetch(url)
    await client.advance(61)
    too_late = await client.fetch(url)

    assert (in_time.status_code, too_late.status_code) == (200, 403)


@pytest.mark.parametrize(
    "change",
    [
        ("Expires=", "Expires=9"),
        ("Signature=", "Signature=0"),
        ("/video.mp4", "/video_wm.mp4"),
        ("?Expires=", "?NoExpires="),
        ("&Signature=", "&NoSignature="),
        ("Expires=", "Expires=%C3%A4"),
    ],
)
async def test_a_link_that_was_changed_is_refused(
    change: tuple[str, str], client: SandboxClient, url: str
) -> None:
    answer = await client.fetch(url.replace(*change))

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/xml")


async def test_a_link_to_no_file_is_refused(client: SandboxClient, url: str) -> None:
    base = url.split("/files/", maxsplit=1)[0]

    answers = [
        await client.fetch(f"{base}/files/{rest}") for rest in ("", "1", "1/2/3")
    ]

    assert {answer.status_code for answer in answers} == {403}


async def test_a_file_of_a_task_put_back_is_gone(
    client: SandboxClient, url: str
) -> None:
    task_id = url.split("/")[4]
    await client.control(f"tasks/{task_id}", {"status": "processing"})

    assert (await client.fetch(url)).status_code == 403


async def test_a_link_followed_with_a_key_is_refused_and_seen(
    client: SandboxClient, url: str
) -> None:
    answer = await client.fetch(url, Authorization=f"Bearer {client.sandbox.api_key}")

    (visit,) = [
        one for one in (await client.state())["requests"] if one["kind"] == "download"
    ]
    assert answer.status_code == 400
    assert visit["has_authorization"]


@pytest.mark.parametrize("status", [500, 403])
async def test_an_error_befalls_a_download(
    status: int, client: SandboxClient, url: str
) -> None:
    await client.fail(f"download:{status}")

    bad, good = [await client.fetch(url) for _ in range(2)]

    assert (bad.status_code, good.status_code) == (status, 200)


async def test_an_error_page_pretends_to_be_the_file(
    client: SandboxClient, url: str
) -> None:
    await client.fail("download:html")

    answer = await client.fetch(url)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_an_empty_file_is_announced_as_empty(
    client: SandboxClient, url: str
) -> None:
    await client.fail("download:empty")

    answer = await client.fetch(url)

    assert (answer.status_code, answer.headers["content-length"]) == (200, "0")
    assert answer.content == b""


@pytest.mark.parametrize(
    ("fault", "error"),
    [("cut", httpx.ReadError), ("short", httpx.RemoteProtocolError)],
)
async def test_a_download_breaks_off_after_its_first_half_at_most(
    fault: str, error: type[Exception], client: SandboxClient, url: str
) -> None:
    whole = len((await client.fetch(url)).content)
    await client.fail(f"download:{fault}")

    announced, received = await broken(url, error)

    assert announced == whole
    assert received <= whole // 2


async def test_a_short_file_does_not_grow_by_resuming(
    client: SandboxClient, url: str
) -> None:
    whole = len((await client.fetch(url)).content)
    await client.fail("download:shortx0")

    ranges = (f"bytes={whole // 4}-", f"bytes={whole // 2}-", f"bytes={whole - 5}-")
    got = [
        (await broken(url, httpx.RemoteProtocolError, Range=asked))[1]
        for asked in ranges
    ]

    assert got == [whole // 2 - whole // 4, 0, 0]


async def test_a_slow_download_trickles(client: SandboxClient, url: str) -> None:
    whole = len((await client.fetch(url)).content)
    await client.fail("download:slow")

    async with (
        httpx.AsyncClient(verify=TLS, trust_env=False) as http,
        http.stream("GET", url) as answer,
    ):
        first = await anext(answer.aiter_raw())

    assert int(answer.headers["content-length"]) == whole
    assert 0 < len(first) < whole / 10


async def test_a_download_that_hangs_is_not_answered(
    client: SandboxClient, url: str
) -> None:
    await client.fail("download:hang")

    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(verify=TLS, trust_env=False, timeout=0.2) as http:
            await http.get(url)

    last = (await client.state())["requests"][-1]
    assert (last["fault"], last["status"]) == ("hang", None)


async def broken(url: str, error: type[Exception], **headers: str) -> tuple[int, int]:
    """Download until it breaks as expected; return the length announced and got."""
    received = 0
    async with (
        httpx.AsyncClient(verify=TLS, trust_env=False) as http,
        http.stream("GET", url, headers=headers) as answer,
    ):
        parts = answer.aiter_raw()
        try:
            while True:
                received += len(await anext(parts))
        except error:
            pass
    return int(answer.headers["content-length"]), received
