"""What each model allows for a field, in a sentence or two for `--help`."""

from __future__ import annotations

from kling_cli.products.model import Field, FieldKind, Limits, Model, Product

_FEW = 2  # more models than these with the same limits are "otherwise"


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
