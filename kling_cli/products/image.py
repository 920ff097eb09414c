"""Facts of an image file and what of them the API does not take.

Source: API reference, section 5.4, read 2026-10-04: jpg or png, 10 or 50 MB by route,
sides of at least 300 px, ratio between 1:2.5 and 2.5:1.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from dataclasses import dataclass

from kling_cli.products.model import Problem

MIN_SIDE_PX = 300
MAX_RATIO = 2.5

_MAGIC = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image is by its own bytes.

    `format` is `jpg`, `png`, or None for anything else; sides are in pixels as stored,
    0 when they cannot be read.
    """

    format: str | None
    width: int
    height: int
    n_bytes: int


def describe(raw: bytes) -> ImageFacts:
    """Return what `raw` is, whatever its name says."""
    kind = next((v for magic, v in _MAGIC.items() if raw.startswith(magic)), None)
    width, height = _sides(raw) if kind else (0, 0)
    return ImageFacts(format=kind, width=width, height=height, n_bytes=len(raw))


def problems(
    facts: ImageFacts, max_bytes: int, *, field: str = "image"
) -> tuple[Problem, ...]:
    """Return what keeps the API from taking an image with these `facts`."""
    return tuple(
        Problem(field=field, message=message) for message in _faults(facts, max_bytes)
    )


def problems_of_base64(
    text: str, max_bytes: int, *, field: str = "image"
) -> tuple[Problem, ...]:
    """Return what is wrong with an image that travels in a body."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        message = "is neither a URL nor bare base64"
        return (Problem(field=field, message=f"{field} {message}"),)
    return problems(describe(raw), max_bytes, field=field)


def _sides(raw: bytes) -> tuple[int, int]:
    import imagesize  # type: ignore[import-untyped]  # -- it ships no types

    try:
        width, height = imagesize.get(io.BytesIO(raw))
    except (ValueError, OSError):
        return 0, 0
    return max(0, width), max(0, height)


def _faults(facts: ImageFacts, max_bytes: int) -> Iterator[str]:
    if facts.n_bytes > max_bytes:
        size = facts.n_bytes / _MEBIBYTE
        yield f"the image has {size:.1f} MB; at most {max_bytes // _MEBIBYTE} are taken"
    if facts.format is None:
        yield "the file is not a jpg or png image"
        return
    if not facts.width or not facts.height:
        yield f"the {facts.format} image is damaged: its size cannot be read"
        return
    sides = f"{facts.width}x{facts.height} px"
    if min(facts.width, facts.height) < MIN_SIDE_PX:
        yield f"the image is {sides}; each side needs at least {MIN_SIDE_PX} px"
    ratio = facts.width / facts.height
    if not 1 / MAX_RATIO <= ratio <= MAX_RATIO:
        yield f"the image is {sides}; its ratio must lie between 1:2.5 and 2.5:1"
