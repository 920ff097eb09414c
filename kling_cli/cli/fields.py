"""From the fields of a product to the parameters of its command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter
from types import MappingProxyType
from typing import Annotated, Any, Literal

import typer

from kling_cli.cli.limits import limits_sentence
from kling_cli.products.model import Field, FieldKind, Product

INPUT = "Input"
LIBRARY = "Library"  # the panel of what is made for it, which is always by one model

# Kinds that describe the result; what is left is what goes in.
_SHAPES = frozenset(
    {FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.SWITCH, FieldKind.CHOICE}
)
_TYPES = MappingProxyType(
    {FieldKind.INTEGER: int, FieldKind.NUMBER: float, FieldKind.SWITCH: bool}
)
MODES = MappingProxyType({"std": "720p", "pro": "1080p", "4k": "4k"})


def parameters(product: Product) -> Iterator[Parameter]:
    """Yield the parameters that are the product's own, in the order of `--help`.

    A value that was not given is None (a list: None or empty).
    """
    shape_panel = product.output.capitalize()
    yield from arguments(product)
    if product.panel != LIBRARY:
        yield _model(product, shape_panel)
    for each in product.fields:
        if each.options and each.kind in _SHAPES:
            yield _option(each, product, shape_panel)
            if each.name == "resolution" and product.output == "video":
                yield _mode(product, shape_panel)
    for each in product.fields:
        if each.options and each.kind not in _SHAPES:
            yield _option(each, product, INPUT)
    yield _set()
    if listed_field(product) is not None:
        yield _list()


def listed_field(product: Product) -> Field | None:
    """Return the field whose choices are too many for `--help`; most have none."""
    return next((each for each in product.fields if each.groups), None)


def arguments(product: Product) -> Iterator[Parameter]:
    """Yield the positionals of a product, or of a step that its command takes."""
    yield from (_argument(each, product) for each in product.fields if each.is_argument)


def options(product: Product) -> Iterator[Parameter]:
    """Yield the options of a step, in the order of its fields."""
    yield from (
        _option(each, product, INPUT) for each in product.fields if each.options
    )


def _argument(field: Field, product: Product) -> Parameter:
    """Return a positional; whether it is needed depends on the model, so not here."""
    info = typer.Argument(
        metavar=field.metavar or field.spelling,
        help=_help(field, product),
        show_default=False,
        autocompletion=_completion(choices(product, field.name)),
    )
    return _parameter(field.name, list[str] if field.is_repeated else str, info)


def _option(field: Field, product: Product, panel: str) -> Parameter:
    is_switch = field.kind is FieldKind.SWITCH
    info = typer.Option(
        *(_switch_spellings(field) if is_switch else field.options),
        metavar=None if is_switch else field.metavar or _metavar(field),
        help=_help(field, product),
        rich_help_panel=panel,
        show_default=False,
        autocompletion=_completion(choices(product, field.name)),
    )
    kind: Any = _TYPES.get(field.kind, str)
    return _parameter(field.name, list[kind] if field.is_repeated else kind, info)


def _model(product: Product, panel: str) -> Parameter:
    """Return the option for the model, which is not shown where there is only one."""
    ids = [model.id for model in product.models if model.status != "discontinued"]
    info = typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help=f"One of {', '.join(ids)}; older spellings are understood "
        f"(default: {product.default_model}, or the newest that takes what you ask).",
        rich_help_panel=panel,
        hidden=len(ids) == 1,
        show_default=False,
        autocompletion=_completion(
            [(model.id, model.label) for model in product.models]
        ),
    )
    return _parameter("model", str, info)


def _mode(product: Product, panel: str) -> Parameter:
    sizes = dict(choices(product, "resolution"))
    names = tuple(name for name, size in MODES.items() if size in sizes)
    info = typer.Option(
        "--mode",
        help="The older way to say --resolution: std is 720p, pro is 1080p.",
        rich_help_panel=panel,
        show_default=False,
    )
    return _parameter("mode", Literal[names], info)


def _set() -> Parameter:
    info = typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other field of the request body, dotted: --set settings.seed=7; the "
        "value is JSON, or else text. Repeatable, and stronger than the options.",
        rich_help_panel=INPUT,
        show_default=False,
    )
    return _parameter("extra", list[str], info)


def _list() -> Parameter:
    info = typer.Option(
        "--list",
        help="Name the choices and leave, one a line; needs no account.",
        rich_help_panel=INPUT,
        show_default=False,
    )
    return _parameter("is_listing", bool, info)


def choices(product: Product, field: str) -> list[tuple[str, str]]:
    """Return every value that some model takes for `field`, for completion."""
    found: dict[str, str] = {}
    groups = product.field(field).groups
    notes = {name: each.note for each in groups for name in each.choices}
    for model in product.models:
        for limits in model.limits.values():
            if field in limits:
                taken = limits[field].choices or ()
                found.update((str(each), notes.get(each, "")) for each in taken)
    return list(found.items())


def flag(name: str, spelling: str, help_text: str) -> Parameter:
    """Return a parameter that is said or not."""
    info = typer.Option(
        spelling, help=help_text, rich_help_panel=INPUT, show_default=False
    )
    return _parameter(name, bool, info)


def _parameter(name: str, kind: Any, info: Any) -> Parameter:
    return Parameter(
        name,
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, info],
    )


def _switch_spellings(field: Field) -> tuple[str, ...]:
    """Return `--sound/--no-sound`, the way typer wants both forms."""
    long = [each for each in field.options if each.startswith("--")]
    short = [each for each in field.options if not each.startswith("--")]
    return (*(f"{each}/--no-{each[2:]}" for each in long), *short)


def _metavar(field: Field) -> str:
    return "VALUE" if field.kind is FieldKind.CHOICE else field.name.upper()


def _help(field: Field, product: Product) -> str:
    """Return the field's sentence and what the models allow, safe from markup."""
    sentence = limits_sentence(product, field)
    text = f"{field.help} {sentence}" if sentence else field.help
    return text.replace("[", "\\[")


def _completion(
    known: list[tuple[str, str]],
) -> Callable[[str], list[tuple[str, str]]] | None:
    if not known:
        return None

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [each for each in known if each[0].startswith(incomplete)]

    return complete
