"""Parses and encodes prompts: shots of a storyboard, and handles of inputs.

Shots have two spellings: in the new standard they are part of the text, `shot 1, 2,
words; shot 2, 3, words;`, in legacy bodies a list. Ours is `SECONDS:WORDS` for each.
Handles are `@name` for a person and in the new standard, `<<<voice_1>>>` in legacy
bodies, N counting the entries of a kind in the order of the body. Source: API
reference, sections 2.2 to 2.4 and 2.6, read 2026-10-04.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from kling_cli.catalogue.definition.schema import (
    Field,
    FieldMapping,
    Plan,
    Product,
    Route,
)

PROMPT_FIELDS = ("prompt", "shots")  # the fields whose text may name handles
MAX_SHOTS = 6
MAX_SHOT_CHARS = 512

_SHOT = re.compile(
    r"(?:^|;)\s*(?:shot|镜头)\s*(\d{1,3})\s*,\s*(\d{1,4})\s*,\s*", re.IGNORECASE
)
_SHOT_OPTION = re.compile(r"\s*(\d{1,4})\s*s?\s*:\s*(.+)", re.DOTALL)
_HANDLE = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,31})=(?!=?$)(.+)", re.DOTALL)
_SIMILARITY = 0.75  # `crwn` for `crown`
_POSITION = re.compile(r"<<<\s*(\w+_\d+)\s*>>>")


class Shot(NamedTuple):
    """One shot of a storyboard: its number from 1, length in seconds, and prompt."""

    number: int
    seconds: int
    text: str


class Reference(NamedTuple):
    """A value that a prompt can refer to, by handle or by position (legacy)."""

    field: str
    value: str
    handle: str
    position: str


def parse_shots(values: Iterable[Any]) -> tuple[Shot, ...]:
    """Return the shots of `3:words` texts, or of `{"duration", "prompt"}` objects.

    Raises:
        ValueError: one is neither; the message quotes it.
    """
    return tuple(_parse_shot(number, value) for number, value in enumerate(values, 1))


def _parse_shot(number: int, value: Any) -> Shot:
    if isinstance(value, Mapping):
        seconds, text = value.get("duration"), value.get("prompt")
        if re.fullmatch(r"\d{1,4}", str(seconds)) and isinstance(text, str):
            return Shot(number, int(str(seconds)), text)
    elif isinstance(value, str) and (match := _SHOT_OPTION.fullmatch(value)):
        return Shot(number, int(match[1]), match[2].strip())
    raise ValueError(f"{value!r} is not SECONDS:WORDS")


def parse_prompt_shots(text: str) -> tuple[Shot, ...]:
    """Return the shots that a prompt spells out in the syntax of the new standard."""
    marks = list(_SHOT.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return tuple(
        Shot(
            int(mark[1]),
            int(mark[2]),
            text[mark.end() : end].strip().rstrip(";").strip(),
        )
        for mark, end in zip(marks, ends, strict=True)
    )


def encode_shot_text(shots: Iterable[Shot]) -> str:
    """Return the shots as the text of a prompt of the new standard."""
    return " ".join(f"shot {n}, {seconds}, {text};" for n, seconds, text in shots)


def encode_shot_list(shots: Iterable[Shot]) -> list[dict[str, Any]]:
    """Return the shots as the `multi_prompt` of a legacy body."""
    return [
        {"index": n, "prompt": text, "duration": str(seconds)}
        for n, seconds, text in shots
    ]


def split_handle(value: str) -> tuple[str | None, str]:
    """Split `NAME=VALUE`; a value without a name, a URL or base64 stays whole."""
    match = _HANDLE.fullmatch(value)
    return (match[1], match[2]) if match else (None, value)


def find_references(
    product: Product, route: Route, given: Mapping[str, Any]
) -> tuple[Reference, ...]:
    """Return every value that the prompt can refer to, in the order of the body.

    A value without a name is called by its noun and position, `voice_1`, or by the
    default handle of its mapping.
    """
    counts: dict[str, int] = {}
    found: list[Reference] = []
    for name, mapping in route.mappings.items():
        if name not in given or mapping.noun is None:
            continue
        field = product.field(name)
        for value in given[name] if field.is_repeated else (given[name],):
            counts[mapping.noun] = counts.get(mapping.noun, 0) + 1
            position = f"{mapping.noun}_{counts[mapping.noun]}"
            handle, bare = _split_reference(field, value)
            called = handle or mapping.default_handle or position
            found.append(Reference(name, bare, called, position))
    return tuple(found)


def reorder_references(
    references: Iterable[Reference], route: Route, fields: Iterable[str]
) -> tuple[Reference, ...]:
    """Return the references in the order of a body with entries of these `fields`."""
    left = list(references)
    counts: dict[str, int] = {}
    found: list[Reference] = []
    for name in fields:
        each = next((one for one in left if one.field == name), None)
        if each is not None:
            left.remove(each)
            noun = str(route.mappings[name].noun)
            counts[noun] = counts.get(noun, 0) + 1
            found.append(each._replace(position=f"{noun}_{counts[noun]}"))
    return tuple(found)


def _split_reference(field: Field, value: Any) -> tuple[str | None, str]:
    return split_handle(str(value)) if field.has_handle else (None, str(value))


def encode_prompt(plan: Plan, given: Mapping[str, Any], text: str) -> str:
    """Return `text` with its handles in the spelling of the plan's route."""
    references = find_references(plan.product, plan.route, given)
    text = _positions_to_names(text, references)
    is_named = any(
        has_handle_key(plan.route.mappings[each.field]) for each in references
    )
    return to_handles(text, references) if is_named else to_positions(text, references)


def unknown_handles(
    text: str, references: Iterable[Reference], route: Route
) -> list[str]:
    """Return the handles in a prompt that look like those of inputs that are missing.

    They look like the handle of an input without a name, or nearly like a given one.
    """
    handles = {each.handle for each in references}
    names = handles | {each.position for each in references}
    usual = [
        mapping.default_handle
        for mapping in route.mappings.values()
        if mapping.default_handle
    ]
    usual += [
        rf"{mapping.noun}_\d+" for mapping in route.mappings.values() if mapping.noun
    ]
    is_usual = re.compile("|".join(usual) or "(?!)")
    return [
        name
        for name in re.findall(r"(?:@|<<<\s*)([A-Za-z][A-Za-z0-9_-]*)", text)
        if name not in names
        and (
            is_usual.fullmatch(name) or get_close_matches(name, handles, 1, _SIMILARITY)
        )
    ]


def has_handle_key(mapping: FieldMapping) -> bool:
    """Return whether the body itself has the handles of this mapping's entries."""
    return mapping.handle_key is not None


def _positions_to_names(text: str, references: Iterable[Reference]) -> str:
    """Turn `@image_1` into `@room` where that is the first image's name."""
    names = {each.position: each.handle for each in references}
    handles = set(names.values())
    return _replace_handles(
        text, {k: f"@{v}" for k, v in names.items() if k not in handles}
    )


def to_positions(text: str, references: Iterable[Reference]) -> str:
    """Turn `@hero` into `<<<element_1>>>` for every known handle."""
    return _replace_handles(
        text, {each.handle: f"<<<{each.position}>>>" for each in references}
    )


def _replace_handles(text: str, names: Mapping[str, str]) -> str:
    """Replace every `@name` by its value in `names`."""
    if not names:
        return text
    pattern = rf"@({'|'.join(map(re.escape, names))})(?![A-Za-z0-9_-])"
    return re.sub(pattern, lambda found: names[found[1]], text)


def to_handles(text: str, references: Iterable[Reference]) -> str:
    """Turn `<<<element_1>>>` into `@hero` for every known position."""
    handles = {each.position: each.handle for each in references}
    return _POSITION.sub(
        lambda found: f"@{handles[found[1]]}" if found[1] in handles else found[0], text
    )


CODECS: Mapping[str, Callable[[Iterable[Shot]], Any]] = {
    "shot_text": encode_shot_text,
    "shot_list": encode_shot_list,
}
