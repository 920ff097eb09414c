"""Markdown of parts of the catalogue: tables, rules, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kling_cli.catalogue.definition.schema import (
    ClientDefault,
    DurationRule,
    Field,
    FieldKind,
    Product,
    Rule,
)
from kling_cli.catalogue.routing import join_words

MANY = 6  # more values than these are counted
BAR = "\\|"
NOTHING = "\N{EN DASH}"
TIMES, MINUS = " \N{MULTIPLICATION SIGN} ", "\N{MINUS SIGN}"
PLUS_MINUS, LESS = f" + {MINUS}", f" {MINUS} "


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table; a column whose head begins with a `>` is of figures."""
    shown = [each.removeprefix(">") for each in head]
    ruler = ["---:" if each.startswith(">") else "---" for each in head]
    return [_row(each) for each in (shown, ruler, *rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(each.replace('|', BAR) or NOTHING for each in cells)} |"


def code(text: object) -> str:
    return f"`{text}`"


def sentence(text: str) -> str:
    """Return `text` with a capital and a full stop."""
    begun = text if text.startswith(("-", "@")) else text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def rule(product: Product, each: Rule) -> str:
    """Return the requirement of a rule, its scope, and the message of a breach."""
    narrowed = where(each)
    demand, condition = _demand(product, each), conditions(product, each.when)
    if not demand:
        return sentence(f"{each.message}{narrowed}")
    words = f"{condition}: {demand}" if condition else demand
    words = words[:1].upper() + words[1:]
    return f'{words}{narrowed}. Otherwise: "{each.message}".'


def where(each: Rule | ClientDefault | DurationRule) -> str:
    """Return the models and bodies that a rule applies to, where not all."""
    narrowed = [*each.models, *(f"{name} bodies" for name in each.routes)]
    return f" ({join_words(narrowed)})" if narrowed else ""


def client_default(product: Product, each: ClientDefault) -> str:
    """Return the default that kling sends where no value is given."""
    when = conditions(product, each.when)
    said = conditions(product, {name: [value] for name, value in each.values.items()})
    words = f"{when}: {said}" if when else said
    return f"{words[:1].upper()}{words[1:]}{where(each)}."


def _demand(product: Product, each: Rule) -> str:
    said = [conditions(product, each.need)] if each.need else []
    if each.one_of:
        said.append(f"exactly one of {_options(product, each.one_of)}")
    if each.any_of:
        said.append(f"at least one of {_options(product, each.any_of)}")
    if each.exclusive:
        groups = [_options(product, group) for group in each.exclusive]
        said.append(f"not together: {' · '.join(groups)}")
    if each.amount:
        said.append(_amount(product, each))
    return "; ".join(one for one in said if one)


def _amount(product: Product, each: Rule) -> str:
    products = [
        " + ".join(_term(product, term) for term in terms).replace(PLUS_MINUS, LESS)
        for terms in each.amount
    ]
    total = TIMES.join(f"({one})" for one in products) if products[1:] else products[0]
    bounds = []
    if each.at_least is not None:
        bounds.append(f"at least {each.at_least:g}")
    if each.at_most is not None:
        bounds.append(f"at most {each.at_most:g}")
    return f"{total}: {' and '.join(bounds)}"


def _term(product: Product, term: str | float) -> str:
    if not isinstance(term, str):
        return f"{term:g}"
    sign = MINUS if term.startswith("-") else ""
    return sign + code(product.field(term.lstrip("-")).spelling)


def conditions(product: Product, conditions: Mapping[str, Any]) -> str:
    said = [_one(product.field(name), wanted) for name, wanted in conditions.items()]
    return ", ".join(said)


def _one(field: Field, wanted: Any) -> str:
    if wanted == "present":
        return f"with {code(field.spelling)}"
    if wanted == "absent":
        return f"without {code(field.spelling)}"
    if field.kind is FieldKind.SWITCH:
        return _switch(field, wanted)
    named = [str(each) for each in wanted if each != "absent"]
    values = " or ".join(named)
    if len(named) > MANY:
        values = f"one of {len(named)}: {', '.join(named[:2])} and so on"
    unsaid = " or unsaid" if "absent" in wanted else ""
    return f"{code(field.spelling)} {values}{unsaid}"


def _switch(field: Field, wanted: Sequence[Any]) -> str:
    off = field.spelling.replace("--", "--no-", 1)
    words = [
        code(field.spelling if each else off) for each in wanted if each != "absent"
    ]
    return " or ".join([*words, *(["unsaid"] if "absent" in wanted else [])])


def _options(product: Product, names: Iterable[str]) -> str:
    return join_words([code(product.field(name).spelling) for name in names])
