"""Handles and positions refer to the same input, whatever the order of a body."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from hypothesis import given, strategies as st

from kling_cli.catalogue import decoder, validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan
from tests.support.encoding import encode_body

PRODUCT = loader.load_product("omni-video")
MODEL = next(each for each in PRODUCT.models if each.id == "kling-3.0-omni")
NEW, LEGACY = (
    Plan(product=PRODUCT, route=route, model=MODEL) for route in PRODUCT.routes
)
NAMES = st.lists(
    st.sampled_from(["", "hero", "room", "crown"]), max_size=3, unique=True
)
LISTS = {"image": "image_list", "video": "video_list", "element": "element_list"}
KEYS = ("image_url", "video_url", "element_id")


def link(number: int) -> str:
    return f"https://files.example.com/{number}"


@st.composite
def inputs(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Draw inputs, some of them named, and what the prompt calls each of them."""
    numbers, taken = count(1), iter(["hero", "room", "crown", "clip", "girl", "dusk"])
    values: dict[str, Any] = {}
    calls: list[tuple[str, str]] = []

    def put(value: str, usual: str) -> str:
        name = next(taken) if draw(st.booleans()) and len(calls) < 6 else None
        calls.append((name or usual, value))
        return f"{name}={value}" if name else value

    for field, noun, many in (("refer_images", "image", 2), ("elements", "element", 1)):
        size = draw(st.integers(0, many))
        urls = [next(numbers) for _ in range(size)]
        made = [str(n) if noun == "element" else link(n) for n in urls]
        values[field] = tuple(put(v, f"{noun}_{n}") for n, v in enumerate(made, 1))
    for field, usual in (("first_frame", "first_frame"), ("feature_video", "video_1")):
        if draw(st.booleans()):
            values[field] = put(link(next(numbers)), usual)
    order = draw(st.permutations(calls))
    values["prompt"] = " then ".join(f"@{handle}" for handle, _ in order) or "nothing"
    return values, list(order)


def build(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    return encode_body(plan, values, external_id=None, callback_url=None, extra={})


def positions_of(raw: dict[str, Any]) -> list[str]:
    """Return the values that a legacy prompt leads to, in the order of its words."""
    return [
        str(next(raw[LISTS[noun]][int(at) - 1][k] for k in KEYS if k.startswith(noun)))
        for noun, at in re.findall(r"<<<(\w+?)_(\d+)>>>", raw["prompt"])
    ]


def handles_of(raw: dict[str, Any]) -> list[str]:
    """Return the values that a new prompt leads to, in the order of its words."""
    (text,) = (each["text"] for each in raw["contents"] if each["type"] == "prompt")
    by_id = {
        each["id"]: each.get("url") or each["element_id"]
        for each in raw["contents"]
        if "id" in each
    }
    return [by_id[name] for name in re.findall(r"@(\w+)", text)]


@given(inputs())
def test_every_handle_refers_to_its_input_in_both_generations(
    drawn: tuple[dict[str, Any], list[tuple[str, str]]],
) -> None:
    values, calls = drawn
    wanted = [value for _, value in calls]

    assert (
        validation.find_problems(LEGACY, values)
        == validation.find_problems(NEW, values)
        == ()
    )
    assert positions_of(build(LEGACY, values)) == wanted
    assert handles_of(build(NEW, values)) == wanted


def shuffled(raw: dict[str, Any], random: Any) -> dict[str, Any]:
    """Return the same request with its lists in another order."""
    raw = {**raw, **{at: list(raw[at]) for at in LISTS.values() if at in raw}}
    numbers: dict[str, str] = {}
    for noun, at in LISTS.items():
        before = list(raw.get(at, ()))
        random.shuffle(raw.get(at, []))
        for number, entry in enumerate(raw.get(at, ()), 1):
            numbers[f"{noun}_{before.index(entry) + 1}"] = f"{noun}_{number}"
    words = re.split(r"<<<(\w+)>>>", raw["prompt"])
    words[1::2] = [f"<<<{numbers[word]}>>>" for word in words[1::2]]
    return {**raw, "prompt": "".join(words)}


@given(inputs(), st.randoms(use_true_random=False))
def test_a_legacy_body_in_any_order_decodes_to_the_same_inputs(
    drawn: tuple[dict[str, Any], list[tuple[str, str]]], random: Any
) -> None:
    values, calls = drawn
    raw = shuffled(build(LEGACY, values), random)

    found, problems = decoder.decode_body(PRODUCT, LEGACY.route, MODEL, raw)

    assert problems == ()
    assert positions_of(raw) == [value for _, value in calls]
    assert positions_of(build(LEGACY, found)) == positions_of(raw)
