"""From a create path, and a model's id on the wire, back to the catalogue."""

from __future__ import annotations

import re

from kling_cli.catalogue.catalogue import (
    all_historic,
    all_managed,
    all_products,
    all_steps,
)
from kling_cli.catalogue.model import Model, Product, Route


def by_path(path: str) -> tuple[Product, Route, Model | None] | None:
    """Return what a POST to `path` creates; None when it creates nothing.

    The model is None when the body names it, and when the path names one that the
    product does not have.
    """
    everything = (*all_products(), *all_managed(), *all_steps(), *all_historic())
    for product in everything:
        for route in product.routes:
            pattern = re.escape(route.create_path).replace(r"\{model\}", "([^/]+)")
            found = re.fullmatch(pattern, path)
            if found is not None:
                name = found[1] if found.groups() else None
                return product, route, _by_path_id(product, route, name)
    return None


def by_wire_id(product: Product, route: Route, wire_id: str | None) -> Model | None:
    """Return the model a body's `wire_id` means; without one, the route's default."""
    wanted = wire_id or route.default_wire_id
    for model in product.models:
        if model.wire_ids.get(route.name) == wanted:
            return model
    return None


def _by_path_id(product: Product, route: Route, name: str | None) -> Model | None:
    if name is not None:
        return by_wire_id(product, route, name)
    is_only_one = route.model_at is None and len(product.models) == 1
    return product.models[0] if is_only_one else None
