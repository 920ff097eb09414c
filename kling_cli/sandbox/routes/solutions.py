"""Validation messages of the solutions, in the words of their own pages.

Solutions have a sentence for each mistake, where other calls name the field and value.
Source: API reference, section 2.10 and errors, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from kling_cli.products import catalogue
from kling_cli.products.image import problems_of_base64
from kling_cli.products.limits import is_url

Item = Mapping[str, Any]
Items = list[Item]

IMAGE_MAX_BYTES = 50 * 1024 * 1024
IMAGE_FORMATS = ("jpg", "png", "webp")
MAX_GLOSSARY, MAX_TERM_CHARS = 200, 100
BGM_IS_EMPTY = (
    "bgm is provided but url is empty. Please provide a BGM file URL or remove bgm to "
    "use the system default BGM."
)
CLOTHES_RATIOS = (
    "aspect_ratio only supports 9:16, 2:3, 3:4, 1:1, 4:3, 3:2, 16:9 and 21:9."
)
INVALID_VOICE = "Invalid voice_id. Please select a valid voice from the voice library."
ONE_AVATAR = (
    "Exactly one avatar source is required: provide avatar_image (with voiceId) or "
    "avatar_id, not both."
)
NO_RATE = "Speech rate adjustment not supported in Video Commerce."
NO_PRODUCT_IMAGE = "Product image is missing. Please upload at least one product image."
BAD_SOURCE = "source_video is missing. Please provide exactly one source_video."
BAD_TERM = "Each glossary entry must be non-empty and no longer than 100 characters."
NOT_POSITIVE = "margin_v, font_size and target_cps must be positive integers."
OUT_OF_RANGE = "{name} out of range. Please provide a value between {low} and {high}."


@dataclass(frozen=True, slots=True)
class SolutionRequest:
    """A solution's body: its items by their type, and its settings."""

    items: Mapping[str, Items]
    settings: Mapping[str, Any]

    def of(self, kind: str) -> Items:
        return self.items.get(kind, [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What one solution refuses, and the message for each, in the order of checking.

    `missing`, `most` and `longest` go by the type of an item, `settings` by the name of
    a setting; `unsupported_image` is for images that `images` are the types of.
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    most: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    longest: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    settings: Mapping[str, tuple[tuple[Any, ...], str]] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    unsupported_image: str = ""
    more: Callable[[SolutionRequest], Iterator[str]] | None = None


def solution_message(path: str, body: Mapping[str, Any]) -> str | None:
    """Return what the page of the solution at `path` says of `body`.

    None where it says nothing, or the body is too odd for its sentences.
    """
    wording, contents = _WORDINGS.get(path), body.get("contents")
    if wording is None or not isinstance(contents, list) or not contents:
        return None
    items: dict[str, Items] = {}
    for each in contents:
        if not isinstance(each, Mapping):
            return None
        items.setdefault(str(each.get("type")), []).append(each)
    settings = body.get("settings")
    settings = settings if isinstance(settings, Mapping) else {}
    return next(_messages(wording, SolutionRequest(items, settings)), None)


def _messages(wording: Wording, request: SolutionRequest) -> Iterator[str]:
    yield from (
        message for kind, message in wording.missing.items() if not request.of(kind)
    )
    yield from (
        message
        for kind, (most, message) in wording.most.items()
        if len(request.of(kind)) > most
    )
    yield from (
        message
        for kind, (longest, message) in wording.longest.items()
        if any(len(str(each.get("text", ""))) > longest for each in request.of(kind))
    )
    if wording.more is not None:
        yield from wording.more(request)
    yield from (
        message
        for name, (choices, message) in wording.settings.items()
        if request.settings.get(name) not in (None, *choices)
    )
    urls = [each.get("url") for kind in wording.images for each in request.of(kind)]
    if any(isinstance(url, str) and _is_bad_image(url) for url in urls):
        yield wording.unsupported_image


def _is_bad_image(url: str) -> bool:
    return not is_url(url) and any(
        problems_of_base64(url, IMAGE_MAX_BYTES, field="url", formats=IMAGE_FORMATS)
    )


def _clothing_messages(request: SolutionRequest) -> Iterator[str]:
    if any(not each.get("url") for each in request.of("bgm")):
        yield BGM_IS_EMPTY
    (model,) = catalogue.load("clothing-dupe").models
    voices = model.limits["solutions"]["voice"].choices or ()
    if any(each.get("voice_id") not in voices for each in request.of("voice")):
        yield INVALID_VOICE


def _presenter_messages(request: SolutionRequest) -> Iterator[str]:
    own, ready = request.of("avatar_image"), request.of("avatar_id")
    if len(own) + len(ready) != 1:
        yield ONE_AVATAR
    if own and request.settings.get("voice_id") is None:
        yield "voiceId is required when uploading an avatar_image."
    products = [kind for kind in _PRODUCT_ITEMS if request.of(kind)]
    if not products and not request.of("speech_script"):
        yield "speech_script is required for single-person videos."
    if products and not request.of("ref_image"):
        yield NO_PRODUCT_IMAGE
    if products and not request.of("goods_title"):
        yield "goods_title is required when product content is provided."
    if products and request.settings.get("speech_rate") is not None:
        yield NO_RATE


def _subtitle_messages(request: SolutionRequest) -> Iterator[str]:
    if any(not is_url(str(each.get("url", ""))) for each in request.of("source_video")):
        yield BAD_SOURCE
    terms = (each.get(k) for each in request.of("glossary") for k in _TERM_KEYS)
    if any(not _is_term(each) for each in terms):
        yield BAD_TERM
    values = {name: request.settings.get(name) for name in _RANGES}
    if not all(value is None or _is_positive(value) for value in values.values()):
        yield NOT_POSITIVE
    for name, (low, high) in _RANGES.items():
        value = values[name]
        if _is_positive(value) and not low <= value <= high:
            yield OUT_OF_RANGE.format(name=name, low=low, high=high)


def _is_term(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_TERM_CHARS


def _is_positive(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _only_one(kinds: Iterable[str]) -> dict[str, tuple[int, str]]:
    return {
        kind: (1, f"Only one {kind} item is allowed in contents.") for kind in kinds
    }


_PRODUCT_ITEMS = (
    *("ref_image", "goods_title", "goods_price"),
    *("goods_target_audience", "goods_selling_point"),
)
_TERM_KEYS = ("source", "target")
_RANGES = {"target_cps": (10, 20), "margin_v": (1, 4096), "font_size": (1, 512)}
_RESOLUTIONS = ("720p", "1080p")
_WIDE_OR_HIGH = ("9:16", "16:9")

_WORDINGS: Mapping[str, Wording] = {
    "/solutions/e-commerce/goods_studio": Wording(
        missing={
            "ref_image": "Product image is missing. Please upload a product image.",
            "goods_title": "Product title is missing. Please provide a product title.",
        },
        most={
            "ref_image": (5, "At most 5 ref_image items are allowed in contents."),
            **_only_one(("goods_title", "goods_description")),
        },
        longest={
            "goods_title": (200, "goods_title exceeds the 200-character limit."),
            "goods_description": (
                2000,
                "goods_description exceeds the 2000-character limit.",
            ),
        },
        settings={
            "resolution": (
                _RESOLUTIONS,
                "Unsupported resolution. Only 720p and 1080p are supported.",
            ),
            "aspect_ratio": (
                ("9:16", "1:1", "16:9"),
                "aspect_ratio only supports 9:16, 1:1 and 16:9.",
            ),
            "duration": (
                (15, 30, 60),
                "Unsupported duration. Only 15, 30 and 60 seconds are supported.",
            ),
        },
        images=("ref_image",),
        unsupported_image="Unsupported product image. Please check the image format, "
        "size and dimensions.",
    ),
    "/solutions/e-commerce/clothing_dupe": Wording(
        missing={
            "source_video": "Reference video is missing. Please upload a reference "
            "video.",
            "product_image": "Product image is missing. Please upload a product image.",
            "product_info": "Product description is missing. Please provide a product "
            "description.",
        },
        most=_only_one(("bgm", "voice")),
        settings={
            "resolution": (
                _RESOLUTIONS,
                "Unsupported resolution. Only 720P and 1080P are supported.",
            ),
            "aspect_ratio": (
                ("9:16", "2:3", "3:4", "1:1", "4:3", "3:2", "16:9", "21:9"),
                CLOTHES_RATIOS,
            ),
        },
        more=_clothing_messages,
    ),
    "/solutions/talking_agent": Wording(
        settings={
            "speech_rate": (
                (0.8, 1.0, 1.2),
                "speechRate only supports 0.8, 1.0 and 1.2.",
            ),
            "resolution": (
                _RESOLUTIONS,
                "Unsupported resolution. Only 720p and 1080p are supported.",
            ),
            "aspect_ratio": (
                _WIDE_OR_HIGH,
                "aspect_ratio only supports 9:16 and 16:9.",
            ),
        },
        images=("avatar_image", "ref_image"),
        unsupported_image="Unsupported image. Please check the image format, size and "
        "dimensions.",
        more=_presenter_messages,
    ),
    "/solutions/drama_subtitle": Wording(
        missing={
            "source_video": "Source video is missing. Please provide a source video "
            "URL.",
        },
        most={
            **_only_one(("source_video",)),
            "glossary": (MAX_GLOSSARY, "Glossary exceeds the limit of 200 entries."),
        },
        more=_subtitle_messages,
    ),
}
