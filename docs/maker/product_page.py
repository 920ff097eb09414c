"""The page of one product."""

from __future__ import annotations

from docs.maker import markdown, prices
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Field, Product, Route
from kling_cli.cli.options.product_fields import limits_sentence

KEYS = {CredentialKind.API_KEY: "API key", CredentialKind.KEY_PAIR: "key pair"}


def page(product: Product) -> str:
    """Return the Markdown of a product's page."""
    parts = [
        [f"# {command(product)}", "", product.summary],
        ["```sh", product.example, "```"],
        *_calls_before(product),
        ["## Options", "", *_options(product)],
        ["## Models", "", *_models(product)],
        _rules(product),
        _client_defaults(product),
        ["## Price and length", "", *_prices(product)],
        ["## Requests", "", *_routes(product)],
        ["Made from the [catalogue](README.md); do not edit."],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def command(product: Product) -> str:
    """Return the command of the product, as its example has it."""
    alone = {each.name for each in loader.summaries() if not each.group}
    return " ".join(product.example.split()[: 2 if product.name in alone else 3])


def _calls_before(product: Product) -> list[list[str]]:
    """Return the section about the calls before the product's own."""
    use, step = product.session, loader.opening_step(product)
    if use is None:
        return []
    if step is None:
        return [["## Before it"], *(_step(each) for each in _steps(product))]
    route, rate = step.routes[0], step.models[0].rates[0]
    cost = f"{rate.units:g} units" if rate.units else "free"
    call = markdown.code(f"POST {route.create_path}")
    about = (
        f"The {use.noun}s are found first, by a call of its own: {call}, {cost}. It"
        f" opens the session, and `--{use.noun}s` stops there. With"
        f" {markdown.code(product.field(use.session_field).spelling)} it is left out."
    )
    return [["## Before it", "", about, "", *_table(step)]]


def _steps(product: Product) -> list[Product]:
    group = product.example.split()[1]
    return [
        loader.load_step(each.name)
        for each in loader.step_summaries()
        if each.group == group
    ]


def _step(step: Product) -> list[str]:
    return [f"{step.summary}", "", "```sh", step.example, "```", "", *_table(step)]


def _options(product: Product) -> list[str]:
    shared = "The options that every generating command has: [README](../../README.md)."
    return [*_table(product), "", shared]


def _table(product: Product) -> list[str]:
    sayable = {name for route in product.routes for name in route.mappings}
    sayable -= {each.id_field for each in product.fields if each.id_field}
    rows = [
        [_spelling(each), _about(product, each)]
        for each in product.fields
        if each.options or each.is_argument or each.name in sayable
    ]
    return markdown.table(["option", "what it is"], rows)


def _spelling(field: Field) -> str:
    if field.is_argument or not field.options:
        return markdown.code(field.spelling)
    return ", ".join(markdown.code(each) for each in reversed(field.options))


def _about(product: Product, field: Field) -> str:
    needed = any(
        limits[field.name].is_required and not limits[field.name].is_sent
        for model in product.models
        for limits in model.limits.values()
        if field.name in limits
    )
    said = " ".join(
        each for each in (field.help, limits_sentence(product, field)) if each
    )
    needed = needed and field.name not in _supplied_fields(product)
    return f"{said} Needed." if needed and "needed" not in said else said


def _supplied_fields(product: Product) -> tuple[str | None, ...]:
    """Return the required fields that the call before may supply."""
    use = product.session
    if use is None or not use.is_opened_here:
        return ()
    fit = (use.segment.insert_field, use.segment.end_field) if use.segment else ()
    return (use.session_field, use.choice_field, *fit)


def _models(product: Product) -> list[str]:
    rows = []
    for model in product.models:
        ids = [
            markdown.code(each) for each in sorted(set(model.wire_ids.values())) if each
        ]
        is_default = model.id in product.defaults.values()
        usual = "" if model.usual_s is None else f"{model.usual_s:g} s"
        basis = "" if model.usual_basis == "observed" else "about "
        status = f"{model.status}, default" if is_default else model.status
        rows.append(
            [
                markdown.code(model.id),
                ", ".join(ids),
                model.note or status,
                basis + usual,
            ]
        )
    return markdown.table(["model", "in the API", "status", ">usually takes"], rows)


def _rules(product: Product) -> list[str]:
    if not product.rules:
        return []
    lines = [f"- {markdown.rule(product, each)}" for each in product.rules]
    return ["## What depends on what", "", *lines]


def _client_defaults(product: Product) -> list[str]:
    if not product.client_defaults:
        return []
    lines = [
        f"- {markdown.client_default(product, each)}"
        for each in product.client_defaults
    ]
    return ["## What `kling` says where you do not", "", *lines]


def _prices(product: Product) -> list[str]:
    pack = prices.PACKS[product.pack]
    lines = [
        f"- {prices.duration_rule(each, product)}" for each in product.duration_rules
    ]
    if lines:
        lines.append("")
    if not any(model.rates for model in product.models):
        return [*lines, "Kling publishes no price; `--max-units` refuses."]
    unit = (
        f"Units of the {pack} pack, {prices.money(product.unit_usd)} each (list price)"
    )
    is_by_second = any(each.is_by_second for each in prices.prices_of(product))
    whole = "; whole seconds count" if is_by_second else ""
    return [*lines, f"{unit}{whole}.", "", *prices.table(product)]


def _routes(product: Product) -> list[str]:
    rows = [_route(each) for each in product.routes]
    head = ["surface", "create", "result", "credentials"]
    order = "The first that credentials, model and options allow is taken."
    return [*markdown.table(head, rows), *(["", order] if rows[1:] else [])]


def _route(route: Route) -> list[str]:
    keys = " or ".join(KEYS[each] for each in KEYS if each in route.credentials)
    query = (
        markdown.code(f"GET {_query(route)}") if route.query_path else "answers at once"
    )
    return [
        route.generation.value,
        markdown.code(f"POST {route.create_path}"),
        query,
        keys,
    ]


def _query(route: Route) -> str:
    is_shared = route.query_path in ("/tasks", "/solutions")
    return f"{route.query_path}?task_ids=ID" if is_shared else f"{route.query_path}/ID"
