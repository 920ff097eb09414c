"""The nouns of the catalogue: product, field, route, model, limits, rule, rate.

A product file (`data/*.toml`) is parsed into these once, by `catalogue.py`. Everything
else here is a pure function over them: which route a request takes, what is wrong with
its values, the body it becomes, what it will cost. `data/README.md` explains the files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kling_cli.catalogue.field import Field, Limits
from kling_cli.catalogue.place import Place
from kling_cli.catalogue.rule import Habit, Length, Rate, Rule
from kling_cli.catalogue.session import SessionUse, StepFacts


class CredentialKind(StrEnum):
    """What a request can be signed with."""

    API_KEY = "api_key"
    KEY_PAIR = "key_pair"


class Generation(StrEnum):
    """Which surface of the API a route belongs to; each spells everything its way."""

    NEW = "new"
    LEGACY = "legacy"
    SOLUTIONS = "solutions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way into the API for a product: a create path and how its body is laid out.

    `create_path` may hold `{model}`; `model_at` is the body key that names the model
    otherwise, and `default_wire_id` the model an absent one stands for. `query_path`
    answers `GET {query_path}/{id}` (legacy), or is `/tasks` or `/solutions`; None when
    the create call already answers with the result. The `image_` limits hold for
    every image of a request; the longest side may have a bound, in pixels.
    """

    name: str
    generation: Generation
    create_path: str
    query_path: str | None
    credentials: frozenset[CredentialKind]
    places: Mapping[str, Place]
    model_at: str | None
    default_wire_id: str | None
    external_id_at: str | None
    callback_url_at: str | None
    image_max_bytes: int
    image_formats: tuple[str, ...] = ("jpg", "png")
    image_max_side_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of a product: its ids on each route, and what it accepts.

    `wire_ids` maps a route's name to the id used there; a missing route means the model
    cannot be reached that way. `limits[route][field]` exists only for what it takes.
    `status` is `current`, `historic`, `retired` or `discontinued`; `note` says more.

    `usual_s` is how long a task usually takes, in seconds, None when unknown: a seed
    for what the journal learns. `usual_basis` is `observed` or `estimate`.
    """

    id: str
    label: str
    aliases: tuple[str, ...]
    status: str
    wire_ids: Mapping[str, str]
    limits: Mapping[str, Mapping[str, Limits]]
    rates: tuple[Rate, ...]
    note: str | None = None
    usual_s: float | None = None
    usual_basis: str = "estimate"

    @property
    def warning(self) -> str | None:
        """What a person who chose this model should know, or None."""
        if self.status in ("current", "historic"):
            return None
        return f"{self.id}: {self.note or self.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something Kling makes; a command of its own.

    `pack` is the kind of resource pack that pays, at `unit_usd` a unit (list price).
    `output` is the type of its results, `lengths` what decides how long they are, where
    that is an input; the first that holds counts. Routes stand in the order in which
    they are tried; `defaults` names the model to use when none is asked for. `session`
    says what goes before the product's call, `step` more of a call that goes before
    others.
    """

    name: str
    summary: str
    panel: str
    pack: str
    unit_usd: float
    output: str
    defaults: Mapping[CredentialKind, str]
    fields: tuple[Field, ...]
    routes: tuple[Route, ...]
    models: tuple[Model, ...]
    rules: tuple[Rule, ...] = ()
    lengths: tuple[Length, ...] = ()
    habits: tuple[Habit, ...] = ()
    example: str = ""
    step: StepFacts | None = None
    session: SessionUse | None = None

    @property
    def default_model(self) -> str:
        """The default with every kind of credentials at hand, for help texts."""
        return self.default_for(tuple(CredentialKind))

    def default_for(self, credentials: Collection[str]) -> str:
        """Return the default model for the first kind of `credentials` that has one."""
        for kind, model_id in self.defaults.items():
            if kind in credentials:
                return model_id
        return next(iter(self.defaults.values()))

    def field(self, name: str) -> Field:
        """Return the field called `name`; a KeyError is a bug in the caller."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decided request: which product, by which route, with which model."""

    product: Product
    route: Route
    model: Model

    @property
    def wire_model(self) -> str:
        return self.model.wire_ids[self.route.name]

    @property
    def create_path(self) -> str:
        return self.route.create_path.replace("{model}", self.wire_model)

    @property
    def limits(self) -> Mapping[str, Limits]:
        """What the model takes on this route, by field."""
        return self.model.limits[self.route.name]

    def max_bytes(self, field: str) -> int:
        """Return how large a file for `field` may be, before base64."""
        limits = self.limits.get(field)
        own = limits.max_bytes if limits is not None else None
        return own or self.route.image_max_bytes

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that hold for this model on this route."""
        return tuple(rule for rule in self.product.rules if self._has(rule))

    @property
    def habits(self) -> tuple[Habit, ...]:
        """What we say where a person does not, for this model on this route."""
        return tuple(habit for habit in self.product.habits if self._has(habit))

    @property
    def lengths(self) -> tuple[Length, ...]:
        """What this model's results are as long as on this route."""
        return tuple(length for length in self.product.lengths if self._has(length))

    def _has(self, each: Rule | Habit | Length) -> bool:
        return (not each.models or self.model.id in each.models) and (
            not each.routes or self.route.name in each.routes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a value; `message` is a sentence that says value and limit.

    `field` is our name, or the wire name when a raw body was checked.
    """

    field: str
    message: str
    hint: str | None = None
