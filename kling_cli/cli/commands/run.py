"""`kling run`: runs a complete request from a JSON file."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, Any

import typer

from kling_cli import catalogue
from kling_cli.catalogue import Field, FieldKind, Limits, Product, accepts_field
from kling_cli.cli.commands.generate import CommandOptions, run_order
from kling_cli.cli.options.product_fields import limits_sentence
from kling_cli.cli.options.shared import (
    CallbackOptions,
    DownloadOptions,
    OutputOptions,
    PresentationOptions,
    SafetyOptions,
    WaitOptions,
)
from kling_cli.cli.options.values import read_json
from kling_cli.errors import UsageError
from kling_cli.jobs.order import to_order

HINT = "`--dry-run --json` of any generating command prints a request"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="REQUEST.json|-",
        help="A file with one request, or - for standard input.",
        show_default=False,
    ),
]
DescribeOption = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="PRODUCT",
        help="Print what a request of this product may say, as a JSON Schema, and "
        "leave.",
    ),
]
_TYPES = MappingProxyType(
    {
        FieldKind.INTEGER: "integer",
        FieldKind.NUMBER: "number",
        FieldKind.TIME: ["number", "string"],  # the string is as it is typed
        FieldKind.POINT: ["object", "string"],
        FieldKind.SWITCH: "boolean",
        FieldKind.JSON: ["object", "array", "string"],  # the string is @file.json
    }
)
_NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    "required": ["name", "value"],
    "additionalProperties": False,
}


def run(  # noqa: PLR0913 -- one for each group of options
    *,
    source: Source = None,
    described: DescribeOption = None,
    download_options: DownloadOptions,
    output_options: OutputOptions,
    wait_options: WaitOptions,
    callback_options: CallbackOptions,
    safety_options: SafetyOptions,
    presentation_options: PresentationOptions,
) -> int:
    """Run a complete request: what the options of a generating command say, as JSON.

    Any of those commands prints its request, as `dry_run.request`, with
    --dry-run --json. Names of local files count from the current folder.

    kling run request.json -o boat.mp4

    kling run --schema omni-image
    """
    if (source is None) == (described is None):
        raise UsageError(
            "say which request to run, or --schema PRODUCT", hint="kling run FILE.json"
        )
    if source is None:
        return _describe(described or "")
    request = read_json(source, hint=HINT)
    order = to_order(request, external_id=safety_options.external_id)
    options = CommandOptions(
        download_options=download_options,
        output_options=output_options,
        wait_options=wait_options,
        callback_options=callback_options,
        safety_options=safety_options,
        presentation_options=presentation_options,
    )
    return run_order(order, options, command="run")


def _describe(name: str) -> int:
    """Print the schema: indented on a terminal, one line for a program."""
    import json
    import sys

    from kling_cli.cli.output.terminal.capabilities import is_terminal
    from kling_cli.cli.output.terminal.streams import write_result

    indent = 2 if is_terminal(sys.stdout) else None
    write_result(
        json.dumps(request_schema(catalogue.load_creatable(name)), indent=indent)
    )
    return 0


def request_schema(product: Product) -> dict[str, Any]:
    """Return what `kling run` takes for `product`: the widest of what its models do.

    Whether model and values go together is checked when the request is run.
    """
    fields = {
        field.name: _described(each, field)
        for each in (catalogue.opening_step(product), product)
        if each is not None
        for field in each.fields
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A request of {product.name}",
        "description": product.summary,
        "type": "object",
        "properties": {
            "product": {"const": product.name},
            "model": {
                "type": ["string", "null"],
                "examples": [model.id for model in product.models],
                "default": product.default_model,
            },
            "fields": _object(fields),
            "set": {"type": ["object", "null"]},
            "external_id": {"type": ["string", "null"]},
        },
        "required": ["product"],
        "additionalProperties": False,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _described(product: Product, field: Field) -> dict[str, Any]:
    sentence = limits_sentence(product, field)
    words = f"{field.help} {sentence}".strip()
    limits = list(_limits(product, field))
    one = _field_schema(field, limits)
    if not field.is_repeated:
        return {**one, "description": words}
    return {"type": "array", "items": one, "description": words}


def _field_schema(field: Field, limits: list[Limits]) -> dict[str, Any]:
    """Return what a single value may be."""
    if field.has_handle:
        return {"anyOf": [{"type": "string"}, _NAMED]}
    if field.kind is FieldKind.CHOICE:
        return {"enum": _choices(limits)} if limits else {"type": "string"}
    found: dict[str, Any] = {"type": _TYPES.get(field.kind, "string")}
    lows = [each.minimum for each in limits if each.minimum is not None]
    highs = [each.maximum for each in limits if each.maximum is not None]
    if limits and len(lows) == len(highs) == len(limits):
        found |= {"minimum": min(lows), "maximum": max(highs)}
    return found


def _choices(limits: list[Limits]) -> list[Any]:
    """Return every choice; a number may also be written as text."""
    known = dict.fromkeys(
        one
        for each in limits
        for one in ([each.default] if each.is_fixed else each.choices or ())
    )
    texts = [str(one) for one in known if not isinstance(one, str)]
    return [*known, *texts]


def _limits(product: Product, field: Field) -> Iterator[Limits]:
    """Yield what each model takes for the field, by each route that has it."""
    for model in product.models:
        for route in product.routes:
            if route.name in model.wire_ids and accepts_field(model, route, field.name):
                yield model.limits[route.name][field.name]
