"""`kling models`: models, their capabilities and prices, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli import catalogue
from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.catalogue import Model, Product
    from kling_cli.cli.output.views.models import ModelListing

ModelName = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="One model in full, in any of its spellings (default: all, a line each).",
        autocompletion=completion.complete_models,
        show_default=False,
    ),
]


SINGLE_MODEL_MAX = "kling models MODEL shows all about one"


def _products() -> list[str]:
    return list(catalogue.product_names())


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilterOptions:
    """Filters of models."""

    product: Annotated[
        str | None,
        typer.Option(
            "--product",
            metavar="NAME",
            help="Only models of this product, text2video…",
            autocompletion=completion.complete_products,
        ),
    ] = None
    can: Annotated[
        list[str] | None,
        typer.Option(
            "--can",
            metavar="WORDS",
            help="Only models that can do all of this, the cheapest first, and how to "
            "ask for it: sound,4k,duration=12,last-frame,elements=3…; repeatable.",
        ),
    ] = None


def models(
    *, name: ModelName = None, wanted: ModelFilterOptions, output_options: OutputOptions
) -> int:
    """Show which model can do what, and for how many units; asks the API nothing.

    With --quiet: one model id a line.

    kling models --can sound,4k,duration=12
    """
    from kling_cli.cli.output.listing import EmptyMessage, Listing, print_listing
    from kling_cli.cli.output.views import models as shown
    from kling_cli.cli.output.views.models import model_document

    words = parse_capabilities(wanted.can or ())
    found = select_models(wanted.product, name, words)
    lines = shown.capability_table(found) if words else shown.model_table(found)
    listing = Listing(
        command="models",
        facts={"models": [model_document(one) for one in found]},
        lines=shown.model_details(found) if name and not words else lines,
        notes=() if name or words else [SINGLE_MODEL_MAX],
        ids=list(dict.fromkeys(one.model.id for one in found)),
        empty=EmptyMessage(
            "no model can do all of this",
            "ask for less of it, or see what each can do: kling models",
        ),
    )
    return print_listing(listing, output_options)


def parse_capabilities(texts: Sequence[str]) -> list[str]:
    """Return the capabilities of `--can`, which are separated by commas."""
    words = (word.strip() for each in texts for word in each.split(","))
    return [word for word in words if word]


def select_models(
    product: str | None, name: str | None, words: Sequence[str]
) -> tuple[ModelListing, ...]:
    """Return the models to show: in the catalogue's order, or the cheapest first.

    Raises:
        UsageError: there is no such product, model or capability.
    """
    from kling_cli.cli.output.views.models import ModelListing

    products = catalogue.all_products() if product is None else (_load(product),)
    lines = [
        ModelListing(product=one, model=each) for one in products for each in one.models
    ]
    if name is not None:
        lines = [
            one for one in lines if name.strip().lower() in _model_names(one.model)
        ]
        if not lines:
            raise _no_model(name, products)
    if not words:
        return tuple(lines)
    return tuple(sorted(_matching_listings(lines, words), key=_price_key))


def _matching_listings(
    lines: Sequence[ModelListing], words: Sequence[str]
) -> Iterator[ModelListing]:
    from kling_cli.catalogue import best_match, require_known_capabilities
    from kling_cli.cli.output.views.models import ModelListing

    require_known_capabilities(
        {one.product.name: one.product for one in lines}.values(), words
    )
    for one in lines:
        offer = best_match(one.product, one.model, words)
        if offer is not None and one.model.status != "discontinued":
            yield ModelListing(product=one.product, model=one.model, offer=offer)


def _price_key(one: ModelListing) -> float:
    return one.offer.price if one.offer is not None else 0.0


def _model_names(model: Model) -> tuple[str, ...]:
    return (model.id, *model.wire_ids.values(), *model.aliases)


def _load(name: str) -> Product:
    return catalogue.load_product(name.removeprefix("solution "))


def _no_model(name: str, products: Sequence[Product]) -> UsageError:
    from difflib import get_close_matches

    known = {model.id for product in products for model in product.models}
    near = get_close_matches(name.lower(), sorted(known), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "kling models lists them"
    return UsageError(f"there is no model {name}", hint=hint)
