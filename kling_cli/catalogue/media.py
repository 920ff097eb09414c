"""Facts of image and audio files, read from their bytes, and checks against limits.

Source: API reference, section 5.4, read 2026-10-04: images are jpg or png (solutions:
webp too), 10 or 50 MB by route, sides of at least 300 px, ratio between 1:2.5 and
2.5:1; audio is mp3, wav, m4a or aac.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from kling_cli.catalogue.definition.schema import FieldKind, Problem

MIN_SIDE_PX = 300
MAX_RATIO = 2.5

IMAGE_FORMATS = ("jpg", "png")

_IMAGE_MAGIC = (
    (re.compile(rb"\xff\xd8\xff"), "jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp"),
)
_MEBIBYTE = 1024 * 1024


class FileContent(str):
    """A local file as it is sent, in bare base64, with the facts of its bytes.

    `path` is the file as it was named; with a handle, the text is `NAME=BASE64`.
    """

    __slots__ = ("facts", "path")
    facts: ImageFacts | AudioFacts
    path: str

    @classmethod
    def from_bytes(
        cls, raw: bytes, kind: FieldKind, *, path: str, handle: str | None = None
    ) -> Self:
        """Return the content of a file for a field of this kind, image or audio."""
        text = base64.b64encode(raw).decode("ascii")
        made = cls(text if handle is None else f"{handle}={text}")
        is_audio = kind is FieldKind.AUDIO
        made.facts = describe_audio(raw) if is_audio else describe_image(raw)
        made.path = path
        return made

    @property
    def duration_s(self) -> float | None:
        """How long an audio file lasts; None where that is unknown."""
        return self.facts.duration_s if isinstance(self.facts, AudioFacts) else None

    def __deepcopy__(self, memo: object) -> Self:
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The format and size of an image, by its bytes.

    `format` is `jpg`, `png`, `webp`, or None for anything else; sides are in pixels as
    stored, 0 when they cannot be read.
    """

    format: str | None
    width: int
    height: int
    n_bytes: int


def file_size_problem(max_bytes: int) -> Problem:
    """Return the problem of a file that has more bytes than are allowed."""
    return Problem(
        field="",
        message=f"more than the {max_bytes:,} bytes allowed",
        hint="save it smaller, or give a URL",
    )


def describe_image(raw: bytes) -> ImageFacts:
    """Return the facts of an image, read from its bytes and not its name."""
    kind = next((name for magic, name in _IMAGE_MAGIC if magic.match(raw)), None)
    width, height = _image_size(raw) if kind else (0, 0)
    return ImageFacts(format=kind, width=width, height=height, n_bytes=len(raw))


def image_problems(
    facts: ImageFacts,
    max_bytes: int,
    *,
    field: str = "image",
    formats: tuple[str, ...] = IMAGE_FORMATS,
    max_side_px: int | None = None,
) -> tuple[Problem, ...]:
    """Return the problems for which the API refuses an image."""
    found = [*_file_size_problems(facts, max_bytes), *_content_problems(facts, formats)]
    longest = max(facts.width, facts.height)
    if max_side_px is not None and longest > max_side_px:
        found.append(f"the image is {longest} px long; {max_side_px} px is the most")
    return tuple(Problem(field=field, message=message) for message in found)


def image_problems_of_base64(
    text: str,
    max_bytes: int,
    *,
    field: str = "image",
    formats: tuple[str, ...] = IMAGE_FORMATS,
    max_side_px: int | None = None,
) -> tuple[Problem, ...]:
    """Return the problems of an image that is sent in a body."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        message = f"{field} is neither a URL nor bare base64"
        return (Problem(field=field, message=message),)
    facts = describe_image(raw)
    return image_problems(
        facts, max_bytes, field=field, formats=formats, max_side_px=max_side_px
    )


def _image_size(raw: bytes) -> tuple[int, int]:
    import imagesize  # type: ignore[import-untyped]  # -- it ships no types

    try:
        width, height = imagesize.get(io.BytesIO(raw))
    except ValueError:  # pragma: no cover -- imagesize 1 raises where 2 does not
        return 0, 0
    return max(0, width), max(0, height)


def _file_size_problems(facts: ImageFacts, max_bytes: int) -> Iterator[str]:
    if facts.n_bytes > max_bytes:
        size = facts.n_bytes / _MEBIBYTE
        yield f"the image has {size:.1f} MB; at most {max_bytes // _MEBIBYTE} are taken"


def _content_problems(facts: ImageFacts, formats: tuple[str, ...]) -> Iterator[str]:
    if facts.format not in formats:
        yield f"the file is not a {' or '.join(formats)} image"
    elif not facts.width or not facts.height:
        yield f"the {facts.format} image is damaged: its size cannot be read"
    else:
        yield from _dimension_problems(facts)


def _dimension_problems(facts: ImageFacts) -> Iterator[str]:
    sides = f"{facts.width}x{facts.height} px"
    if min(facts.width, facts.height) < MIN_SIDE_PX:
        yield f"the image is {sides}; each side needs at least {MIN_SIDE_PX} px"
    if not 1 / MAX_RATIO <= facts.width / facts.height <= MAX_RATIO:
        yield f"the image is {sides}; its ratio must lie between 1:2.5 and 2.5:1"


AUDIO_FORMATS = ("mp3", "wav", "m4a", "aac")

_AUDIO_MAGIC = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "wav"),
    (re.compile(rb"....ftyp", re.DOTALL), "m4a"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "aac"),
    (re.compile(rb"ID3|\xff[\xe0-\xff]"), "mp3"),
)
# ADTS, the bare stream of AAC: Hz by index, samples a frame, the shortest header.
_ADTS_HZ = (
    *(96000, 88200, 64000, 48000, 44100, 32000),
    *(24000, 22050, 16000, 12000, 11025, 8000, 7350),
)
_ADTS_FRAME_SAMPLES, _ADTS_HEADER_BYTES, _ADTS_SYNC = 1024, 7, 0xFFF
_TOLERANCE_S = 0.05  # codecs pad the ends


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """The format and duration of audio, by its bytes; None where they are unknown."""

    format: str | None
    duration_s: float | None
    n_bytes: int


def describe_audio(raw: bytes) -> AudioFacts:
    """Return the facts of audio, read from its bytes and not its name."""
    kind = next((name for magic, name in _AUDIO_MAGIC if magic.match(raw)), None)
    duration_s = None if kind is None else _duration_s(raw, kind)
    return AudioFacts(format=kind, duration_s=duration_s, n_bytes=len(raw))


def audio_problems(
    facts: AudioFacts, *, seconds: tuple[float, float] | None = None
) -> tuple[Problem, ...]:
    """Return the problems for which the API refuses audio.

    `seconds` are the shortest and the longest duration that it accepts.
    """
    found = list(_audio_problems(facts, seconds))
    return tuple(Problem(field="audio", message=message) for message in found)


def _audio_problems(
    facts: AudioFacts, seconds: tuple[float, float] | None
) -> Iterator[str]:
    if facts.format is None:
        yield f"the file is not a sound of the kinds {', '.join(AUDIO_FORMATS)}"
    if facts.duration_s is None or seconds is None:
        return
    low, high = seconds
    if not low - _TOLERANCE_S <= facts.duration_s <= high + _TOLERANCE_S:
        yield (
            f"the sound lasts {facts.duration_s:.1f} s; {low:g} to {high:g} s are taken"
        )


def _duration_s(raw: bytes, kind: str) -> float | None:
    """Return the duration that the file states or its frames come to, if any."""
    if kind == "aac":
        return _adts_duration_s(raw)
    from tinytag import TinyTag, TinyTagException

    try:
        found = TinyTag.get(file_obj=io.BytesIO(raw), tags=False)
    except TinyTagException:
        return None
    seconds = found.duration or None
    if seconds is not None and kind == "wav" and found.bitrate:
        # a WAV file that was written to a pipe states the largest size there is
        seconds = min(seconds, len(raw) * 8 / (found.bitrate * 1000))
    return seconds


def _adts_duration_s(raw: bytes) -> float | None:
    """Return the time of all frames, counted from one header to the next."""
    at, samples, hz = 0, 0, 0
    while at + _ADTS_HEADER_BYTES <= len(raw):
        bits = int.from_bytes(raw[at : at + _ADTS_HEADER_BYTES])
        size, rate = bits >> 13 & 0x1FFF, bits >> 34 & 15
        if bits >> 44 != _ADTS_SYNC or size < _ADTS_HEADER_BYTES:
            break
        if rate >= len(_ADTS_HZ):
            break
        hz, at = _ADTS_HZ[rate], at + size
        samples += _ADTS_FRAME_SAMPLES
    return samples / hz if hz else None
