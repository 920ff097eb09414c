"""The types of the catalogue: products, routes, models, fields, limits and rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from kling_cli.catalogue.sessions import SessionSpec, StepSpec


class FieldMapping(Struct, frozen=True, kw_only=True):
    """Maps a field to the request body: where its value stands and how it is encoded.

    `path` is dotted; a number in it is the index of a list. With `item`, the value
    becomes an entry of the list at `path`: the constant keys of `item` plus the value
    under `item_key` (or merged, when the value is an object and `item_key` is None). An
    entry without these constants counts as one too if `is_default_item`. A repeated
    field without `item` is a plain list; `single_path` is where a single value of it
    stands, if elsewhere.

    `encode` maps our value to the API's; several fields may share a path when their
    encodings differ, and a default without an encoding is not sent. `sent_as` is `text`
    for numbers sent as strings, `integer` for ids sent as numbers, `milliseconds` for
    our seconds. `codec` names a function of `prompt.py` for values of a form of their
    own. `constants` are sent along with the value, by path.

    A handle goes under `handle_key` in the item, where other clients may leave it out
    if `is_handle_optional`; without such a key, the prompt refers to the entry as
    `<<<noun_N>>>`, N counting from 1. `default_handle` is the handle of a value that
    was given none.
    """

    path: str
    item: Mapping[str, Any] | None = None
    item_key: str | None = None
    is_default_item: bool = False
    single_path: str | None = None
    encode: Mapping[Any, Any] | None = None
    sent_as: str | None = None
    codec: str | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    handle_key: str | None = None
    is_handle_optional: bool = False
    noun: str | None = None
    default_handle: str | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """A documented dependency between fields, evaluated by `validation.py`.

    When every condition of `when` holds, so must the demands: every condition of
    `need`, exactly one of `one_of`, at least one of `any_of`, at most one group of
    `exclusive`, `amount` between `at_least` and `at_most`, and the function that
    `check` names: a field, perhaps after a word (`no shots`). A condition maps a field
    to the values it may have, or to `present` or `absent`. `amount` is a product of
    sums: a term is a number, a field (its value, or how many values it has) or
    `-field`.

    `models` and `routes` are where the rule holds; empty means everywhere. A rule that
    `is_client_only` prevents a mistake that the API would accept. `wire_message` is the
    API's own message, where that has been seen.
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
    is_client_only: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields the rule is about, the one that calls for it first."""
        groups = [*self.exclusive, self.one_of, self.any_of]
        in_groups = [name for group in groups for name in group]
        terms = [t for terms in self.amount for t in terms if isinstance(t, str)]
        named = [*self.when, *self.need, *in_groups, *(t.lstrip("-") for t in terms)]
        checked = self.check.split()[-1:] if self.check else []
        return tuple(dict.fromkeys([*named, *checked]))


class ClientDefault(Struct, frozen=True, kw_only=True):
    """Values that are sent when a person gives none, alike in both generations.

    `values` are by field; `when`, `models` and `routes` as in `Rule`. The sandbox does
    not apply them: it assumes what the API does.
    """

    values: Mapping[str, Any]
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class Rate(Struct, frozen=True, kw_only=True):
    """The price of one variant; the first rate whose `when` (see `Rule`) holds counts.

    `per` is `call`, `second` of output (each `every` begun or whole ones: 5 for lip
    sync) or `output`, as many as the value of the field `count`. A rate that
    `is_maximum` is the highest of several, among which an input decides.
    """

    units: float
    per: str = "second"
    every: int = 1
    count: str | None = None
    is_maximum: bool = False
    when: Mapping[str, Any] = field(default_factory=dict)


class DurationRule(Struct, frozen=True, kw_only=True):
    """Makes a result as long as one of its inputs, `source`; `when` as in `Rule`.

    `seconds` are the shortest and the longest input that is accepted, None where that
    is not documented. `added_s` is what the result lasts beyond it; it is not charged.
    `noun` is the input in messages; `models` and `routes` as in `Rule`.
    """

    source: str
    noun: str
    seconds: tuple[float, float] | None = None
    added_s: float = 0.0
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class Estimate(Struct, frozen=True, kw_only=True):
    """What a job will cost if it succeeds: units of its pack, and list price in USD.

    `units` is None where the length or number of the results is known only later; then
    `at_most_units` is their maximum by the documented limits, None without any.
    """

    units: float | None
    usd: float | None
    basis: str
    at_most_units: float | None = None
    at_most_usd: float | None = None


class FieldKind(StrEnum):
    """The type of a field: what can be typed for it, and its Python type."""

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


class ChoiceGroup(Struct, frozen=True, kw_only=True):
    """A named group of choices with a note for people.

    Limits and rules may name the group instead of its choices. `discontinued` are the
    days from which some of them, or all, are no longer offered.
    """

    name: str
    note: str
    choices: tuple[str, ...]
    discontinued: Mapping[str, str] = field(default_factory=dict)


class Field(Struct, frozen=True, kw_only=True):
    """One parameter of a job, under the same name in every generation of the API.

    `options` are the command-line spellings; empty for an argument and for what only
    `--set` and request files reach. A switch also has the `--no-` form of its options.
    A value of an `is_repeated` field is a tuple. With `has_handle`, each value may be
    `NAME=VALUE`, and the prompt may then refer to it as `@NAME`. A choice among many
    has them in `groups`, for a list of their own.

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
        """The field as it is typed: `--last-frame`, or `IMAGE` for an argument."""
        if self.options:
            return max(self.options, key=len)
        if not self.is_argument:
            return self.name
        return (self.metavar or self.name).split()[0].upper()


class Limits(Struct, frozen=True, kw_only=True):
    """What a model accepts for a field on a route; None means no such limit.

    `max_length` counts characters; `min_items` and `max_items` bound repeated fields.
    `max_bytes` and `seconds` (shortest, longest) are for files, where the field has
    limits of its own. `default` is what the API assumes when the field is absent, and
    what is sent then if it `is_sent`; `is_fixed` marks a value that the model always
    has and that cannot be given (Turbo's sound). `keys` bounds the entries of an
    object, or of each object of a list.
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
    """The kinds of credentials that can sign a request."""

    API_KEY = "api_key"
    KEY_PAIR = "key_pair"


class Generation(StrEnum):
    """A generation of the API; each spells names and values in its own way."""

    NEW = "new"
    LEGACY = "legacy"
    SOLUTIONS = "solutions"


class Route(Struct, frozen=True, kw_only=True):
    """An endpoint of the API for a product: its create path and the layout of its body.

    `create_path` may contain `{model}`; otherwise `model_path` is the body key that
    names the model, and `default_wire_id` the model that an absent one stands for.
    `query_path` answers `GET {query_path}/{id}` (legacy), or is `/tasks` or
    `/solutions`; None when the create call answers with the result. The `image_` limits
    hold for every image of a request; the longest side may have a bound, in pixels.
    """

    name: str
    generation: Generation
    create_path: str
    query_path: str | None
    credentials: frozenset[CredentialKind]
    mappings: Mapping[str, FieldMapping]
    model_path: str | None
    default_wire_id: str | None
    external_id_path: str | None
    callback_url_path: str | None
    image_max_bytes: int
    image_formats: tuple[str, ...] = ("jpg", "png")
    image_max_side_px: int | None = None


class Model(Struct, frozen=True, kw_only=True):
    """A model of a product: its ids on each route, what it accepts, and its prices.

    `wire_ids` maps a route's name to the id used there; without one the model cannot be
    reached by that route. `limits[route][field]` exists only for fields it accepts.
    `status` is `current`, `historic`, `retired` or `discontinued`; `note` says more.

    `usual_s` is how long a task usually takes, in seconds, None when unknown: an
    initial value for what the journal learns. `usual_basis` is `observed` or
    `estimate`.
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
        """A warning for people who choose this model, or None."""
        if self.status in ("current", "historic"):
            return None
        return f"{self.id}: {self.note or self.status}"


class Product(Struct, frozen=True, kw_only=True):
    """A kind of job that Kling offers, with a command of its own.

    `pack` is the kind of resource pack that pays, at `unit_usd` a unit (list price).
    `output` is the type of its results, `duration_rules` are the inputs that decide
    their length; the first that holds counts. Routes stand in the order in which they
    are tried; `defaults` names the model to use when none is given. `session` describes
    the call that goes before the product's, `step` a call that goes before others.
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
    duration_rules: tuple[DurationRule, ...] = ()
    client_defaults: tuple[ClientDefault, ...] = ()
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

    def max_bytes(self, field: str) -> int:
        """Return how large a file for `field` may be for any model, before base64."""
        return max(
            Plan(product=self, route=route, model=model).max_bytes(field)
            for route in self.routes
            for model in self.models
            if route.name in model.wire_ids
        )

    def field(self, name: str) -> Field:
        """Return the field called `name`; a KeyError is a bug in the caller."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)


class Plan(Struct, frozen=True, kw_only=True):
    """A product, one of its models, and the route by which it is reached."""

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
        """The limits of the model on this route, by field."""
        return self.model.limits[self.route.name]

    def max_bytes(self, field: str) -> int:
        """Return how large a file for `field` may be, before base64."""
        limits = self.limits.get(field)
        own = limits.max_bytes if limits is not None else None
        return own or self.route.image_max_bytes

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that hold for this model on this route."""
        return tuple(rule for rule in self.product.rules if self._applies(rule))

    @property
    def client_defaults(self) -> tuple[ClientDefault, ...]:
        """The client defaults of this model on this route."""
        return tuple(
            client_default
            for client_default in self.product.client_defaults
            if self._applies(client_default)
        )

    @property
    def duration_rules(self) -> tuple[DurationRule, ...]:
        """The duration rules of this model on this route."""
        return tuple(
            length for length in self.product.duration_rules if self._applies(length)
        )

    def _applies(self, each: Rule | ClientDefault | DurationRule) -> bool:
        return (not each.models or self.model.id in each.models) and (
            not each.routes or self.route.name in each.routes
        )


class Problem(Struct, frozen=True, kw_only=True):
    """One thing wrong with a value; `message` is a sentence that names value and limit.

    `field` is our name, or the wire name when a raw body was validated.
    """

    field: str
    message: str
    hint: str | None = None
