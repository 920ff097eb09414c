"""Where a value stands in a body, and how it is spelled there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kling_cli.catalogue.sessions import SessionSpec, StepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A documented dependency between fields; data, evaluated by `rules.py`.

    When every condition of `when` holds, so must the demands: every condition of
    `need`, exactly one of `one_of`, at least one of `any_of`, at most one group of
    `exclusive`, `amount` between `at_least` and `at_most`, and what `rules.py` has
    written out as `check`: a field, perhaps after a word (`no shots`). A condition maps
    a field to the values it may have, or to `present` or `absent`. `amount` is a
    product of sums: a term is a number, a field (its value, or how many values it has)
    or `-field`.

    `models` and `routes` are where the rule holds; empty means everywhere. A rule that
    `is_ours` spares a person a mistake that the API would take. `wire_message` is what
    the API itself says, where that has been seen.
    """

    id: str
    message: str
    when: Mapping[str, Any] = field(default_factory=dict)
    need: Mapping[str, Any] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    amount: tuple[tuple[str | float, ...], ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    check: str | None = None
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    hint: str | None = None
    wire_message: str | None = None
    is_ours: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields the rule is about, the one that calls for it first."""
        groups = [*self.exclusive, self.one_of, self.any_of]
        in_groups = [name for group in groups for name in group]
        terms = [t for terms in self.amount for t in terms if isinstance(t, str)]
        named = [*self.when, *self.need, *in_groups, *(t.lstrip("-") for t in terms)]
        checked = self.check.split()[-1:] if self.check else []
        return tuple(dict.fromkeys([*named, *checked]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDefault:
    """What we say where a person says nothing, so that both generations do the same.

    `say` holds values by field; `when`, `models` and `routes` as in `Rule`. The sandbox
    knows none of it: it assumes what the API does.
    """

    say: Mapping[str, Any]
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units for one variant; `when` as in `Rule`, the first rate that holds counts.

    `per` is `call`, `second` of output (each `every` begun or whole ones: 5 for lip
    sync) or `output`, as many as the value of the field `count`. A rate that `is_most`
    is the dearest of several, of which an input decides.
    """

    units: float
    per: str = "second"
    every: int = 1
    count: str | None = None
    is_most: bool = False
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationRule:
    """A result as long as an input, the field `follows`; `when` as in `Rule`.

    `seconds` are the shortest and the longest input that is taken, None where that is
    not documented. `adds` is what the result lasts beyond it; it is not charged.
    `noun` is what a person calls the input; `models` and `routes` as in `Rule`.
    """

    follows: str
    noun: str
    seconds: tuple[float, float] | None = None
    adds: float = 0.0
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job will cost if it succeeds: units of its pack, and list price in USD.

    `units` is None where the length or number of the results shows only later; then
    `at_most_units` is what they can come to by the documented limits, None without any.
    """

    units: float | None
    usd: float | None
    basis: str
    at_most_units: float | None = None
    at_most_usd: float | None = None


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
    places: Mapping[str, FieldMapping]
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
    lengths: tuple[DurationRule, ...] = ()
    habits: tuple[ClientDefault, ...] = ()
    example: str = ""
    step: StepSpec | None = None
    session: SessionSpec | None = None

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
    def habits(self) -> tuple[ClientDefault, ...]:
        """What we say where a person does not, for this model on this route."""
        return tuple(habit for habit in self.product.habits if self._has(habit))

    @property
    def lengths(self) -> tuple[DurationRule, ...]:
        """What this model's results are as long as on this route."""
        return tuple(length for length in self.product.lengths if self._has(length))

    def _has(self, each: Rule | ClientDefault | DurationRule) -> bool:
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
