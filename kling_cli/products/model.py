"""The nouns of the catalogue: product, field, route, model, limits, rule, rate.

A product file (`data/*.toml`) is parsed into these once, by `catalogue.py`. Everything
else here is a pure function over them: which route a request takes, what is wrong with
its values, the body it becomes, what it will cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any



class CredentialKind(StrEnum):
    """What a request can be signed with."""

    API_KEY = "api_key"
    KEY_PAIR = "key_pair"


class Generation(StrEnum):
    """Which surface of the API a route belongs to; they spell everything differently."""

    NEW = "new"
    LEGACY = "legacy"


class FieldKind(StrEnum):
    """What a person may type for a field, and what the value is in Python."""

    TEXT = "text"  # str
    INTEGER = "integer"  # int
    NUMBER = "number"  # float
    SWITCH = "switch"  # bool
    CHOICE = "choice"  # str out of the limits' choices
    IMAGE = "image"  # str: a URL, or bare base64 once a local file has been read
    JSON = "json"  # a list or an object, given as JSON or `@file.json`


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing a person can say about a job; the same name in every generation.

    `options` are the command-line spellings; empty for an argument and for what only
    `--set` and request files reach. `is_repeated` fields hold a tuple of values.
    """

    name: str
    kind: FieldKind
    help: str
    options: tuple[str, ...] = ()
    is_argument: bool = False
    is_repeated: bool = False
    metavar: str | None = None
    unit: str | None = None
    choices_help: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model accepts for a field on a route; None means no such limit.

    `max_length` counts characters; `max_items` bounds repeated fields. `default` is what
    the API assumes when the field is absent; `is_fixed` marks a value the model always
    has and that cannot be said (Turbo's sound).
    """

    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    max_items: int | None = None
    is_required: bool = False
    default: Any = None
    is_fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field's value goes in a body, and how it is spelled there.

    `at` is a dotted path. With `item`, the value becomes an entry of the list at `at`:
    the item's constant keys plus the value under `put` (or merged, when the value is an
    object and `put` is None). `encode` maps our value to theirs; `is_text` sends numbers
    as strings, as legacy bodies want seconds.
    """

    at: str
    item: Mapping[str, Any] | None = None
    put: str | None = None
    encode: Mapping[str, Any] | None = None
    is_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way into the API for a product: a create path and how its body is laid out.

    `create_path` may hold `{model}`; `model_at` is the body key that names the model
    otherwise. `query_path` answers `GET {query_path}/{id}` (legacy) or is `/tasks`.
    """

    name: str
    generation: Generation
    create_path: str
    query_path: str
    credentials: frozenset[CredentialKind]
    places: Mapping[str, Place]
    model_at: str | None
    external_id_at: str
    callback_url_at: str
    image_max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A documented dependency between fields; data, checked by `check.py`.

    When every condition of `when` holds, every condition of `need` must. A condition
    maps a field to the list of values it may have, or to `present` / `absent`.
    `check` names a function of `check.py` for what conditions cannot say (sums).
    """

    id: str
    message: str
    when: Mapping[str, Any] = field(default_factory=dict)
    need: Mapping[str, Any] = field(default_factory=dict)
    check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units for one variant: `per` is `second` or `call`; `when` as in `Rule`."""

    units: float
    per: str = "second"
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of a product: its ids on each route, and what it accepts.

    `wire_ids` maps a route's name to the id used there; a missing route means the model
    cannot be reached that way. `limits[route][field]` exists only for what it takes.
    `usual_s` is the published or observed generation time, None when unknown.
    """

    id: str
    label: str
    aliases: tuple[str, ...]
    status: str
    wire_ids: Mapping[str, str]
    limits: Mapping[str, Mapping[str, Limits]]
    rules: tuple[Rule, ...]
    rates: tuple[Rate, ...]
    usual_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something Kling makes; a command of its own.

    `pack` is the kind of resource pack that pays (`video`, `image`). Routes stand in the
    order in which they are tried; the first model is the default.
    """

    name: str
    summary: str
    panel: str
    pack: str
    output: str
    default_model: str
    fields: tuple[Field, ...]
    routes: tuple[Route, ...]
    models: tuple[Model, ...]
    rules: tuple[Rule, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decided request: which product, by which route, with which model."""

    product: Product
    route: Route
    model: Model

    @property
    def create_path(self) -> str:
        return self.route.create_path.replace("{model}", self.model.wire_ids[self.route.name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a value. `field` is ours; `message` says value and limit."""

    field: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job will cost if it succeeds: units of its pack, and list price in USD."""

    units: float
    usd: float
    basis: str
