"""Where the API keeps tasks: two places for an API key, one a family for a key pair."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from kling_cli.catalogue import catalogue
from kling_cli.catalogue.model import Generation, Product
from kling_cli.errors import KlingError, RefusedError
from kling_cli.jobs.ask import SOLUTIONS_PATH, TASKS_PATH

_NO_RIGHT: Final = 1103  # said of one product; others may well be allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path that lists and finds tasks.

    `product` is what they are, empty where that is not said; `pack` what pays for them.
    """

    path: str
    product: str = ""
    pack: str = ""

    @property
    def is_bulk(self) -> bool:
        """Whether it takes many ids at once, and an API key only."""
        return self.path in (TASKS_PATH, SOLUTIONS_PATH)

    def may_have(self, product: str) -> bool:
        """Say whether tasks of a product may be found here."""
        if not self.is_bulk:
            return self.product == product
        is_solution = any(
            route.generation is Generation.SOLUTIONS
            for route in catalogue.described(product).routes
        )
        return is_solution == (self.path == SOLUTIONS_PATH)


def is_only_here(error: KlingError) -> bool:
    """Say whether a refusal is about one place, so that others may answer."""
    return isinstance(error, RefusedError) or error.code == _NO_RIGHT


def families(*, is_bulk: bool) -> list[Place]:
    """Return where to look, the likeliest places first, each once."""
    if is_bulk:
        return [Place(path=TASKS_PATH), Place(path=SOLUTIONS_PATH)]
    found: dict[str, Place] = {}
    for product in _by_likelihood():
        for route in product.routes:
            path = route.query_path
            if route.generation is Generation.LEGACY and path is not None:
                place = Place(path=path, product=product.name, pack=product.pack)
                found.setdefault(path, place)
    return list(found.values())


def _by_likelihood() -> Collection[Product]:
    """Return what a task may be of, in the order of help, the library's things last."""
    return (*catalogue.all_products(), *catalogue.all_managed())
