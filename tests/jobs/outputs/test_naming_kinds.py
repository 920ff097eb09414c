"""Suffixes of saved files by their kind."""

from __future__ import annotations

import pytest

from kling_cli.api.tasks import Output
from kling_cli.jobs.outputs.naming import extension


@pytest.mark.parametrize(
    ("kind", "url", "suffix"),
    [
        ("video", "https://cdn/a", "mp4"),
        ("video", "https://cdn/a.MOV?Expires=1", "mov"),
        ("subbed_video", "https://cdn/a.html", "mp4"),
        ("srt", "https://cdn/a", "srt"),
        ("ass", "https://cdn/a", "ass"),
        ("image", "https://cdn/a.jpg", "jpg"),
        ("audio", "https://cdn/a.wav", "wav"),
        ("voice", "https://cdn/a", "mp3"),
        ("hologram", "https://cdn/a", "bin"),
        ("hologram", "https://cdn/a.ass", "ass"),
    ],
)
def test_the_url_names_the_kind_of_file_or_else_the_output(
    kind: str, url: str, suffix: str
) -> None:
    assert extension(Output(type=kind), url) == suffix
