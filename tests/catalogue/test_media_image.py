"""Image files. Source of the limits: API reference, section 5.4."""

from __future__ import annotations

import base64

import pytest

from kling_cli.catalogue import media
from tests.support.images import jpeg, png

MEBIBYTE = 1024 * 1024
WEBP = (
    b"RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"
    + (511).to_bytes(3, "little")
    + (383).to_bytes(3, "little")
)


def messages(raw: bytes, max_bytes: int = MEBIBYTE) -> list[str]:
    found = media.image_problems(media.describe_image(raw), max_bytes)
    return [each.message for each in found]


@pytest.mark.parametrize(
    ("raw", "facts"),
    [
        pytest.param(png(640, 360), ("png", 640, 360), id="png"),
        pytest.param(jpeg(640, 360), ("jpg", 640, 360), id="jpg"),
        pytest.param(WEBP, ("webp", 512, 384), id="webp"),
        pytest.param(b"\x89PNG\r\n\x1a\n", ("png", 0, 0), id="png cut short"),
        pytest.param(jpeg()[:12], ("jpg", 0, 0), id="jpg cut short"),
        pytest.param(b"GIF89a\x01\x00\x01\x00", (None, 0, 0), id="gif"),
        pytest.param(b"a text", (None, 0, 0), id="text"),
        pytest.param(b"", (None, 0, 0), id="nothing"),
    ],
)
def test_the_facts_of_an_image_come_from_its_bytes(
    raw: bytes, facts: tuple[str | None, int, int]
) -> None:
    found = media.describe_image(raw)

    assert (found.format, found.width, found.height) == facts
    assert found.n_bytes == len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(png(300, 300), id="the smallest"),
        pytest.param(png(750, 300), id="the widest"),
        pytest.param(jpeg(300, 750), id="the tallest"),
        pytest.param(png(n_bytes=MEBIBYTE), id="the largest"),
    ],
)
def test_an_image_at_its_limits_is_accepted(raw: bytes) -> None:
    assert messages(raw) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (png(299, 400), "the image is 299x400 px; each side needs at least 300 px"),
        (
            png(753, 300),
            "the image is 753x300 px; its ratio must lie between 1:2.5 and 2.5:1",
        ),
        (
            jpeg(300, 753),
            "the image is 300x753 px; its ratio must lie between 1:2.5 and 2.5:1",
        ),
        (
            png(n_bytes=MEBIBYTE * 3 // 2),
            "the image has 1.5 MB; at most 1 are taken",
        ),
        (WEBP, "the file is not a jpg or png image"),
        (b"a text", "the file is not a jpg or png image"),
        (jpeg()[:12], "the jpg image is damaged: its size cannot be read"),
    ],
)
def test_an_image_beyond_its_limits_is_refused(raw: bytes, message: str) -> None:
    assert messages(raw) == [message]


def test_a_route_may_accept_more_formats_and_fewer_pixels() -> None:
    facts = media.describe_image(WEBP)

    found = media.image_problems(
        facts, MEBIBYTE, field="person", formats=("png", "webp"), max_side_px=500
    )

    assert [(each.field, each.message) for each in found] == [
        ("person", "the image is 512 px long; 500 px is the most")
    ]


def test_an_image_in_a_body_is_decoded_and_validated() -> None:
    small = base64.b64encode(png(200, 300)).decode()

    (problem,) = media.image_problems_of_base64(small, MEBIBYTE, field="image_tail")

    assert problem.field == "image_tail"
    assert "200x300" in problem.message


@pytest.mark.parametrize("text", ["no base64!", "äöü", "data:image/png;base64,AAAA"])
def test_invalid_base64_is_no_image(text: str) -> None:
    (problem,) = media.image_problems_of_base64(text, MEBIBYTE)

    assert problem.message == "image is neither a URL nor bare base64"
