"""The pages about all products: the list, the models, the prices."""

from __future__ import annotations

from collections.abc import Sequence

from docs.maker import markdown, prices
from docs.maker.product_page import command
from kling_cli.catalogue.definition.schema import Generation, Model, Product

SOURCE = (
    "Made by `python -m docs.maker` from `kling_cli/catalogue/data`, which says where"
    " each fact comes from: the API reference as read on 2026-10-04."
)


def readme(products: Sequence[Product]) -> str:
    """Return the list of all products."""
    rows = [
        [
            f"[{markdown.code(command(each))}]({each.name}.md)",
            each.summary,
            _default(each),
        ]
        for each in products
    ]
    lines = [
        "# Products",
        "",
        f"Also: [models](models.md), [prices](prices.md). {SOURCE}",
        "",
        *markdown.table(["command", "does", "default model"], rows),
    ]
    return "\n".join(lines) + "\n"


def _default(product: Product) -> str:
    return markdown.code(product.default_model) if len(product.models) > 1 else ""


def models(products: Sequence[Product]) -> str:
    """Return every model with its ids and the products that have it."""
    had: dict[str, list[tuple[Product, Model]]] = {}
    for product in products:
        for model in product.models:
            if any(model.wire_ids.values()):  # else a product without a choice
                had.setdefault(model.id, []).append((product, model))
    head = ["model", "products", "id in the path", "`model_name`", "status"]
    rows = [_model(name, each) for name, each in had.items()]
    return "\n".join(["# Models", "", SOURCE, "", *markdown.table(head, rows)]) + "\n"


def _model(name: str, had: Sequence[tuple[Product, Model]]) -> list[str]:
    links = [f"[{product.name}]({product.name}.md)" for product, _ in had]
    ids: dict[bool, dict[str, None]] = {True: {}, False: {}}
    by_status: dict[str, list[str]] = {}
    for product, model in had:
        by_status.setdefault(model.status, []).append(product.name)
        for route, wire_id in model.wire_ids.items():
            ids[_generation(product, route) is Generation.NEW][
                markdown.code(wire_id)
            ] = None
    status = next(iter(by_status))
    if len(by_status) > 1:
        said = (f"{each} ({', '.join(names)})" for each, names in by_status.items())
        status = "; ".join(said)
    known = [", ".join(ids[True]), ", ".join(ids[False])]
    return [markdown.code(name), ", ".join(links), *known, status]


def _generation(product: Product, route: str) -> Generation:
    return next(each.generation for each in product.routes if each.name == route)


def price_list(products: Sequence[Product]) -> str:
    """Return every published price."""
    every = [price for each in products for price in prices.prices_of(each)]
    by_second = prices.list_of(each for each in every if each.is_by_second)
    others = prices.list_of(each for each in every if not each.is_by_second)
    unknown = [
        f"[{each.name}]({each.name}.md)"
        for each in products
        if not any(prices.prices_of(each))
    ]
    lines = [
        *("# Prices", ""),
        "Units, and USD at list price. A task is charged when it succeeds, to the pack",
        "of its kind; `--dry-run` estimates one, `--max-units` bounds it.",
        *("", *markdown.table(["pack", ">a unit"], _packs(products))),
        *("", "## By the second", ""),
        "Whole seconds count: a clip of 5.041 s is charged as 5.",
        *("", *by_second),
        *("", "## By the call or the result", "", *others),
        *("", "## Not published", "", f"{', '.join(unknown)}.", "", SOURCE),
    ]
    return "\n".join(lines) + "\n"


def _packs(products: Sequence[Product]) -> list[list[str]]:
    prices_by_pack = {each.pack: each.unit_usd for each in products}
    return [
        [name, prices.money(prices_by_pack[pack])]
        for pack, name in prices.PACKS.items()
        if pack in prices_by_pack
    ]
