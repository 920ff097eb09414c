"""The catalogue says what the API reference says, field by field and rule by rule.

Where it does not, the reason stands here; a reason that is no longer needed fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from tests.catalogue.reference import CALLS, Call, call_of, differences

LEFT_OUT = {
    # No product of the catalogue goes there. What has one by now is compared.
    "legacy.multi_elements.init": "a step of a session, and no product",
    "legacy.multi_elements.add": "a step of a session, and no product",
    "legacy.multi_elements.delete": "a step of a session, and no product",
    "legacy.multi_elements.clear": "a step of a session, and no product",
    "legacy.multi_elements.preview": "a step of a session, and no product",
    "legacy.multi_elements.create": "not described yet",
    "legacy.identify_face": "not described yet",
    "legacy.advanced_lip_sync.create": "not described yet",
    "legacy.effects.create": "not described yet",
    "legacy.omni_video.create": "not described yet",
    "unified.omni_video.kling-3.0-omni": "not described yet",
    "unified.omni_video.kling-o1": "not described yet",
}

_BY_RULE = "a rule needs one of prompt and shots"
_OURS = "fixed: a person may say --sound, the field is known and ignored"
_SHOTS = "the written-out rule `shots` bounds them"

REASONS: Mapping[str, Mapping[str, str]] = {
    "unified.text_to_video.kling-3.0-turbo": {
        "prompt: needed": _BY_RULE,
        "also settings.audio": _OURS,
    },
    "unified.text_to_video.kling-3.0": {"prompt: needed": _BY_RULE},
    "unified.text_to_video.kling-2.6": {"prompt: needed": _BY_RULE},
    "unified.text_to_video.kling-2.5-turbo": {
        "prompt: needed": _BY_RULE,
        "also settings.audio": _OURS,
    },
    "unified.image_to_video.kling-3.0-turbo": {"also settings.audio": _OURS},
    "unified.image_to_video.kling-2.5-turbo": {"also settings.audio": _OURS},
    "legacy.text2video.create": {
        "multi_prompt[].index: lowest": _SHOTS,
        "multi_prompt[].index: highest": _SHOTS,
    },
    "legacy.image2video.create": {
        "multi_prompt[].index: lowest": _SHOTS,
        "multi_prompt[].index: highest": _SHOTS,
        "camera_control.type: words": "v1-5 alone moves it here, by simple only",
    },
    "legacy.elements.create": {
        "reference_type: needed": "said by what is given: pictures or a video",
    },
    "legacy.omni_video.create": {
        "multi_prompt[].index: lowest": _SHOTS,
        "multi_prompt[].index: highest": _SHOTS,
    },
    "legacy.effects.create": {"no input.image": "an image alone goes there"},
    "solutions.virtual_try_on": {
        "no contents[].text": "none of its items has a text",
    },
}

_FRAME = "a first frame is required, so a last one never stands alone"
_COUNT = "a limit: how many of them"
_NO_FIELD = "the route has no mapping for it"
_LENGTH = "of the file behind a URL: a `length`, and the help"
_HANDLES = "the mapping has handles"
_KINDS = "an id does not tell the kind of an element; what both kinds allow is a rule"
_BESIDE_VIDEO = ("images-base-video", "images-feature-video")

RULES: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    # A rule of the reference by rules of the catalogue, or by what else says it.
    "unified.text_to_video.kling-3.0-turbo": {"no-audio-field": "sound is fixed"},
    "unified.image_to_video.kling-3.0-turbo": {
        "first-frame-only": "the model takes no last frame",
        "no-aspect-ratio": _NO_FIELD,
    },
    "unified.image_to_video.kling-3.0": {
        "first-required": _FRAME,
        "elements-max": _COUNT,
        "at-handles": _HANDLES,
        "no-aspect-ratio": _NO_FIELD,
    },
    "unified.image_to_video.kling-2.6": {
        "first-required": _FRAME,
        "voice-needs-audio": ("voice-sound",),
    },
    "unified.image_to_video.kling-2.5-turbo": {"first-required": _FRAME},
    "unified.omni_video.kling-3.0-omni": {
        "images-mixed": _KINDS,
        "images-with-video": _BESIDE_VIDEO,
        "video-character-with-video": _KINDS,
        "video-character-only": _KINDS,
        "feature-video": ("feature-sound", "feature-shots"),
        "base-video": ("base-no-frames", "base-no-shots", "base-sound"),
        "video-input": _LENGTH,
        "at-handles": _HANDLES,
    },
    "unified.omni_video.kling-o1": {
        "images-with-video": _BESIDE_VIDEO,
        "elements-kind": _KINDS,
        "feature-video": ("feature-last-frame",),
        "base-video": ("base-no-frames",),
        "duration-first-frame": ("o1-first-frame-length",),
        "video-input": _LENGTH,
        "no-multi-shot": ("o1-no-shots",),
    },
    "legacy.omni_video.create": {
        "counts": ("counts-no-video", "counts-base-video", "counts-feature-video"),
    },
    "legacy.multi_elements.create": {
        "images": ("addition", "swap", "removal"),
        "duration": "of the session: its `video_durations`",
    },
    "legacy.effects.create": {
        "shape": ("dual", "single"),
        "old-shape": "no longer documented",
    },
    "unified.motion_control.kling-3.0": {
        "orientation-length": _LENGTH,
        "output-length": "a `length`",
        "element-max": _COUNT,
    },
    "unified.motion_control.kling-2.6": {
        "orientation-length": _LENGTH,
        "output-length": "a `length`",
    },
    "legacy.video_extend.create": {
        "max-length": "the API alone knows how long the video is already",
        "model": _NO_FIELD,
    },
    "legacy.motion_control.create": {"orientation-length": _LENGTH},
    "legacy.elements.create": {"kind": ("from-pictures", "from-video")},
    "solutions.virtual_try_on": {
        "images": "both are required; the rest is of files behind URLs",
        "quirk": "of answers: both forms are read",
    },
    "solutions.goods_studio": {"images": _COUNT, "texts": "neither is repeated"},
    "solutions.clothing_dupe": {"counts": _COUNT},
    "solutions.talking_agent": {
        "goods": (
            "goods-products", "goods-title", "goods-price", "goods-audience",
            "goods-points",
        ),
        "rate": ("goods-products", "goods-title"),
    },
    "solutions.drama_subtitle": {
        "glossary": _COUNT,
        "no-watermark": _NO_FIELD,
    },
}  # fmt: skip

DESCRIBED = [call for each in CALLS if (call := call_of(each)) is not None]

each_call = pytest.mark.parametrize("call", DESCRIBED, ids=lambda call: call.id)


def test_every_documented_call_has_its_product_or_a_reason() -> None:
    missing = {each["id"] for each in CALLS} - {call.id for call in DESCRIBED}

    assert missing - LEFT_OUT.keys() == set()


@each_call
def test_every_documented_fact_is_in_the_catalogue_or_has_a_reason(call: Call) -> None:
    assert set(differences(call)) == REASONS.get(call.id, {}).keys()


@each_call
def test_every_documented_rule_is_in_the_catalogue_or_has_a_reason(call: Call) -> None:
    known = {rule.id for rule in call.product.rules}
    elsewhere = RULES.get(call.id, {})
    for rule, words in call.documented["rules"].items():
        said = (rule,) if rule in known else elsewhere.get(rule, ())

        assert said, f"{call.id} {rule}: {words}"
        assert isinstance(said, str) or set(said) <= known, rule


@pytest.mark.parametrize(
    "product",
    [*loader.all_products(), *loader.all_managed()],
    ids=lambda product: product.name,
)
def test_every_path_of_the_catalogue_is_documented(product: Any) -> None:
    paths = {
        route.create_path.replace("{model}", model.wire_ids[route.name])
        for route in product.routes
        for model in product.models
        if route.name in model.wire_ids
    }

    assert paths - {each["path"] for each in CALLS} == set()
