"""Jobs of any kind the catalogue describes, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, strategies as st

from kling_cli.catalogue.decoder import list_paths
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Field, FieldKind, Limits, Plan, Route

FRAME = "https://img.example.com/a.png"
CLIP = "https://vid.example.com/a.mp4"
SOUND = "https://snd.example.com/a.mp3"
FRAME_BASE64 = "aGVsbG8="  # no picture, but nothing that only builds bodies looks

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
IDS = st.integers(1, 10**19).map(str)
NAMES = st.from_regex(r"[a-z]{4}[0-9]", fullmatch=True)
NAMED_IDS = st.tuples(NAMES, IDS).map("=".join)
NAMED_FRAMES = st.just(FRAME) | NAMES.map(lambda name: f"{name}={FRAME}")
NAMED_CLIPS = st.just(CLIP) | NAMES.map(lambda name: f"{name}={CLIP}")
NAMED = {FieldKind.IMAGE: NAMED_FRAMES, FieldKind.VIDEO: NAMED_CLIPS}
SHOT_WORDS = st.from_regex(r"[a-z ,]{0,9}[a-z]", fullmatch=True)
SHOTS = st.tuples(st.integers(1, 3).map(str), SHOT_WORDS).map(":".join)

BY_KIND: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: WORDS,
    FieldKind.SWITCH: st.booleans(),
    FieldKind.IMAGE: st.sampled_from([FRAME, FRAME_BASE64]),
    FieldKind.AUDIO: st.sampled_from([SOUND, FRAME_BASE64]),
    FieldKind.VIDEO: st.just(CLIP),
    FieldKind.LINK: st.just(SOUND),
    FieldKind.TIME: st.integers(0, 60_000).map(lambda ms: ms / 1000),
    FieldKind.JSON: st.dictionaries(
        st.sampled_from(["a", "b"]), st.integers(), min_size=1
    ),
}


def single_values(field: Field, limits: Limits) -> st.SearchStrategy[Any]:
    """Return values of the right kind and within the range, if not of any length."""
    if field.has_handle:
        return NAMED.get(field.kind, IDS | NAMED_IDS)
    if field.name == "shots":
        return SHOTS
    if limits.choices:
        return st.sampled_from(limits.choices)
    if field.kind is FieldKind.INTEGER:
        return st.integers(int(limits.minimum or 0), int(limits.maximum or 99))
    if field.kind is FieldKind.NUMBER:
        return st.floats(limits.minimum, limits.maximum)
    return BY_KIND[field.kind]


def values_of(field: Field, limits: Limits) -> st.SearchStrategy[Any]:
    """Return values for the field, tuples of them for a repeated one."""
    each = single_values(field, limits)
    many = st.lists(each, min_size=1, max_size=limits.max_items or 6)
    return many.map(tuple) if field.is_repeated else each


def has_its_entry(route: Route, name: str, names: list[str]) -> bool:
    """Say whether the entry that a value is part of is there: a video for its sound."""
    at = route.mappings[name].path
    others = [mapping for each, mapping in route.mappings.items() if each in names]
    is_inside = [each for each in list_paths(route) if at.startswith(f"{each}.")]
    return not is_inside or any(mapping.path in is_inside for mapping in others)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Plan, dict[str, Any]]:
    """Draw a plan and values it has mappings for; rules between them may be broken."""
    product = draw(st.sampled_from(loader.all_products()))
    route = draw(st.sampled_from(product.routes))
    reachable = [model for model in product.models if route.name in model.wire_ids]
    model = draw(st.sampled_from(reachable))
    plan = Plan(product=product, route=route, model=model)
    sayable = [
        name
        for name, limits in plan.limits.items()
        if not limits.is_fixed and name in route.mappings
    ]
    names = draw(st.lists(st.sampled_from(sayable), unique=True))
    assume(not {"prompt", "shots"} <= set(names))
    assume(not {"base_video", "feature_video"} <= set(names))  # one entry is the most
    names = [name for name in names if has_its_entry(plan.route, name, names)]
    values = {
        name: draw(values_of(product.field(name), plan.limits[name])) for name in names
    }
    return plan, values
