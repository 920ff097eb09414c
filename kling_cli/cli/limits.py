"""What the models allow for a field, in words: in full, and in short for `--help`."""

from __future__ import annotations

import re

from kling_cli.catalogue.field import Field, FieldKind, Limits
from kling_cli.catalogue.model import Model, Product
from kling_cli.cli.help_page import brief

_FEW = 2  # more models than these with the same limits are "otherwise"


_MOST_CHOICES = 6  # that a short text names
_RANGE = re.compile(r"\d to \d")
_DEFAULT = re.compile(r" \(default: ([^()]*)\)")


def availability(product: Product, field: Field) -> str:
    """Return `Only with kling-2.6`, or which models have no such field, or nothing.

    Nothing is said where the default model has it: then it is an option like others.
    """
    live = [each for each in product.models if each.status != "discontinued"]
    has_it = [each.id for each in live if _limits(product, each, field.name)]
    without = [each.id for each in live if each.id not in has_it]
    if not has_it:
        return "Only with discontinued models"
    if not without or product.default_model in has_it:
        return ""
    if len(without) < len(has_it):
        return f"Not with {_joined(without, 'or')}"
    return f"Only with {_joined(has_it, 'or')}"


def brief_help(product: Product, field: Field) -> str:
    """Return the first clause of the field's help, with what any model takes of it."""
    text = _DEFAULT.sub("", brief(field.help))
    default = _DEFAULT.search(field.help)
    allowed = _union(product, field, text)
    if allowed:
        text = f"{text}: {allowed}" if ":" not in text else f"{text}, {allowed}"
    if default is None or default[1].startswith("@"):  # how a prompt calls it
        return text
    return f"{text} (default: {re.split('[;,]| where ', default[1])[0]})"


def _union(product: Product, field: Field, text: str) -> str:
    """Return what at least one model takes, `720p, 1080p, 4k`, if `text` does not."""
    live = [each for each in product.models if each.status != "discontinued"]
    found = [_limits(product, each, field.name) for each in live]
    taken = [each for each in found if each is not None]
    choices = list(dict.fromkeys(one for each in taken for one in each.choices or ()))
    bounds = [each.minimum for each in taken] + [each.maximum for each in taken]
    numbers = [one for one in bounds if one is not None]
    if numbers:
        numbers += [one for one in choices if isinstance(one, int | float)]
        return "" if _RANGE.search(text) else f"{min(numbers):g} to {max(numbers):g}"
    words = [str(each) for each in choices]
    is_short = len(words) <= _MOST_CHOICES and not field.groups
    if words:
        is_said = all(each in text for each in words)
        return ", ".join(words) if is_short and not is_said else ""
    most = max((each.max_items or 0 for each in taken), default=0)
    is_said = "up to" in text or " times" in text
    return f"up to {most}" if most and not is_said else ""


def limits_sentence(product: Product, field: Field) -> str:
    """Return `3 to 15 (kling-3.0), otherwise 5 or 10.` and who cannot do it at all."""
    takers: dict[str, list[str]] = {}
    without: list[str] = []
    for model in product.models:
        if model.status == "discontinued":
            continue
        limits = _limits(product, model, field.name)
        if limits is None:
            without.append(model.id)
        else:
            takers.setdefault(_words(field, limits), []).append(model.id)
    if not takers:
        return ""
    sentences = [_by_model(takers), _availability(takers, without)]
    return " ".join(f"{_capital(each)}." for each in sentences if each)


def _by_model(takers: dict[str, list[str]]) -> str:
    """Return the limits with the models they hold for; the commonest come last."""
    if len(takers) == 1:
        return next(iter(takers))
    commonest = max(takers, key=lambda words: len(takers[words]))
    said = [
        f"{words or 'any'} ({', '.join(models)})"
        for words, models in takers.items()
        if words != commonest or len(models) <= _FEW
    ]
    if len(takers[commonest]) > _FEW:
        said.append(f"otherwise {commonest or 'any'}")
    return ", ".join(said)


def _availability(takers: dict[str, list[str]], without: list[str]) -> str:
    """Return which models have the field, or have not, whichever is shorter."""
    has_it = [model for models in takers.values() for model in models]
    if not without:
        return ""
    if len(takers) > 1 or len(without) < len(has_it):
        return f"not with {_joined(without, 'or')}"
    return f"only with {_joined(has_it, 'or')}"


def _limits(product: Product, model: Model, field: str) -> Limits | None:
    """Return what the model takes on the first route that has the field."""
    for route in product.routes:
        found = model.limits.get(route.name, {}).get(field)
        if found is not None and not found.is_fixed:
            return found
    return None


def _words(field: Field, limits: Limits) -> str:
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


def _capital(text: str) -> str:
    """Return the text as a sentence begins, unless it begins with a value."""
    is_ours = text.startswith(("at ", "only ", "not ", "one of "))
    return text[:1].upper() + text[1:] if is_ours else text
