from __future__ import annotations

import pytest

from kling_cli.api.task import Output
from kling_cli.jobs.naming import extension


@pytest.mark.parametrize(
    ("type_", "url", "expected"),
    [
        ("audio", "https://a/x.wav?Expires=1", "wav"),
        ("audio", "https://a/x", "mp3"),
        ("srt", "https://a/x.srt", "srt"),
        ("ass", "https://a/x", "ass"),
        ("subbed_video", "https://a/x", "mp4"),
        ("product_image", "https://a/x", "png"),
        ("model_images", "https://a/x", "png"),
        ("hologram", "https://a/x.exe", "bin"),
    ],
)
def test_a_file_is_named_by_its_link_or_else_by_its_kind(
    type_: str, url: str, expected: str
) -> None:
    assert extension(Output(type=type_, url=url), url) == expected
