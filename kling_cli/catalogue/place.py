"""Where a value stands in a body, and how it is spelled there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field's value goes in a body, and how it is spelled there.

    `at` is a dotted path; a number in it is the index of a list. With `item`, the value
    becomes an entry of the list at `at`: the item's constant keys plus the value under
    `put` (or merged, when the value is an object and `put` is None). An entry that says
    nothing of these constants `is_usual`ly one of these too. A repeated field without
    `item` is a plain list; a single value of it stands at `alone_at`, where that is
    another place.

    `encode` maps our value to theirs; several fields may stand at one place when their
    words differ, and a default without a word goes without saying. `sent_as` is `text`
    for numbers sent as strings, `integer` for ids sent as numbers, `milliseconds` for
    our seconds. `codec` names a function of `prompt.py` for values that are written
    quite differently there. `also` are constants, by path, that go with the value.

    A handle goes under `handle_at` in the item, where other clients may leave it out if
    `is_handle_optional`; where there is no such key, the prompt names the entry as
    `<<<noun_N>>>`, N counting from 1. `called` is the handle of what got no name.
    """

    at: str
    item: Mapping[str, Any] | None = None
    put: str | None = None
    is_usual: bool = False
    alone_at: str | None = None
    encode: Mapping[Any, Any] | None = None
    sent_as: str | None = None
    codec: str | None = None
    also: Mapping[str, Any] = field(default_factory=dict)
    handle_at: str | None = None
    is_handle_optional: bool = False
    noun: str | None = None
    called: str | None = None
