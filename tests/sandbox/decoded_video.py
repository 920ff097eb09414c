"""Looks at a video file with a real decoder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What a decoder finds in a file. `colours` are those of the last picture."""

    width: int
    height: int
    frames: int
    rate: Fraction
    duration_s: float
    sound_s: float | None
    title: str
    is_index_first: bool
    corners: tuple[tuple[int, int], ...]
    """Luma at the right end of the bar in the first and in the last picture."""


def decode_video(raw: bytes) -> Film:
    """Decode every picture and every sound of a file."""
    with av.open(io.BytesIO(raw), "r") as container:
        video = container.streams.video[0]
        frames = list(container.decode(video))
        first, last = frames[0], frames[-1]
        return Film(
            width=first.width,
            height=first.height,
            frames=len(frames),
            rate=Fraction(video.average_rate or 0),
            duration_s=float((video.duration or 0) * (video.time_base or 0)),
            sound_s=_sound_s(raw),
            title=str(container.metadata.get("title")),
            is_index_first=raw.index(b"moov") < raw.index(b"mdat"),
            corners=tuple(
                (_luma(p, 0.02, -24), _luma(p, 0.98, -24)) for p in (first, last)
            ),
        )


def frames_of(raw: bytes) -> list[Any]:
    """Return the decoded frames."""
    with av.open(io.BytesIO(raw), "r") as container:
        return list(container.decode(video=0))


def luma_at(picture: Any, x: int, y: int) -> int:
    plane = picture.planes[0]
    return int(bytes(plane)[y * plane.line_size + x])


def _luma(picture: Any, share: float, y: int) -> int:
    return luma_at(picture, int(picture.width * share), picture.height + y)


def _sound_s(raw: bytes) -> float | None:
    with av.open(io.BytesIO(raw), "r") as container:
        if not container.streams.audio:
            return None
        rate, samples, loudest = 1, 0, 0.0
        for sound in container.decode(audio=0):
            rate, samples = sound.sample_rate, samples + sound.samples
            loudest = max(loudest, *(max(map(abs, _floats(p))) for p in sound.planes))
        assert loudest < 0.01  # it is silence
        return samples / rate


def _floats(plane: Any) -> Any:
    return memoryview(bytes(plane)).cast("f")
