"""What a person wants a model to be able to do, in the words of `--can`.

A word is a field (`sound`, `last-frame`), a field and its value (`duration=12`,
`image=4` for four of them), a value alone (`4k`, `16:9`, `12s`), or `no-` and a switch.
What it means depends on the product, so each is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any, Final

from kling_cli.catalogue.field import Field, FieldKind
from kling_cli.catalogue.model import Product
from kling_cli.errors import UsageError

_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)s")
_WORDS: Final = {
    "on": True, "yes": True, "true": True, "off": False, "no": False, "false": False,
}  # fmt: skip
_URL: Final = "https://example.com/file"
_SAMPLES: Final[Mapping[FieldKind, Any]] = {
    FieldKind.TEXT: "1",
    FieldKind.IMAGE: _URL,
    FieldKind.AUDIO: _URL,
    FieldKind.VIDEO: _URL,
    FieldKind.LINK: _URL,
    FieldKind.SWITCH: True,
}
_COUNTED: Final = frozenset(
    {FieldKind.IMAGE, FieldKind.AUDIO, FieldKind.VIDEO, FieldKind.LINK, FieldKind.TEXT}
)  # a number after these is how many
_SHOT: Final = "5:words"
_MANY: Final = 1000  # more than any field takes


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that is wanted of a field: a value, or any at all (`value` None)."""

    field: str
    value: Any = None


def demands(product: Product, words: Iterable[str]) -> Iterator[tuple[Demand, ...]]:
    """Yield every way in which this product can mean all of the words; often none."""
    yield from combinations(*(tuple(meanings(product, word)) for word in words))


def meanings(product: Product, word: str) -> Iterator[Demand]:
    """Yield what a word can mean for a product: a field, or the value of one."""
    name, separator, text = word.strip().lower().partition("=")
    named = [field for field in product.fields if name in spellings(field)]
    if named and not separator:
        yield from (Demand(field.name) for field in named)
        return
    if named:
        yield from (Demand(each.name, value(each, text)) for each in named)
        return
    if not separator:
        yield from _by_value(product, name)


def _by_value(product: Product, text: str) -> Iterator[Demand]:
    """Yield the meanings of a word that names no field."""
    seconds = _SECONDS.fullmatch(text)
    for field in product.fields:
        is_switch = field.kind is FieldKind.SWITCH
        if is_switch and text.removeprefix("no-") in spellings(field):
            yield Demand(field.name, False)
        elif seconds and field.name == "duration":
            yield Demand(field.name, value(field, seconds[1]))
        elif field.kind is FieldKind.CHOICE and text in _choices(product, field):
            yield Demand(field.name, _choices(product, field)[text])


def _choices(product: Product, field: Field) -> dict[str, Any]:
    """Return every value that some model takes for a choice, by its text."""
    found: dict[str, Any] = {}
    for model in product.models:
        for limits in model.limits.values():
            if field.name in limits:
                found |= {str(one).lower(): one for one in _known(limits[field.name])}
    return found


def _known(limits: Any) -> tuple[Any, ...]:
    fixed = (limits.default,) if limits.is_fixed else ()
    return (*(limits.choices or ()), *fixed)


def spellings(field: Field) -> frozenset[str]:
    """Return the words that mean a field: its name and its long options."""
    options = (each[2:] for each in field.options if each.startswith("--"))
    return frozenset({field.name.replace("_", "-"), *options})


def value(field: Field, text: str) -> Any:
    """Return the value that a text means for a field; of a list, that many samples.

    A text that means nothing for it is returned as it is: no model will take it.
    """
    if field.kind in _COUNTED and text.isdecimal():
        count = min(int(text), _MANY)
        return (sample(field),) * count if field.is_repeated else _one(field, count)
    try:
        if field.kind in (FieldKind.INTEGER, FieldKind.NUMBER):
            number = float(text)
            return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        return text
    if field.kind is FieldKind.SWITCH:
        return _WORDS.get(text, text)
    return (text,) if field.is_repeated else text


def _one(field: Field, count: int) -> Any:
    """Return a sample where one is wanted; of several no such field can have any."""
    return sample(field) if count == 1 else count


def sample(field: Field) -> Any:
    """Return one value that stands for any; of a JSON field there is none."""
    if field.name == "shots":
        return _SHOT
    return _SAMPLES.get(field.kind)


def require_known(products: Iterable[Product], words: Iterable[str]) -> None:
    """Refuse a word that none of the products knows.

    Raises:
        UsageError: naming the word, and those that are near it.
    """
    everything = tuple(products)
    for word in words:
        if not any(True for one in everything for _ in meanings(one, word)):
            raise _unknown(everything, word)


def _unknown(products: tuple[Product, ...], word: str) -> UsageError:
    from difflib import get_close_matches

    fields = [field for one in products for field in one.fields if field.options]
    known = sorted({each for field in fields for each in spellings(field)})
    near = get_close_matches(word.partition("=")[0], known, n=3) or known[:8]
    return UsageError(
        f"--can {word}: no model has anything of that name",
        hint=f"try {', '.join(near)}, a value such as 4k or 16:9, or duration=12",
    )
