"""Loads products by name from `data/`, each when it is first needed.

Importing this costs next to nothing, and so do names and summaries: `kling --help`
needs them at every start. A product's file is parsed when its command runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kling_cli.catalogue.definition.schema import Product

_DATA = Path(__file__).parents[1] / "data"
_COMMON = "common"
_MANAGED = "managed"
_STEPS = "steps"
_HISTORIC = "historic"
_HEAD_BYTES = 1024


class Summary(NamedTuple):
    """The entry of a product in the list of commands."""

    name: str
    summary: str
    panel: str
    group: str  # the command it is a sub-command of, if it is one
    command: str  # what it is called there


@cache
def summaries() -> tuple[Summary, ...]:
    """Return the summary of every product, in the order of the list of commands.

    Only the head of each file is read: plain `key = "value"` lines before the first
    blank one; a test checks the files for that.
    """
    return _sorted_summaries(
        path for path in _DATA.glob("*.toml") if path.stem != _COMMON
    )


@cache
def step_summaries() -> tuple[Summary, ...]:
    """Return the summaries of the steps that are commands; as cheap as `summaries`."""
    listed = _sorted_summaries((_DATA / _STEPS).glob("*.toml"))
    return tuple(each for each in listed if each.group)


def _sorted_summaries(paths: Iterable[Path]) -> tuple[Summary, ...]:
    heads = [_read_head(path) for path in paths]
    heads.sort(key=lambda head: (int(head.get("order", 0)), head["name"]))
    return tuple(
        Summary(
            name=head["name"],
            summary=head["summary"],
            panel=head["panel"],
            group=head.get("group", ""),
            command=head.get("command", head["name"]),
        )
        for head in heads
    )


def model_labels() -> dict[str, str]:
    """Return the label of every model by its id, without parsing the files; cheap."""
    found: dict[str, str] = {}
    for name in product_names():
        model = None
        for line in (_DATA / f"{name}.toml").read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                is_model = line.startswith("[models.")
                model = line[len("[models.") : -1].strip('"') if is_model else None
            elif model is not None and line.startswith("label = "):
                found.setdefault(model, line.removeprefix("label = ").strip('"'))
    return found


def product_names() -> tuple[str, ...]:
    """Return the products' names, in the order of the list of commands."""
    return tuple(each.name for each in summaries())


@cache
def load_product(name: str) -> Product:
    """Return the product called `name`.

    Raises:
        UsageError: there is none.
        CatalogueError: its file is wrong.
    """
    from kling_cli.catalogue.definition.parser import parse_product

    if name not in product_names():
        raise _unknown_product(name)
    return parse_product(_read(name), _read(_COMMON))


def all_products() -> tuple[Product, ...]:
    """Return every product; parses every file, so not for start-up."""
    return tuple(load_product(name) for name in product_names())


@cache
def load_managed(name: str) -> Product:
    """Return the description of a resource that is created like a product's result.

    It is no command of its own: `custom-voice` or `custom-element`.
    """
    from kling_cli.catalogue.definition.parser import parse_product

    return parse_product(_read(f"{_MANAGED}/{name}"), _read(_COMMON))


def load_creatable(name: str) -> Product:
    """Return the product, or the managed resource, of this name.

    Raises:
        UsageError: there is none.
    """
    return load_managed(name) if name in _names_in(_MANAGED) else load_product(name)


def managed_names() -> tuple[str, ...]:
    """Return the names of everything that can be made for the library."""
    return _names_in(_MANAGED)


def all_managed() -> tuple[Product, ...]:
    """Return every managed resource that can be created."""
    return tuple(load_managed(name) for name in _names_in(_MANAGED))


@cache
def load_step(name: str) -> Product:
    """Return a step: a call that precedes a product's own and opens its session."""
    from kling_cli.catalogue.definition.parser import parse_product

    return parse_product(_read(f"{_STEPS}/{name}"), _read(_COMMON))


def step_names() -> tuple[str, ...]:
    """Return the names of all steps."""
    return _names_in(_STEPS)


def all_steps() -> tuple[Product, ...]:
    """Return every step."""
    return tuple(load_step(stem) for stem in step_names())


def all_historic() -> tuple[Product, ...]:
    """Return the calls that are no longer documented and are still served.

    They are no commands of `kling`; other clients make them, and so the sandbox and
    `kling api` know them.
    """
    return tuple(_load_historic(stem) for stem in _names_in(_HISTORIC))


@cache
def _load_historic(name: str) -> Product:
    from kling_cli.catalogue.definition.parser import parse_product

    return parse_product(_read(f"{_HISTORIC}/{name}"), _read(_COMMON))


def opening_step(product: Product) -> Product | None:
    """Return the step that the product's own command makes first; most have none."""
    use = product.session
    return load_step(use.step) if use is not None and use.is_opened_here else None


def load_description(name: str) -> Product:
    """Return the description of this name: product, managed resource, step or historic.

    Raises:
        UsageError: there is none.
    """
    if name in _names_in(_HISTORIC):
        return _load_historic(name)
    return load_step(name) if name in _names_in(_STEPS) else load_creatable(name)


@cache
def _names_in(folder: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (_DATA / folder).glob("*.toml")))


@cache
def _read(stem: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads((_DATA / f"{stem}.toml").read_text(encoding="utf-8"))


def _read_head(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8", "ignore").split("\n\n", 1)[0]
    pairs = (line.split(" = ", 1) for line in head.splitlines())
    return {key: value.strip('"') for key, value in pairs}


def _unknown_product(name: str) -> Exception:
    from difflib import get_close_matches

    from kling_cli.errors import UsageError

    near = get_close_matches(name, product_names(), n=3)
    guess = f"did you mean {' or '.join(near)}?"
    return UsageError(
        f"there is no product {name}",
        hint=guess if near else f"there are {', '.join(product_names())}",
    )
