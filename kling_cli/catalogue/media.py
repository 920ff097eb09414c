"""Facts of an image file and what of them the API does not take.

Source: API reference, section 5.4, read 2026-10-04: jpg or png (solutions: webp too),
10 or 50 MB by route, sides of at least 300 px, ratio between 1:2.5 and 2.5:1.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kling_cli.catalogue.definition.schema import Problem

MIN_SIDE_PX = 300
MAX_RATIO = 2.5

USUAL_FORMATS = ("jpg", "png")

_IMAGE_MAGIC = (
    (re.compile(rb"\xff\xd8\xff"), "jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp"),
)
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image is by its own bytes.

    `format` is `jpg`, `png`, `webp`, or None for anything else; sides are in pixels as
    stored, 0 when they cannot be read.
    """

    format: str | None
    width: int
    height: int
    n_bytes: int


def describe_image(raw: bytes) -> ImageFacts:
    """Return what `raw` is, whatever its name says."""
    kind = next((name for magic, name in _IMAGE_MAGIC if magic.match(raw)), None)
    width, height = _sides(raw) if kind else (0, 0)
    return ImageFacts(format=kind, width=width, height=height, n_bytes=len(raw))


def image_problems(
    facts: ImageFacts,
    max_bytes: int,
    *,
    field: str = "image",
    formats: tuple[str, ...] = USUAL_FORMATS,
    max_side_px: int | None = None,
) -> tuple[Problem, ...]:
    """Return what keeps the API from taking an image with these `facts`."""
    found = [*_size_faults(facts, max_bytes), *_picture_faults(facts, formats)]
    longest = max(facts.width, facts.height)
    if max_side_px is not None and longest > max_side_px:
        found.append(f"the image is {longest} px long; {max_side_px} px is the most")
    return tuple(Problem(field=field, message=message) for message in found)


def image_problems_of_base64(
    text: str,
    max_bytes: int,
    *,
    field: str = "image",
    formats: tuple[str, ...] = USUAL_FORMATS,
    max_side_px: int | None = None,
) -> tuple[Problem, ...]:
    """Return what is wrong with an image that travels in a body."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        message = f"{field} is neither a URL nor bare base64"
        return (Problem(field=field, message=message),)
    facts = describe_image(raw)
    return image_problems(
        facts, max_bytes, field=field, formats=formats, max_side_px=max_side_px
    )


def _sides(raw: bytes) -> tuple[int, int]:
    import imagesize  # type: ignore[import-untyped]  # -- it ships no types

    try:
        width, height = imagesize.get(io.BytesIO(raw))
    except ValueError:  # pragma: no cover -- imagesize 1 raises where 2 does not
        return 0, 0
    return max(0, width), max(0, height)


def _size_faults(facts: ImageFacts, max_bytes: int) -> Iterator[str]:
    if facts.n_bytes > max_bytes:
        size = facts.n_bytes / _MEBIBYTE
        yield f"the image has {size:.1f} MB; at most {max_bytes // _MEBIBYTE} are taken"


def _picture_faults(facts: ImageFacts, formats: tuple[str, ...]) -> Iterator[str]:
    if facts.format not in formats:
        yield f"the file is not a {' or '.join(formats)} image"
    elif not facts.width or not facts.height:
        yield f"the {facts.format} image is damaged: its size cannot be read"
    else:
        yield from _shape_faults(facts)


def _shape_faults(facts: ImageFacts) -> Iterator[str]:
    sides = f"{facts.width}x{facts.height} px"
    if min(facts.width, facts.height) < MIN_SIDE_PX:
        yield f"the image is {sides}; each side needs at least {MIN_SIDE_PX} px"
    if not 1 / MAX_RATIO <= facts.width / facts.height <= MAX_RATIO:
        yield f"the image is {sides}; its ratio must lie between 1:2.5 and 2.5:1"


FORMATS = ("mp3", "wav", "m4a", "aac")

_AUDIO_MAGIC = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "wav"),
    (re.compile(rb"....ftyp", re.DOTALL), "m4a"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "aac"),
    (re.compile(rb"ID3|\xff[\xe0-\xff]"), "mp3"),
)
# MPEG 1 and 2 layer III: kbit/s by index, Hz by index, samples a frame.
_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LAYER_III = 1
# MPEG 4: Hz by index, samples a frame, the shortest head of a frame.
_AAC_HZ = (
    *(96000, 88200, 64000, 48000, 44100, 32000),
    *(24000, 22050, 16000, 12000, 11025, 8000, 7350),
)
_AAC_FRAME, _ADTS_HEAD = 1024, 7
_ID3_HEAD = 10
_CHUNK_HEAD = 8
_TOLERANCE_S = 0.05  # codecs pad the ends


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """What a sound is by its own bytes; `seconds` is None where nobody can tell."""

    format: str | None
    seconds: float | None
    n_bytes: int


def describe_audio(raw: bytes) -> AudioFacts:
    """Return what `raw` is, whatever its name says."""
    kind = next((name for magic, name in _AUDIO_MAGIC if magic.match(raw)), None)
    seconds = None if kind is None else _SECONDS[kind](raw)
    return AudioFacts(format=kind, seconds=seconds, n_bytes=len(raw))


def audio_problems(
    facts: AudioFacts, *, seconds: tuple[float, float] | None = None
) -> tuple[Problem, ...]:
    """Return what keeps the API from taking a sound with these `facts`.

    `seconds` are the shortest and the longest it takes.
    """
    found = list(_faults(facts, seconds))
    return tuple(Problem(field="audio", message=message) for message in found)


def _faults(facts: AudioFacts, seconds: tuple[float, float] | None) -> Iterator[str]:
    if facts.format is None:
        yield f"the file is not a sound of the kinds {', '.join(FORMATS)}"
    if facts.seconds is None or seconds is None:
        return
    low, high = seconds
    if not low - _TOLERANCE_S <= facts.seconds <= high + _TOLERANCE_S:
        yield f"the sound lasts {facts.seconds:.1f} s; {low:g} to {high:g} s are taken"


def _wav_seconds(raw: bytes) -> float | None:
    """Return the bytes of the `data` chunk by the bytes a second of `fmt `."""
    at, rate, n_bytes = 12, 0, None
    while at + _CHUNK_HEAD <= len(raw):
        name, size = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        if name == b"fmt ":
            rate = int.from_bytes(raw[at + 16 : at + 20], "little")
        if name == b"data":
            n_bytes = min(size, len(raw) - at - _CHUNK_HEAD)
            break
        at += _CHUNK_HEAD + size + size % 2
    return n_bytes / rate if rate and n_bytes is not None else None


def _mp3_seconds(raw: bytes) -> float | None:
    """Return the frames' time: counted in a Xing head, or from a constant bit rate."""
    start = _after_id3(raw)
    head = int.from_bytes(raw[start : start + 4])
    version, layer = head >> 19 & 3, head >> 17 & 3
    rate, pace = head >> 12 & 15, head >> 10 & 3
    kbits = _KBITS[1 if version == 3 else 2]  # noqa: PLR2004 -- the code of MPEG 1
    is_frame = head >> 21 == 0x7FF and layer == _LAYER_III and version in _HZ  # noqa: PLR2004 -- the sync word
    if not is_frame or not 0 < rate < len(kbits) or pace >= len(_HZ[version]):
        return None
    n_frames = _xing_frames(raw[start : start + 200])
    if n_frames is not None:
        samples = 1152 if version == 3 else 576  # noqa: PLR2004 -- the code of MPEG 1
        return n_frames * samples / _HZ[version][pace]
    return (len(raw) - start) * 8 / (kbits[rate] * 1000)


def _after_id3(raw: bytes) -> int:
    if not raw.startswith(b"ID3") or len(raw) < _ID3_HEAD:
        return 0
    size = 0
    for each in raw[6:10]:
        size = size << 7 | each & 0x7F
    return _ID3_HEAD + size


def _xing_frames(head: bytes) -> int | None:
    """Return how many frames follow, where the encoder has written it down."""
    for name in (b"Xing", b"Info"):
        at = head.find(name)
        if at >= 0 and head[at + 7] & 1:
            return int.from_bytes(head[at + 8 : at + 12])
    return None


def _m4a_seconds(raw: bytes) -> float | None:
    """Return what the movie header of an MP4 file says."""
    head = _box(_box(raw, b"moov"), b"mvhd")
    wide = 8 if head[:1] == b"\1" else 4
    at = 4 + 2 * wide  # after the version and two dates
    scale = int.from_bytes(head[at : at + 4])
    ticks = int.from_bytes(head[at + 4 : at + 4 + wide])
    return ticks / scale if scale else None


def _box(raw: bytes, wanted: bytes) -> bytes:
    """Return the content of the first box of this name, nothing without one."""
    at = 0
    while at + _CHUNK_HEAD <= len(raw):
        size, name = int.from_bytes(raw[at : at + 4]), raw[at + 4 : at + 8]
        head = _CHUNK_HEAD
        if size == 1:  # the real one follows
            size, head = int.from_bytes(raw[at + 8 : at + 16]), 2 * _CHUNK_HEAD
        if name == wanted:
            return raw[at + head : at + size if size else None]
        if size < head:
            break
        at += size
    return b""


def _aac_seconds(raw: bytes) -> float | None:
    """Return the time of all frames, counted from one head to the next."""
    at, samples, hz = 0, 0, 0
    while at + _ADTS_HEAD <= len(raw):
        bits = int.from_bytes(raw[at : at + _ADTS_HEAD])
        size, pace = bits >> 13 & 0x1FFF, bits >> 34 & 15
        if bits >> 44 != 0xFFF or size < _ADTS_HEAD or pace >= len(_AAC_HZ):  # noqa: PLR2004 -- the sync word
            break
        hz, at = _AAC_HZ[pace], at + size
        samples += _AAC_FRAME
    return samples / hz if hz else None


_SECONDS = {
    "wav": _wav_seconds,
    "mp3": _mp3_seconds,
    "m4a": _m4a_seconds,
    "aac": _aac_seconds,
}
