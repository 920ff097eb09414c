"""Choices among many: their groups, what has ended, and what a wrong one was meant for.

In limits and rules the name of a group stands for its choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from kling_cli.catalogue.field import ChoiceGroup, Field, Limits
from kling_cli.catalogue.model import Model, Product

_NEAR = 0.5  # of the letters; names like `hug_pro` are short


def spelled_out(product: Product) -> Product:
    """Return the product with choices wherever the name of a group stands."""
    groups = {each.name: each.groups for each in product.fields if each.groups}
    if not groups:
        return product
    return replace(
        product,
        models=tuple(_model(each, groups) for each in product.models),
        rules=tuple(
            replace(
                each,
                when=_conditions(each.when, groups),
                need=_conditions(each.need, groups),
            )
            for each in product.rules
        ),
    )


def offered(field: Field) -> tuple[str, ...]:
    """Return the choices that have not ended."""
    return tuple(
        choice
        for group in field.groups
        for choice in group.choices
        if choice not in group.ended
    )


def why_not(field: Field, value: object) -> str:
    """Return what is wrong with a value that is none of the field's choices."""
    for group in field.groups:
        if day := group.ended.get(str(value)):
            return f"discontinued on {day}"
    return f"there is no such {field.name}"


def nearest(field: Field, value: object) -> str:
    """Return the choices that look like `value`, as the words of a hint."""
    near = get_close_matches(str(value).lower(), offered(field), n=3, cutoff=_NEAR)
    return f"did you mean {' or '.join(near)}? " if near else ""


def _model(model: Model, groups: Mapping[str, Iterable[ChoiceGroup]]) -> Model:
    limits = {
        route: {
            name: _limits(each, groups.get(name, ())) for name, each in all_.items()
        }
        for route, all_ in model.limits.items()
    }
    return replace(model, limits=limits)


def _limits(limits: Limits, groups: Iterable[ChoiceGroup]) -> Limits:
    if limits.choices is None:
        return limits
    return replace(limits, choices=tuple(_choices(limits.choices, groups)))


def _conditions(
    wanted: Mapping[str, Any], groups: Mapping[str, Iterable[ChoiceGroup]]
) -> dict[str, Any]:
    return {
        name: _choices(value, groups.get(name, ()))
        if isinstance(value, list)
        else value
        for name, value in wanted.items()
    }


def _choices(values: Iterable[Any], groups: Iterable[ChoiceGroup]) -> list[Any]:
    by_name = {group.name: group.choices for group in groups}
    return [choice for each in values for choice in by_name.get(each, (each,))]
