"""Markdown of prices: units, and list prices in USD."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from docs.maker import markdown
from kling_cli.catalogue.definition.schema import DurationRule, Model, Product, Rate

RESOLUTIONS = ("720p", "1080p", "1k", "2k", "4k")
PACKS = {"video": "video", "image": "image", "try_on": "try-on"}
ALWAYS = ""  # the column of prices that go by no resolution


@dataclass(frozen=True, slots=True)
class Price:
    """One line of a price list: cells by resolution."""

    product: Product
    model: Model
    when: str
    per: str
    cells: Mapping[str, str]

    @property
    def is_by_second(self) -> bool:
        return "second" in self.per


def prices_of(product: Product) -> Iterator[Price]:
    """Yield the prices of all models that are not retired."""
    for model in product.models:
        if model.status != "discontinued":
            yield from _of_model(product, model)


def table(product: Product) -> list[str]:
    """Return the prices of one product."""
    return _table(list(prices_of(product)), is_alone=True)


def list_of(prices: Iterable[Price]) -> list[str]:
    """Return the prices of several products, each with its link."""
    return _table(list(prices), is_alone=False)


def money(usd: float) -> str:
    """Return an amount with two decimals, or as many as it has."""
    whole, _, rest = f"{usd:.4f}".rstrip("0").partition(".")
    return f"${whole}.{rest.ljust(2, '0')}"


def _table(prices: list[Price], *, is_alone: bool) -> list[str]:
    used = {column for each in prices for column in each.cells}
    columns = [each for each in (*RESOLUTIONS, ALWAYS) if each in used]
    heads = [f">{column or 'any'}" if columns[1:] else ">units" for column in columns]
    head = ["model", "when", "per", *heads]
    rows = [
        [markdown.code(each.model.id), each.when, each.per]
        + [each.cells.get(column, "") for column in columns]
        for each in prices
    ]
    if is_alone:
        return markdown.table(head, rows)
    links = [f"[{each.product.name}]({each.product.name}.md)" for each in prices]
    linked = [[link, *row] for link, row in zip(links, rows, strict=True)]
    return markdown.table(["product", *head], linked)


def _of_model(product: Product, model: Model) -> Iterator[Price]:
    groups: dict[str, list[Rate]] = {}
    for rate in model.rates:
        groups.setdefault(repr((_when(rate), rate.per, rate.every)), []).append(rate)
    for rates in groups.values():
        when = markdown.conditions(product, _when(rates[0]))
        cells = {
            resolution: _cell(product, rate)
            for rate in rates
            for resolution in rate.when.get("resolution", [ALWAYS])
        }
        yield Price(product, model, when, _per(rates[0]), cells)


def _when(rate: Rate) -> dict[str, object]:
    return {name: value for name, value in rate.when.items() if name != "resolution"}


def _per(rate: Rate) -> str:
    if rate.per == "output":
        return "result"
    return f"{rate.every} {rate.per}s" if rate.every > 1 else rate.per


def _cell(product: Product, rate: Rate) -> str:
    most = "at most " if rate.is_maximum else ""
    return f"{most}{rate.units:g} ({money(rate.units * product.unit_usd)})"


def duration_rule(each: DurationRule, product: Product) -> str:
    """Return what the length of a result depends on."""
    option = markdown.code(product.field(each.source).spelling)
    when = markdown.conditions(product, each.when)
    condition = f", {when}" if when else ""
    range_s = ""
    if each.seconds is not None:
        low, high = each.seconds
        range_s = f", {low:g} to {high:g} s" if low else f", at most {high:g} s"
    more = f"; the result lasts about {each.added_s:g} s more" if each.added_s else ""
    as_long = f"as long as the {each.noun}{range_s}{more}"
    return f"With {option}{condition}: {as_long}{markdown.where(each)}."
