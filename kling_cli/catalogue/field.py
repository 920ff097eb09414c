"""What a person can say about a job, and what a model accepts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FieldKind(StrEnum):
    """What a person may type for a field, and what the value is in Python."""

    TEXT = "text"  # str
    INTEGER = "integer"  # int
    NUMBER = "number"  # float
    TIME = "time"  # float: seconds, typed as `1.5` or `1.5s`
    POINT = "point"  # dict: x and y as shares, typed as `0.4,0.5`
    SWITCH = "switch"  # bool
    CHOICE = "choice"  # one of the limits' choices, a str unless they say otherwise
    IMAGE = "image"  # str: a URL, or bare base64 once a local file has been read
    AUDIO = "audio"  # str: the same
    VIDEO = "video"  # str: a URL, nothing else
    LINK = "link"  # str: the URL of a file that cannot travel in the body
    JSON = "json"  # a list or an object, given as JSON or `@file.json`


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceGroup:
    """Choices that have something in common; `note` says to a person what that is.

    Limits and rules may name the group in place of its choices. `ended` are the days
    from which some of them, or all, are no longer offered.
    """

    name: str
    note: str
    choices: tuple[str, ...]
    ended: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing a person can say about a job; the same name in every generation.

    `options` are the command-line spellings; empty for an argument and for what only
    `--set` and request files reach. A switch also has the `--no-` form of its options.
    A value of an `is_repeated` field is a tuple. With `has_handle`, each value may be
    `NAME=VALUE`, and the prompt may then say `@NAME`. A choice among many has them in
    `groups`, for a list of their own.

    A value that is no URL belongs to the field `id_field`. A value of a field that is
    the `id_of` an output (`video`, `audio`) may be the id of the task that made it.
    """

    name: str
    kind: FieldKind
    help: str
    options: tuple[str, ...] = ()
    is_argument: bool = False
    is_repeated: bool = False
    has_handle: bool = False
    id_field: str | None = None
    id_of: str | None = None
    metavar: str | None = None
    unit: str | None = None
    groups: tuple[ChoiceGroup, ...] = ()

    @property
    def spelling(self) -> str:
        """How a person knows the field: `--last-frame`, or `IMAGE` for an argument."""
        if self.options:
            return max(self.options, key=len)
        if not self.is_argument:
            return self.name
        return (self.metavar or self.name).split()[0].upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model accepts for a field on a route; None means no such limit.

    `max_length` counts characters; `min_items` and `max_items` bound repeated fields.
    `max_bytes` and `seconds` (shortest, longest) are for files, where the field has
    limits of its own. `default` is what
    the API assumes when the field is absent, and what we send then where it `is_sent`;
    `is_fixed` marks a value the model always has and that cannot be said (Turbo's
    sound). `keys` bounds the
    entries of an object, or of each object of a list.
    """

    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_bytes: int | None = None
    seconds: tuple[float, float] | None = None
    is_required: bool = False
    default: Any = None
    is_fixed: bool = False
    is_sent: bool = False
    keys: Mapping[str, Limits] | None = None
