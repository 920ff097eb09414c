"""Video clips: a coloured card that says SANDBOX, a moving block, a progress bar.

A block wanders about, and a bar along the lower edge fills as the clip plays. The
colours come from the label, so that two tasks' files differ. The watermarked copy says
KLING as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from math import sqrt
from struct import pack
from typing import TYPE_CHECKING

from kling_cli.sandbox.media import h264
from kling_cli.sandbox.media.mp4 import Track, aac_entry, avc_entry, mp4_file

if TYPE_CHECKING:
    from collections.abc import Iterator

Cell = tuple[int, int]
"""Row and column of a macroblock."""

FPS = 24  # Source: API reference, section 3.1
_TICKS = 512
_AUDIO_RATE = 44_100
_AUDIO_FRAME = 1024  # samples an AAC frame lasts
_AAC_CONFIG = bytes.fromhex("1210")  # AAC-LC, 44.1 kHz, stereo
_AAC_SILENCE = bytes.fromhex("210049900219002380")  # one such frame of nothing

# the widths and heights of 16:9; other ratios have as many pixels, 1:1 four thirds high
_WIDE = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}

LETTERS = {
    "S": "011 100 010 001 110",
    "A": "010 101 111 101 101",
    "N": "110 101 101 101 101",
    "D": "110 101 101 101 110",
    "B": "110 101 110 101 110",
    "O": "010 101 101 101 010",
    "X": "101 101 010 101 101",
    "K": "101 101 110 101 101",
    "L": "100 100 100 100 111",
    "I": "111 010 010 010 111",
    "G": "011 100 101 101 011",
}
LETTER_ROWS = 5
BLOCK = 3  # macroblocks each way
BAR_ROW = 2  # counted from below
_INK: h264.Colour = (225, 128, 128)
_PALE: h264.Colour = (190, 120, 140)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A video file: size in pixels, number of frames, with sound or not."""

    width: int
    height: int
    frames: int
    has_sound: bool
    label: str
    is_watermarked: bool = False

    @property
    def duration_s(self) -> float:
        return self.frames / FPS

    @property
    def media_type(self) -> str:
        return "video/mp4"

    @property
    def watermarked(self) -> Clip:
        return replace(self, is_watermarked=True)

    def render(self) -> bytes:
        return render(self)


def frame_count(seconds: int) -> int:
    """Return how many frames `seconds` of video have: one more than asked for.

    Source: API reference, section 6: 5 s asked for, 5.041 s delivered; read 2026-10-04.
    """
    return seconds * FPS + 1


def size_for(resolution: str, ratio: float) -> tuple[int, int]:
    """Return width and height, both even, for a resolution and width:height.

    16:9 and 9:16 are exact, 1:1 is what has as many pixels (960x960 at 720p).
    """
    wide, high = _WIDE.get(resolution, _WIDE["720p"])
    area = wide * high
    return _even(sqrt(area * ratio)), _even(sqrt(area / ratio))


@lru_cache(maxsize=8)
def render(clip: Clip) -> bytes:
    """Return the MP4 file: about 130 kB a second, whatever its size in pixels."""
    frame = h264.Frame(clip.width, clip.height)
    sequence = h264.sequence_parameters(frame)
    picture = h264.picture_parameters()
    video = Track(
        entry=avc_entry(clip.width, clip.height, sequence, picture),
        timescale=FPS * _TICKS,
        sample_ticks=_TICKS,
        samples=_encode_frames(clip, frame),
        width=clip.width,
        height=clip.height,
    )
    tracks = [video, _silence(clip.duration_s)] if clip.has_sound else [video]
    return mp4_file(tracks, title=f"Kling sandbox, task {clip.label}")


def _silence(duration_s: float) -> Track:
    count = int(duration_s * _AUDIO_RATE / _AUDIO_FRAME)
    return Track(
        entry=aac_entry(_AUDIO_RATE, 2, _AAC_CONFIG),
        timescale=_AUDIO_RATE,
        sample_ticks=_AUDIO_FRAME,
        samples=[_AAC_SILENCE] * count,
    )


def _encode_frames(clip: Clip, frame: h264.Frame) -> list[bytes]:
    columns = _columns(clip.label, frame.columns)
    card = _card(clip, frame, columns)
    units = [h264.first_picture(frame, card)]
    for number in range(1, clip.frames):
        changed = {
            cell: card.get(cell, columns[cell[1]])
            for cell in _block(frame, number - 1) - _block(frame, number)
        }
        changed |= dict.fromkeys(_block(frame, number), _INK)
        changed |= dict.fromkeys(_bar(clip, frame, number), _INK)
        units.append(h264.next_picture(frame, changed, number))
    return [pack(">I", len(unit)) + unit for unit in units]


def _block(frame: h264.Frame, number: int) -> set[Cell]:
    """Return where the block is in a picture: it is thrown back by the edges."""
    top = _to_and_fro(number, frame.rows - BLOCK - BAR_ROW - 1)
    left = _to_and_fro(number, frame.columns - BLOCK)
    return {(top + y, left + x) for y in range(BLOCK) for x in range(BLOCK)}


def _bar(clip: Clip, frame: h264.Frame, number: int) -> Iterator[Cell]:
    """Yield what a picture adds to the bar."""
    before, reach = (
        frame.columns * each // (clip.frames - 1) for each in (number - 1, number)
    )
    return ((frame.rows - BAR_ROW, column) for column in range(before, reach))


def _to_and_fro(number: int, distance: int) -> int:
    return distance - abs(number % (2 * distance) - distance)


def _card(
    clip: Clip, frame: h264.Frame, columns: list[h264.Colour]
) -> dict[Cell, h264.Colour]:
    """Paint the first picture: the top row, the words, and the row beneath them."""
    paint = {(0, column): colour for column, colour in enumerate(columns)}
    middle = (frame.rows // 2 - 3, (frame.columns - 27) // 2)
    _write(paint, "SANDBOX", middle, _INK, columns)
    if clip.is_watermarked:
        _write(paint, "KLING", (frame.rows - 9, frame.columns - 21), _PALE, columns)
    return paint


def _write(
    paint: dict[Cell, h264.Colour],
    word: str,
    corner: tuple[int, int],
    ink: h264.Colour,
    columns: list[h264.Colour],
) -> None:
    """Add a word of letters 5 macroblocks high; below it the background starts anew."""
    top, left = corner
    for row in range(LETTER_ROWS + 1):
        cells = "0".join((*LETTERS[letter].split(), "000")[row] for letter in word)
        for offset, cell in enumerate(cells):
            at = left + offset
            paint[top + row, at] = ink if cell == "1" else columns[at]


def _columns(label: str, count: int) -> list[h264.Colour]:
    """Return a colour a column, from one of the label's to the other."""
    seed = sha256(label.encode()).digest()
    start = (60 + seed[0] % 40, 70 + seed[1] % 100, 70 + seed[2] % 100)
    end = (110 + seed[3] % 40, 70 + seed[4] % 100, 70 + seed[5] % 100)
    return [_between(start, end, column / max(1, count - 1)) for column in range(count)]


def _between(start: h264.Colour, end: h264.Colour, share: float) -> h264.Colour:
    luma, blue, red = (
        round(a + (b - a) * share) for a, b in zip(start, end, strict=True)
    )
    return luma, blue, red


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
