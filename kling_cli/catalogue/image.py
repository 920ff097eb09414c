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

from kling_cli.catalogue.model import Problem

MIN_SIDE_PX = 300
MAX_RATIO = 2.5

USUAL_FORMATS = ("jpg", "png")

_MAGIC = (
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


def describe(raw: bytes) -> ImageFacts:
    """Return what `raw` is, whatever its name says."""
    kind = next((name for magic, name in _MAGIC if magic.match(raw)), None)
    width, height = _sides(raw) if kind else (0, 0)
    return ImageFacts(format=kind, width=width, height=height, n_bytes=len(raw))


def problems(
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


def problems_of_base64(
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
    facts = describe(raw)
    return problems(
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
