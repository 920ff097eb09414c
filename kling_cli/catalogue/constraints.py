"""Checks single values against limits, and expands groups of choices.

In limits and rules the name of a group stands for its choices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from msgspec.structs import replace

from kling_cli.catalogue.definition.schema import (
    ChoiceGroup,
    Field,
    FieldKind,
    Limits,
    Model,
    Product,
)
from kling_cli.catalogue.prompt import split_handle

_SIMILARITY = 0.5  # of the letters; names like `hug_pro` are short


def expand_groups(product: Product) -> Product:
    """Return the product with choices in place of the names of groups."""
    groups = {each.name: each.groups for each in product.fields if each.groups}
    if not groups:
        return product
    return replace(
        product,
        models=tuple(_expand_model(each, groups) for each in product.models),
        rules=tuple(
            replace(
                each,
                when=_expand_conditions(each.when, groups),
                need=_expand_conditions(each.need, groups),
            )
            for each in product.rules
        ),
    )


def current_choices(field: Field) -> tuple[str, ...]:
    """Return the choices that have not been discontinued."""
    return tuple(
        choice
        for group in field.groups
        for choice in group.choices
        if choice not in group.discontinued
    )


def rejection_reason(field: Field, value: object) -> str:
    """Return why a value is none of the field's current choices."""
    for group in field.groups:
        if day := group.discontinued.get(str(value)):
            return f"discontinued on {day}"
    return f"there is no such {field.name}"


def suggest_choices(field: Field, value: object) -> str:
    """Return a hint with the choices that are similar to `value`, or nothing."""
    near = get_close_matches(
        str(value).lower(), current_choices(field), n=3, cutoff=_SIMILARITY
    )
    return f"did you mean {' or '.join(near)}? " if near else ""


def _expand_model(model: Model, groups: Mapping[str, Iterable[ChoiceGroup]]) -> Model:
    limits = {
        route: {
            name: _expand_limits(each, groups.get(name, ()))
            for name, each in all_.items()
        }
        for route, all_ in model.limits.items()
    }
    return replace(model, limits=limits)


def _expand_limits(limits: Limits, groups: Iterable[ChoiceGroup]) -> Limits:
    if limits.choices is None:
        return limits
    return replace(limits, choices=tuple(_expand_choices(limits.choices, groups)))


def _expand_conditions(
    wanted: Mapping[str, Any], groups: Mapping[str, Iterable[ChoiceGroup]]
) -> dict[str, Any]:
    return {
        name: _expand_choices(value, groups.get(name, ()))
        if isinstance(value, list)
        else value
        for name, value in wanted.items()
    }


def _expand_choices(values: Iterable[Any], groups: Iterable[ChoiceGroup]) -> list[Any]:
    by_name = {group.name: group.choices for group in groups}
    return [choice for each in values for choice in by_name.get(each, (each,))]


_PYTHON_TYPES: Mapping[FieldKind, tuple[tuple[type, ...], str]] = {
    FieldKind.TEXT: ((str,), "a text"),
    FieldKind.INTEGER: ((int,), "a whole number"),
    FieldKind.NUMBER: ((int, float), "a number"),
    FieldKind.TIME: ((int, float), "a number of seconds"),
    FieldKind.SWITCH: ((bool,), "yes or no"),
    FieldKind.CHOICE: ((str, int, float), "one of the choices"),
    FieldKind.IMAGE: ((str,), "an image"),
    FieldKind.AUDIO: ((str,), "a sound"),
    FieldKind.VIDEO: ((str,), "the URL of a video"),
    FieldKind.LINK: ((str,), "a URL"),
    FieldKind.POINT: ((dict,), "a point"),
    FieldKind.JSON: ((dict, list), "a JSON object or list"),
}


class Violation(NamedTuple):
    """A limit that a value violates.

    `kind` is `type`, `choice`, `range`, `length`, `items`, `missing`, `key` or `fixed`;
    `allowed` what would be valid; `value` the offending value, `at` its place in the
    whole one (`.config.pan`).
    """

    kind: str
    allowed: str
    value: Any
    at: str = ""


def violations(field: Field, limits: Limits, value: Any) -> Iterator[Violation]:
    """Yield the limits that `value` violates."""
    if limits.is_fixed:
        if value != limits.default:
            yield Violation("fixed", str(limits.default), value)
    elif field.is_repeated:
        yield from _list_violations(field, limits, value)
    else:
        yield from _value_violations(field, limits, value)


def expected_type(field: Field, value: Any) -> str | None:
    """Return the type that `field` expects, in words, when `value` is of another."""
    python_types, words = _PYTHON_TYPES[field.kind]
    is_flag = isinstance(value, bool) and field.kind is not FieldKind.SWITCH
    return None if isinstance(value, python_types) and not is_flag else words


def describe_limits(limits: Limits) -> str:
    """Return what the limits allow: `5 or 10`, `3 to 15`, `at most 9 characters`."""
    if limits.choices:
        return _join_or([str(each) for each in limits.choices])
    if limits.minimum is not None:
        return f"{limits.minimum} to {limits.maximum}"
    return f"at most {limits.max_length} characters"


def is_url(value: str) -> bool:
    """Return whether a value is a web address rather than the content itself."""
    return re.match(r"https?://\S+$", value, re.IGNORECASE) is not None


def _join_or(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _list_violations(field: Field, limits: Limits, value: Any) -> Iterator[Violation]:
    if not isinstance(value, list | tuple):
        yield Violation("type", "a list", value)
        return
    yield from _count_violations(limits, value, "")
    if field.name != "shots":  # `prompt.parse_shots` reads those
        for each in value:
            yield from _value_violations(field, limits, each)


def _value_violations(field: Field, limits: Limits, value: Any) -> Iterator[Violation]:
    if field.has_handle and isinstance(value, str):
        value = split_handle(value)[1]
    wanted = expected_type(field, value)
    if wanted is None and field.kind in (FieldKind.VIDEO, FieldKind.LINK):
        wanted = None if is_url(value) else _PYTHON_TYPES[field.kind][1]
    if wanted is not None:
        yield Violation("type", wanted, value)
    elif field.kind in (FieldKind.IMAGE, FieldKind.AUDIO) and value[:5] == "data:":
        yield Violation("type", "bare base64, without `data:` before it", value)
    else:
        yield from _limit_violations(limits, value, "")


def _limit_violations(limits: Limits, value: Any, at: str) -> Iterator[Violation]:
    if limits.choices is not None and value not in limits.choices:
        yield Violation("choice", describe_limits(limits), value, at)
    if limits.minimum is not None and not _is_within(limits, value):
        yield Violation("range", describe_limits(limits), value, at)
    if limits.max_length is not None and len(str(value)) > limits.max_length:
        yield Violation("length", describe_limits(limits), value, at)
    if limits.keys is not None or isinstance(value, list):
        yield from _nested_violations(limits, value, at)


def _is_within(limits: Limits, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = limits.minimum, limits.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _nested_violations(limits: Limits, value: Any, at: str) -> Iterator[Violation]:
    if isinstance(value, list):
        yield from _count_violations(limits, value, at)
        for index, each in enumerate(value):
            yield from _key_violations(limits.keys, each, f"{at}[{index}]")
    else:
        yield from _key_violations(limits.keys, value, at)


def _count_violations(limits: Limits, value: Any, at: str) -> Iterator[Violation]:
    if limits.max_items is not None and len(value) > limits.max_items:
        yield Violation("items", f"at most {limits.max_items}", value, at)
    if limits.min_items is not None and len(value) < limits.min_items:
        yield Violation("items", f"at least {limits.min_items}", value, at)


def _key_violations(
    keys: Mapping[str, Limits] | None, value: Any, at: str
) -> Iterator[Violation]:
    if keys is None:
        return
    if not isinstance(value, Mapping):
        yield Violation("type", "a JSON object", value, at)
        return
    for name in value.keys() - keys.keys():
        yield Violation("key", _join_or(list(keys)), name, f"{at}.{name}")
    for name, limits in keys.items():
        if name in value:
            yield from _limit_violations(limits, value[name], f"{at}.{name}")
        elif limits.is_required:
            yield Violation("missing", "", None, f"{at}.{name}")
