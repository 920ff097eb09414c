"""The pictures of the sandbox, looked at with a real decoder."""

from __future__ import annotations

import io
from typing import Any

import av
import pytest

from kling_cli.sandbox.media.image import Picture


def seen(picture: Picture) -> Any:
    with av.open(io.BytesIO(picture.render()), "r") as container:
        (frame,) = container.decode(video=0)
        return frame


def pixel(frame: Any, x: int, y: int) -> bytes:
    plane = frame.planes[0]
    return bytes(plane)[y * plane.line_size + 3 * x :][:3]


@pytest.mark.parametrize(
    ("width", "height"),
    [(1024, 1024), (1366, 768), (4096, 1756), (301, 517), (30, 12), (1, 1)],
)
def test_a_picture_decodes_at_its_size(width: int, height: int) -> None:
    frame = seen(Picture(width=width, height=height, label="8"))

    assert (frame.width, frame.height) == (width, height)
    assert frame.format.name == "rgb24"


def test_a_picture_says_sandbox_in_its_middle() -> None:
    frame = seen(Picture(width=800, height=400, label="8"))

    middle = [pixel(frame, x, 160) for x in range(800)]
    above = [pixel(frame, x, 100) for x in range(800)]
    assert middle.count(b"\xf0\xf0\xf0") > 100
    assert b"\xf0\xf0\xf0" not in above


def test_two_labels_have_other_colours() -> None:
    first, second = (
        pixel(seen(Picture(width=80, height=80, label=label)), 0, 0)
        for label in ("8-0", "8-1")
    )

    assert first != second
