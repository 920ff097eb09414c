"""Writes the type stub of the Python API's product methods from the catalogue."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from kling_cli.catalogue import Field, FieldKind, Product
from kling_cli.cli.options.product_fields import limits_sentence
from kling_cli.python_api.product_methods import (
    DEFAULTS,
    Argument,
    ProductMethod,
    argument_help,
    field_arguments,
    is_offered,
    product_methods,
)

STUB = Path(__file__).parents[2] / "kling_cli/python_api/products.pyi"
WIDTH = 88
MOST_CHOICES = 40  # more are too many for an editor to show

_HEAD = '''# Written by `python -m docs.maker` from the catalogue: change the catalogue.
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Generic, Literal, TypeVar

from kling_cli.python_api.job import BaseJob, OnEvent

ResultT = TypeVar("ResultT")

class Products(Generic[ResultT]):
    """What can be made, a method each."""
'''

_TYPES = {
    FieldKind.TEXT: "str",
    FieldKind.INTEGER: "int",
    FieldKind.NUMBER: "float",
    FieldKind.TIME: "float | str",
    FieldKind.POINT: "tuple[float, float] | str",
    FieldKind.SWITCH: "bool",
    FieldKind.IMAGE: "str | PathLike[str]",
    FieldKind.AUDIO: "str | PathLike[str]",
    FieldKind.VIDEO: "str",
    FieldKind.LINK: "str",
    FieldKind.JSON: "Mapping[str, Any] | Sequence[Any] | str",
}


def stub() -> str:
    """Return the stub: every method with its arguments, types and documentation."""
    return _HEAD + "".join(
        f"\n{textwrap.indent(_method(each), '    ')}" for each in product_methods()
    )


def _method(method: ProductMethod) -> str:
    arguments = field_arguments(method.description)
    lines = [
        "self",
        *(_declared(each) for each in arguments if each.is_positional),
        "*",
        *(_declared(each) for each in arguments if not each.is_positional),
        *(
            f"{name}: {kind} = {DEFAULTS.get(name)}"
            for name, (kind, _) in method.job_arguments.items()
        ),
    ]
    if lines[-1] == "*":
        lines.pop()
    signature = "".join(f"    {line},\n" for line in lines)
    return f"def {method.name}(\n{signature}) -> ResultT:\n{_docstring(method)}"


def _declared(argument: Argument) -> str:
    kind = type_of(argument)
    if argument.is_required:
        return f"{argument.name}: {kind}"
    return f"{argument.name}: {kind} | None = None"


def type_of(argument: Argument) -> str:
    """Return the type of an argument in Python."""
    field = argument.field
    one = _type_of_one(argument.product, field)
    if field.id_of or field.id_field:
        one = f"{one} | BaseJob"
    if not field.is_repeated:
        return one
    several = f"{one} | Sequence[{one}]"
    return f"{several} | Mapping[str, {one}]" if field.has_handle else several


def _type_of_one(product: Product, field: Field) -> str:
    if field.kind is not FieldKind.CHOICE:
        return _TYPES[field.kind]
    choices = [
        choice
        for model in product.models
        if is_offered(model)
        for limits in model.limits.values()
        if field.name in limits and not limits[field.name].is_fixed
        for choice in limits[field.name].choices or ()
    ]
    distinct = list(dict.fromkeys(choices))
    if not distinct or len(distinct) > MOST_CHOICES:
        return "str"
    if any(isinstance(each, float) for each in distinct):
        return "float"
    return f"Literal[{', '.join(_literal(each) for each in distinct)}]"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _docstring(method: ProductMethod) -> str:
    text = "\n".join(_wrapped(method.documentation(_help_with_limits)))
    return textwrap.indent(f'"""{text}\n"""\n', "    ")


def _help_with_limits(argument: Argument) -> str:
    limits = limits_sentence(argument.product, argument.field)
    return f"{argument_help(argument)} {limits}".strip()


def _wrapped(text: str) -> Iterator[str]:
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(
            line.strip(),
            WIDTH - 8,
            initial_indent=indent,
            subsequent_indent=f"{indent}    " if indent else "",
            break_on_hyphens=False,
            break_long_words=False,
        ) or [""]
