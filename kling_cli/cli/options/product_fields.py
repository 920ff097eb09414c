"""The parameters of a product's command, made from the catalogue's fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import Parameter
from types import MappingProxyType
from typing import Annotated, Any, Literal

import typer

from kling_cli.catalogue import Field, FieldKind, Limits, Model, Product
from kling_cli.cli.help_page import first_clause
from kling_cli.cli.options import completion
from kling_cli.jobs.order import MODES

_MAX_LISTED_MODELS = 2  # more models than these with the same limits are "otherwise"


_MAX_LISTED_CHOICES = 6  # that a short text names
_RANGE = re.compile(r"\d to \d")
_DEFAULT = re.compile(r" \(default: ([^()]*)\)")


def availability_text(product: Product, field: Field) -> str:
    """Return `Only with kling-2.6`, which models have no such field, or "".

    It is empty where the default model has the field, as for any ordinary option.
    """
    available = [each for each in product.models if each.status != "discontinued"]
    has_it = [each.id for each in available if _limits(product, each, field.name)]
    without = [each.id for each in available if each.id not in has_it]
    if not has_it:
        return "Only with discontinued models"
    if not without or product.default_model in has_it:
        return ""
    if len(without) < len(has_it):
        return f"Not with {_joined(without, 'or')}"
    return f"Only with {_joined(has_it, 'or')}"


def short_help(product: Product, field: Field) -> str:
    """Return the first clause of the field's help, with what any model accepts."""
    text = _DEFAULT.sub("", first_clause(field.help))
    default = _DEFAULT.search(field.help)
    allowed = _accepted_values(product, field, text)
    if allowed:
        text = f"{text}: {allowed}" if ":" not in text else f"{text}, {allowed}"
    if default is None or default[1].startswith("@"):  # the name in a prompt
        return text
    return f"{text} (default: {re.split('[;,]| where ', default[1])[0]})"


def _accepted_values(product: Product, field: Field, text: str) -> str:
    """Return what at least one model accepts, `720p, 1080p, 4k`, if `text` does not."""
    available = [each for each in product.models if each.status != "discontinued"]
    found = [_limits(product, each, field.name) for each in available]
    limits_found = [each for each in found if each is not None]
    choices = list(
        dict.fromkeys(one for each in limits_found for one in each.choices or ())
    )
    bounds = [each.minimum for each in limits_found] + [
        each.maximum for each in limits_found
    ]
    numbers = [one for one in bounds if one is not None]
    if numbers:
        numbers += [one for one in choices if isinstance(one, int | float)]
        return "" if _RANGE.search(text) else f"{min(numbers):g} to {max(numbers):g}"
    words = [str(each) for each in choices]
    is_short = len(words) <= _MAX_LISTED_CHOICES and not field.groups
    if words:
        is_mentioned = all(each in text for each in words)
        return ", ".join(words) if is_short and not is_mentioned else ""
    max_items = max((each.max_items or 0 for each in limits_found), default=0)
    is_mentioned = "up to" in text or " times" in text
    return f"up to {max_items}" if max_items and not is_mentioned else ""


def limits_sentence(product: Product, field: Field) -> str:
    """Return `3 to 15 (kling-3.0), otherwise 5 or 10.`, and which models lack it."""
    models_by_limits: dict[str, list[str]] = {}
    without: list[str] = []
    for model in product.models:
        if model.status == "discontinued":
            continue
        limits = _limits(product, model, field.name)
        if limits is None:
            without.append(model.id)
        else:
            models_by_limits.setdefault(_limits_text(field, limits), []).append(
                model.id
            )
    if not models_by_limits:
        return ""
    sentences = [
        _limits_by_model(models_by_limits),
        _availability(models_by_limits, without),
    ]
    return " ".join(f"{_capitalized(each)}." for each in sentences if each)


def _limits_by_model(models_by_limits: dict[str, list[str]]) -> str:
    """Return the limits with the models they hold for; the commonest come last."""
    if len(models_by_limits) == 1:
        return next(iter(models_by_limits))
    commonest = max(models_by_limits, key=lambda words: len(models_by_limits[words]))
    texts = [
        f"{words or 'any'} ({', '.join(models)})"
        for words, models in models_by_limits.items()
        if words != commonest or len(models) <= _MAX_LISTED_MODELS
    ]
    if len(models_by_limits[commonest]) > _MAX_LISTED_MODELS:
        texts.append(f"otherwise {commonest or 'any'}")
    return ", ".join(texts)


def _availability(models_by_limits: dict[str, list[str]], without: list[str]) -> str:
    """Return which models have the field, or have not, whichever is shorter."""
    has_it = [model for models in models_by_limits.values() for model in models]
    if not without:
        return ""
    if len(models_by_limits) > 1 or len(without) < len(has_it):
        return f"not with {_joined(without, 'or')}"
    return f"only with {_joined(has_it, 'or')}"


def _limits(product: Product, model: Model, field: str) -> Limits | None:
    """Return a model's limits for a field that is not fixed, on its first route."""
    for route in product.routes:
        found = model.limits.get(route.name, {}).get(field)
        if found is not None and not found.is_fixed:
            return found
    return None


def _limits_text(field: Field, limits: Limits) -> str:
    if field.kind is FieldKind.SWITCH:
        return ""
    if limits.choices:
        words = [str(each) for each in limits.choices]
        return f"one of {len(words)}" if field.groups else _joined(words, "or")
    if limits.minimum is not None and limits.maximum is not None:
        return f"{limits.minimum:g} to {limits.maximum:g}"
    if limits.max_length is not None:
        return f"at most {limits.max_length} characters"
    if limits.max_items is not None:
        return f"at most {limits.max_items}"
    return ""


def _joined(words: list[str], last: str) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _capitalized(text: str) -> str:
    """Return the text as a sentence begins, unless it begins with a value."""
    is_ours = text.startswith(("at ", "only ", "not ", "one of "))
    return text[:1].upper() + text[1:] if is_ours else text


REQUEST = "Request"  # the panel of other forms of input
LIBRARY = "Library"  # the panel of library items, which have one model

# Kinds that describe the result; they come before what goes in.
_SHAPES = frozenset(
    {FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.SWITCH, FieldKind.CHOICE}
)
_TYPES = MappingProxyType(
    {FieldKind.INTEGER: int, FieldKind.NUMBER: float, FieldKind.SWITCH: bool}
)
# Fields whose value is the id of a result of an earlier job: its type, and the product
# where only one makes them.
_RESULTS = MappingProxyType(
    {
        "voices": ("voice", "custom-voice"),
        "elements": ("element", "custom-element"),
        "video_id": ("video", ""),
    }
)


def product_parameters(product: Product) -> Iterator[Parameter]:
    """Yield the parameters of a product's fields, in the order of `--help`.

    A value that was not given is None (a list: None or empty). Fields that the default
    model lacks are in a panel that names the models that have them.
    """
    yield from positional_parameters(product)
    if product.panel != LIBRARY:
        yield _model_parameter(product)
    options_ = [each for each in product.fields if each.options]
    options_.sort(key=lambda each: each.kind not in _SHAPES)
    for each in options_:
        yield _option_parameter(each, product, availability_text(product, each) or None)
    has_mode = product.output == "video" and any(
        each.name == "resolution" for each in options_
    )
    if has_mode:
        yield _mode_parameter(product)
    yield _set_parameter()
    if listed_field(product) is not None:
        yield _list_parameter()


def short_help_texts(product: Product) -> dict[str, str]:
    """Return the short help texts of a product's own parameters, by name."""
    ids = [each.id for each in product.models if each.status == "current"]
    others = [each for each in ids if each != product.default_model]
    models = ", ".join([f"{product.default_model} (default)", *others])
    own = {each.name: short_help(product, each) for each in product.fields}
    return own | {"model": f"{models}; all: kling models"}


def listed_field(product: Product) -> Field | None:
    """Return the field whose choices `--list` prints; most products have none."""
    return next((each for each in product.fields if each.groups), None)


def positional_parameters(product: Product) -> Iterator[Parameter]:
    """Yield the positionals of a product, or of a step that its command takes."""
    yield from (
        _argument_parameter(each, product)
        for each in product.fields
        if each.is_argument
    )


def option_parameters(product: Product) -> Iterator[Parameter]:
    """Yield the options of a step, in the order of its fields."""
    yield from (
        _option_parameter(each, product, None)
        for each in product.fields
        if each.options
    )


def _argument_parameter(field: Field, product: Product) -> Parameter:
    """Return a positional; whether it is required depends on the model."""
    info = typer.Argument(
        metavar=field.metavar or field.spelling,
        help=_help_text(field, product),
        show_default=False,
        autocompletion=_completer(product, field),
    )
    return _parameter(field.name, list[str] if field.is_repeated else str, info)


def _option_parameter(field: Field, product: Product, panel: str | None) -> Parameter:
    is_switch = field.kind is FieldKind.SWITCH
    info = typer.Option(
        *(_switch_spellings(field) if is_switch else field.options),
        metavar=None if is_switch else field.metavar or _metavar(field),
        help=_help_text(field, product),
        rich_help_panel=panel,
        show_default=False,
        autocompletion=_completer(product, field),
    )
    kind: Any = _TYPES.get(field.kind, str)
    return _parameter(field.name, list[kind] if field.is_repeated else kind, info)


def _model_parameter(product: Product) -> Parameter:
    """Return the option for the model; hidden where there is only one."""
    ids = [model.id for model in product.models if model.status != "discontinued"]
    info = typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help=f"One of {', '.join(ids)}; older spellings are understood "
        f"(default: {product.default_model}, or the newest that takes what you ask).",
        hidden=len(ids) == 1,
        show_default=False,
        autocompletion=completion.choice_completer(
            (model.id, model.label) for model in product.models
        ),
    )
    return _parameter("model", str, info)


def _mode_parameter(product: Product) -> Parameter:
    sizes = dict(choice_candidates(product, "resolution"))
    names = tuple(name for name, size in MODES.items() if size in sizes)
    info = typer.Option(
        "--mode",
        help="Older spelling of --resolution; std is 720p, pro is 1080p.",
        rich_help_panel=REQUEST,
        show_default=False,
    )
    return _parameter("mode", Literal[names], info)


def _set_parameter() -> Parameter:
    info = typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other field of the request body; dotted: --set settings.seed=7; the "
        "value is JSON, or else text. Repeatable, and stronger than the options.",
        rich_help_panel=REQUEST,
        show_default=False,
    )
    return _parameter("extra", list[str], info)


def _list_parameter() -> Parameter:
    info = typer.Option(
        "--list",
        help="Name the choices and leave, one a line; needs no account.",
        show_default=False,
    )
    return _parameter("is_listing", bool, info)


def choice_candidates(product: Product, field: str) -> list[tuple[str, str]]:
    """Return every value that some model accepts for `field`, for completion."""
    found: dict[str, str] = {}
    groups = product.field(field).groups
    notes = {name: each.note for each in groups for name in each.choices}
    for model in product.models:
        for limits in model.limits.values():
            if field in limits:
                limits_found = limits[field].choices or ()
                found.update((str(each), notes.get(each, "")) for each in limits_found)
    return list(found.items())


def flag_parameter(name: str, spelling: str, help_text: str) -> Parameter:
    """Return the parameter of a flag."""
    info = typer.Option(spelling, help=help_text, show_default=False)
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


def _help_text(field: Field, product: Product) -> str:
    """Return the field's sentence with the limits of the models."""
    sentence = limits_sentence(product, field)
    return f"{field.help} {sentence}" if sentence else field.help


def _completer(product: Product, field: Field) -> completion.Completer | None:
    """Return the completer of a field: its choices, or ids from the journal."""
    known = choice_candidates(product, field.name)
    if known:
        return completion.choice_completer(known)
    if field.name in _RESULTS:
        return completion.output_id_completer(*_RESULTS[field.name])
    by_id = product.field(field.id_field) if field.id_field else field
    return completion.task_id_completer(by_id.id_of) if by_id.id_of else None
