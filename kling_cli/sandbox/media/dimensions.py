"""How wide and how high what is made will be: as asked for, or like an input."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

from kling_cli.errors import KlingError
from kling_cli.products.image import describe
from kling_cli.products.limits import is_url
from kling_cli.products.prompt import split_handle
from kling_cli.sandbox.media.video import size_for

if TYPE_CHECKING:
    from kling_cli.products.image import ImageFacts

Values = Mapping[str, Any]

MIN_RATIO, MAX_RATIO = 0.4, 2.5  # of an image that may be sent
IMAGE_PX = {"1k": 1024, "2k": 2048, "4k": 4096}
_SIDES = ("left", "right"), ("up", "down")


def film_size(wanted: Values) -> tuple[int, int]:
    """Return width and height in pixels: those of a frame, or what was asked for."""
    seen = _seen(next(_frames(wanted), None))
    ratio = _ratio_of(seen) or _asked_ratio(wanted) or _scene_ratio(wanted)
    return size_for(str(wanted.get("resolution")), ratio)


def _frames(wanted: Values) -> Iterator[str]:
    """Yield the images that a film may have its shape from."""
    for name in ("first_frame", "image", "last_frame", "images"):
        value = wanted.get(name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, str):
                yield split_handle(each)[1]


def _scene_ratio(wanted: Values) -> float:
    """Return the ratio where nothing says it: some scenes are portraits by name."""
    is_portrait = str(wanted.get("scene")).endswith("_9_16")
    return 9 / 16 if is_portrait else 16 / 9


def image_size(body: Values, wanted: Values) -> tuple[int, int]:
    """Return width and height in pixels: what was asked for, or the input's shape."""
    side = IMAGE_PX.get(str(wanted.get("resolution")), IMAGE_PX["1k"])
    seen = _seen(body.get("image") or body.get("human_image"))
    ratio = _asked_ratio(wanted) or _ratio_of(seen) or 1.0
    width, height = side * sqrt(ratio), side / sqrt(ratio)
    across, down = (
        1 + sum(_share(body, f"{side}_expansion_ratio") for side in sides)
        for sides in _SIDES
    )
    return round(width * across), round(height * down)


def _share(body: Values, name: str) -> float:
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _asked_ratio(wanted: Values) -> float | None:
    """Return width:height as asked for; None where it is left to the model."""
    width, _, height = str(wanted.get("aspect_ratio") or "").partition(":")
    if not (width.isdecimal() and height.isdecimal()):
        return None
    return int(width) / int(height)


def _ratio_of(seen: ImageFacts | None) -> float | None:
    if seen is None or not (seen.width and seen.height):
        return None
    return min(max(seen.width / seen.height, MIN_RATIO), MAX_RATIO)


def _seen(value: Any) -> ImageFacts | None:
    """Return what an image sent as base64 looks like; None for a link to one."""
    if not isinstance(value, str) or is_url(value):
        return None
    try:
        return describe(base64.b64decode(value, validate=False))
    except (KlingError, ValueError):
        return None
