"""The subtitles of the sandbox."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from kling_cli.sandbox.media.subtitles import Subtitles

SRT_ENTRY = re.compile(r"(\d+)\n(\d\d:\d\d:\d\d,000) --> (\d\d:\d\d:\d\d,000)\n(.+)\n")


def some(kind: Literal["srt", "ass"], seconds: int = 5) -> Subtitles:
    return Subtitles(
        seconds=seconds,
        label="9",
        kind=kind,
        width=720,
        height=1280,
        font_size=60,
        margin=340,
    )


def test_srt_entries_are_numbered_and_end_with_the_film() -> None:
    entries = SRT_ENTRY.findall(some("srt").render().decode())

    assert [number for number, *_ in entries] == ["1", "2", "3"]
    assert entries[0][1:3] == ("00:00:00,000", "00:00:02,000")
    assert entries[-1][1:3] == ("00:00:04,000", "00:00:05,000")
    assert all(words for *_, words in entries)


def test_ass_has_the_asked_for_style_and_as_many_lines() -> None:
    text = some("ass", seconds=3601).render().decode()

    assert "PlayResX: 720" in text
    assert "Style: Default,Arial,60,&H00FFFFFF,2,40,40,340" in text
    lines = re.findall(
        r"^Dialogue: 0,(\d:\d\d:\d\d\.00),(\S+?),Default,.+$", text, re.MULTILINE
    )
    assert len(lines) == 1801
    assert lines[-1] == ("1:00:00.00", "1:00:01.00")


@pytest.mark.parametrize("kind", ["srt", "ass"])
def test_the_shortest_film_has_one_line(kind: Literal["srt", "ass"]) -> None:
    text = some(kind, seconds=0).render().decode()

    assert text.count("This is the sandbox.") == 1
