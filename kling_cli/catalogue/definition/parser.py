"""Parses product files strictly: an unknown key is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from kling_cli.catalogue.constraints import expand_groups
from kling_cli.catalogue.definition.schema import (
    ChoiceGroup,
    ClientDefault,
    CredentialKind,
    DurationRule,
    Field,
    FieldKind,
    FieldMapping,
    Generation,
    Limits,
    Model,
    Product,
    Rate,
    Route,
    Rule,
)
from kling_cli.catalogue.sessions import Range, SegmentSpec, SessionSpec, StepSpec
from kling_cli.errors import KlingError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class CatalogueError(KlingError):
    """A product file is invalid: our mistake."""


class Table:
    """A TOML table and its location; `close` refuses keys that were not taken."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise CatalogueError(f"{where}: expected a table, found {data!r}")
        self._left = dict(data)
        self.where = where

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Remove and return the value of `key`; `default` when absent, or an error."""
        if key not in self._left:
            if default is None:
                raise CatalogueError(f"{self.where}: {key} is missing")
            return default
        value = self._left.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise CatalogueError(
                f"{self.where}: {key} is {value!r} where {kind.__name__} belongs"
            )
        return value

    def find(self, key: str, kind: type[T]) -> T | None:
        """Remove and return the value of `key`, or None when it is absent."""
        return self.take(key, kind) if key in self._left else None

    def has(self, key: str) -> bool:
        """Return whether `key` is present and was not taken yet."""
        return key in self._left

    def one_of(self, key: str, known: Collection[str]) -> str:
        """Return the string under `key`; it must be one of those `known`."""
        word = self.take(key, str)
        if word not in known:
            raise CatalogueError(f"{self.where}: {key} is {word!r}, which is not there")
        return word

    def take_any(self, key: str) -> Any:
        """Remove and return the value under `key` of any type, or None."""
        return self._left.pop(key, None)

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of strings as a tuple; empty when it is absent."""
        found: list[object] = self.take(key, list, [])
        for each in found:
            if not isinstance(each, str):
                raise CatalogueError(f"{self.where}: {key} holds {each!r}, not a word")
        return tuple(str(each) for each in found)

    def member(self, key: str, kind: type[E]) -> E:
        """Return the enum member whose value is under `key`."""
        return self._member(key, self.take(key, str), kind)

    def members(self, key: str, kind: type[E]) -> tuple[E, ...]:
        """Return a list of enum members."""
        return tuple(self._member(key, word, kind) for word in self.strings(key))

    def _member(self, key: str, word: str, kind: type[E]) -> E:
        known = [member.value for member in kind]
        if word not in known:
            raise CatalogueError(
                f"{self.where}: {key} is {word!r}, not one of {', '.join(known)}"
            )
        return kind(word)

    def table(self, key: str) -> Table:
        """Return the table under `key`, an empty one when it is absent."""
        return Table(self._left.pop(key, {}), f"{self.where}.{key}")

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables under `key`; empty when it is absent."""
        found: list[object] = self.take(key, list, [])
        return [Table(each, f"{self.where}.{key}[{i}]") for i, each in enumerate(found)]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Take all remaining items, in the order of the file."""
        while self._left:
            key = next(iter(self._left))
            yield key, self._left.pop(key)

    def close(self) -> None:
        """Refuse keys that were not taken.

        Raises:
            CatalogueError: a key is unknown, most likely misspelled.
        """
        if self._left:
            raise CatalogueError(f"{self.where}: unknown key {next(iter(self._left))}")


def parse_session(table: Table, fields: frozenset[str]) -> SessionSpec:
    """Return the session of a product; every field that it names must exist.

    Raises:
        CatalogueError: something is missing, misspelled or refers to nothing.
    """
    made = SessionSpec(
        step=table.take("step", str),
        session_field=table.one_of("field", fields),
        noun=table.take("noun", str),
        is_opened_here=table.take("opened_here", bool, default=False),
        choice_field=table.one_of("choice", fields) if table.has("choice") else None,
        segment=_parse_segment(table.table("segment"), fields)
        if table.has("segment")
        else None,
        video_durations={
            name: _parse_ranges(Table(data, f"{table.where}.video_durations.{name}"))
            for name, data in table.table("video_durations").items()
        },
    )
    table.close()
    return made


def parse_step(table: Table) -> StepSpec:
    """Return the table `step` of a call that precedes others."""
    made = StepSpec(
        empty_hint=table.take("empty_hint", str),
        refused_hint=table.find("refused_hint", str),
        session_hours=table.find("session_hours", int),
        next_steps=table.strings("next_steps"),
        is_saved=table.take("saved", bool, default=False),
    )
    table.close()
    return made


def _parse_segment(table: Table, fields: frozenset[str]) -> SegmentSpec:
    made = SegmentSpec(
        audio_fields=table.strings("audio"),
        start_field=table.one_of("start", fields),
        end_field=table.one_of("end", fields),
        insert_field=table.one_of("insert", fields),
        overlap_s=table.take("overlap", float),
    )
    table.close()
    return made


def _parse_ranges(table: Table) -> dict[int, Range]:
    spans = dict(table.items())
    again = Table(spans, table.where)
    return {int(value): parse_pair(again, value) for value in spans}


_PAIR_LENGTH = 2


def parse_limit_sets(table: Table) -> dict[str, dict[str, Any]]:
    return {route: dict(fields) for route, fields in table.items()}


def parse_limits(data: object, where: str) -> Limits:
    """Return the limits that a table describes."""
    table = Table(data, where)
    low, high = _parse_range(table)
    choices = table.find("choices", list)
    max_mb = table.find("max_mb", int)
    keys = dict(table.table("keys").items())
    made = Limits(
        choices=None if choices is None else tuple(choices),
        minimum=low,
        maximum=high,
        max_length=table.find("max_length", int),
        min_items=table.find("min_items", int),
        max_items=table.find("max_items", int),
        max_bytes=None if max_mb is None else max_mb * 1024 * 1024,
        seconds=_parse_optional_pair(table, "seconds"),
        is_required=table.take("required", bool, default=False),
        default=table.take_any("default"),
        is_fixed=table.take("fixed", bool, default=False),
        is_sent=table.take("sent", bool, default=False),
        keys={k: parse_limits(v, f"{where}.keys.{k}") for k, v in keys.items()} or None,
    )
    table.close()
    return made


def _parse_range(table: Table) -> tuple[Any, Any]:
    return _parse_optional_pair(table, "range") or (None, None)


def parse_pair(table: Table, key: str) -> tuple[Any, Any]:
    """Return the two bounds under `key`."""
    low_high: list[Any] = table.take(key, list)
    if len(low_high) != _PAIR_LENGTH:
        raise CatalogueError(f"{table.where}: {key} is not [lowest, highest]")
    return low_high[0], low_high[1]


def _parse_optional_pair(table: Table, key: str) -> tuple[Any, Any] | None:
    return parse_pair(table, key) if table.has(key) else None


def parse_models(
    table: Table, shared: Mapping[str, Mapping[str, Any]]
) -> tuple[Model, ...]:
    return tuple(
        _parse_model(name, Table(data, f"{table.where}.{name}"), shared)
        for name, data in table.items()
    )


def _parse_model(
    name: str, table: Table, shared: Mapping[str, Mapping[str, Any]]
) -> Model:
    ids = {route: str(wire_id) for route, wire_id in table.table("ids").items()}
    own = dict(table.table("limits").items())
    usual = table.table("usual")
    made = Model(
        id=name,
        label=table.take("label", str),
        aliases=table.strings("aliases"),
        status=table.take("status", str, "current"),
        note=table.find("note", str),
        wire_ids=ids,
        limits={
            route: _merge_limits(shared.get(route, {}), own.pop(route, {}), table.where)
            for route in ids
        },
        rates=tuple(
            rate for each in table.tables("rates") for rate in _parse_rates(each)
        ),
        usual_s=usual.find("seconds", float),
        usual_basis=usual.take("basis", str, "estimate"),
    )
    usual.close()
    table.close()
    if own:
        raise CatalogueError(f"{table.where}.limits: no id for route {next(iter(own))}")
    return made


def _merge_limits(
    shared: Mapping[str, Any], own: Mapping[str, Any], where: str
) -> dict[str, Limits]:
    return {
        name: parse_limits(data, f"{where}.limits.{name}")
        for name, data in {**shared, **own}.items()
        if data is not False
    }


def _parse_rates(table: Table) -> list[Rate]:
    """Return one rate, or one per resolution when `units` is a table."""
    units = table.take_any("units")
    by_resolution = units if isinstance(units, dict) else {None: units}
    when = table.take("when", dict, {})
    per, every = table.take("per", str, "second"), table.take("every", int, 1)
    count = table.find("count", str)
    is_maximum = table.take("at_most", bool, default=False)
    table.close()
    if not all(isinstance(each, int | float) for each in by_resolution.values()):
        raise CatalogueError(f"{table.where}: units is {units!r}, not a number")
    return [
        Rate(
            units=float(amount),
            per=per,
            every=every,
            count=count,
            is_maximum=is_maximum,
            when={**when, "resolution": [resolution]} if resolution else when,
        )
        for resolution, amount in by_resolution.items()
    ]


def parse_rule(table: Table) -> Rule:
    made = Rule(
        id=table.take("id", str),
        message=table.take("message", str),
        hint=table.find("hint", str),
        wire_message=table.find("wire_message", str),
        is_client_only=table.take("client_only", bool, default=False),
        when=table.take("when", dict, {}),
        need=table.take("need", dict, {}),
        one_of=table.strings("one_of"),
        any_of=table.strings("any_of"),
        exclusive=tuple(tuple(g) for g in table.take("exclusive", list, [])),
        amount=tuple(tuple(s) for s in table.take("amount", list, [])),
        at_least=table.find("at_least", float),
        at_most=table.find("at_most", float),
        check=table.find("check", str),
        models=table.strings("models"),
        routes=table.strings("routes"),
    )
    table.close()
    return made


def parse_duration_rule(table: Table) -> DurationRule:
    made = DurationRule(
        source=table.take("source", str),
        noun=table.take("noun", str),
        seconds=_parse_optional_pair(table, "seconds"),
        added_s=table.take("added_s", float, 0.0),
        when=table.take("when", dict, {}),
        models=table.strings("models"),
        routes=table.strings("routes"),
    )
    table.close()
    return made


def parse_client_default(table: Table) -> ClientDefault:
    made = ClientDefault(
        values=table.take("values", dict),
        when=table.take("when", dict, {}),
        models=table.strings("models"),
        routes=table.strings("routes"),
    )
    table.close()
    return made


_MEBIBYTE = 1024 * 1024
_SWITCH = {"on": True, "off": False}


def parse_product(data: Mapping[str, Any], common: Mapping[str, Any]) -> Product:
    """Return the product that `data` describes, completed from `common`.

    Raises:
        CatalogueError: something is missing, misspelled or refers to nothing.
    """
    top = Table(data, str(data.get("name", "?")))
    shared = Table(common, "common")
    _skip_summary_keys(top)
    pack = top.take("pack", str)
    fields = _parse_fields(top, shared.table("fields"))
    made = Product(
        name=top.take("name", str),
        summary=top.take("summary", str),
        panel=top.take("panel", str),
        pack=pack,
        unit_usd=shared.table("packs").take(pack, float),
        output=top.take("output", str),
        defaults=_parse_defaults(top.table("defaults")),
        fields=fields,
        routes=_parse_routes(top.table("routes"), shared.table("routes"), fields),
        models=parse_models(top.table("models"), parse_limit_sets(top.table("limits"))),
        rules=tuple(parse_rule(each) for each in top.tables("rules")),
        duration_rules=tuple(
            parse_duration_rule(each) for each in top.tables("duration_rules")
        ),
        client_defaults=tuple(
            parse_client_default(each) for each in top.tables("client_defaults")
        ),
        example=top.take("example", str),
        step=parse_step(top.table("step")) if top.has("step") else None,
        session=_parse_session_if_any(top, fields),
    )
    top.close()
    return expand_groups(made)


def _skip_summary_keys(top: Table) -> None:
    """Take the keys that only the list of commands needs."""
    top.take("order", int, 0)
    for key in ("group", "command"):
        top.take(key, str, "")


def _parse_session_if_any(top: Table, fields: tuple[Field, ...]) -> SessionSpec | None:
    if not top.has("session"):
        return None
    return parse_session(top.table("session"), frozenset(each.name for each in fields))


def _parse_defaults(table: Table) -> dict[CredentialKind, str]:
    models_by_kind = dict(table.items())
    kinds = Table({"kinds": list(models_by_kind)}, table.where).members(
        "kinds", CredentialKind
    )
    return {kind: str(models_by_kind[kind]) for kind in kinds}


def _parse_fields(top: Table, shared: Table) -> tuple[Field, ...]:
    names, own = top.strings("fields"), top.table("own_fields")
    described = {**dict(shared.items()), **dict(own.items())}
    missing = [name for name in names if name not in described]
    if missing:
        raise CatalogueError(f"{own.where}: nobody describes the field {missing[0]}")
    return tuple(
        _parse_field(name, Table(described[name], f"fields.{name}")) for name in names
    )


def _parse_field(name: str, table: Table) -> Field:
    made = Field(
        name=name,
        kind=table.member("kind", FieldKind),
        help=table.take("help", str),
        options=table.strings("options"),
        is_argument=table.take("argument", bool, default=False),
        is_repeated=table.take("repeated", bool, default=False),
        has_handle=table.take("handle", bool, default=False),
        id_field=table.find("id_field", str),
        id_of=table.find("id_of", str),
        metavar=table.find("metavar", str),
        unit=table.find("unit", str),
        groups=tuple(_parse_group(each) for each in table.tables("groups")),
    )
    table.close()
    return made


def _parse_group(table: Table) -> ChoiceGroup:
    discontinued = {name: str(day) for name, day in table.table("discontinued").items()}
    made = ChoiceGroup(
        name=table.take("name", str),
        note=table.take("note", str),
        choices=(*table.strings("choices"), *discontinued),
        discontinued=discontinued,
    )
    table.close()
    return made


def _parse_routes(
    table: Table, shared: Table, fields: tuple[Field, ...]
) -> tuple[Route, ...]:
    frames = dict(shared.items())
    return tuple(
        _parse_route(name, Table(data, f"{table.where}.{name}"), frames, fields)
        for name, data in table.items()
    )


def _parse_route(
    name: str, table: Table, frames: Mapping[str, Any], fields: tuple[Field, ...]
) -> Route:
    like = table.find("like", str)
    if like is not None and like not in frames:
        raise CatalogueError(f"{table.where}: there is no route to be like {like}")
    frame = dict(frames[like]) if like is not None else {}
    mappings = _parse_mappings(
        table.table("mappings"), frame.pop("mappings", {}), fields
    )
    table = Table({**frame, **dict(table.items())}, table.where)
    made = Route(
        name=name,
        generation=table.member("generation", Generation),
        create_path=table.take("path", str),
        query_path=table.find("query_path", str) or None,
        credentials=frozenset(table.members("credentials", CredentialKind)),
        mappings=mappings,
        model_path=table.find("model_path", str) or None,
        default_wire_id=table.find("default_wire_id", str) or None,
        external_id_path=table.find("external_id_path", str) or None,
        callback_url_path=table.find("callback_url_path", str) or None,
        image_max_bytes=table.take("image_max_mb", int) * _MEBIBYTE,
        image_formats=table.strings("image_formats") or ("jpg", "png"),
        image_max_side_px=table.find("image_max_side_px", int),
    )
    table.close()
    return made


def _parse_mappings(
    table: Table, frame: Mapping[str, Any], fields: tuple[Field, ...]
) -> dict[str, FieldMapping]:
    """Return the route's own mappings in their order, then those of the frame."""
    own, known = dict(table.items()), {field.name: field for field in fields}
    unknown = own.keys() - known.keys()
    if unknown:
        raise CatalogueError(f"{table.where}: there is no field {min(unknown)}")
    added = {k: v for k, v in frame.items() if k in known and k not in own}
    return {
        name: _parse_mapping(data, f"{table.where}.{name}", known[name])
        for name, data in {**own, **added}.items()
        if data is not False
    }


def _parse_mapping(data: object, where: str, field: Field) -> FieldMapping:
    if isinstance(data, str):
        return FieldMapping(path=data)
    table = Table(data, where)
    ours = _SWITCH if field.kind is FieldKind.SWITCH else {}
    encode = dict(table.table("encode").items())
    made = FieldMapping(
        path=table.take("path", str),
        item=table.find("item", dict),
        item_key=table.find("item_key", str),
        is_default_item=table.take("default_item", bool, default=False),
        single_path=table.find("single_path", str),
        encode={ours.get(k, k): v for k, v in encode.items()} or None,
        sent_as=table.find("sent_as", str),
        codec=table.find("codec", str),
        constants=table.take("constants", dict, {}),
        handle_key=table.find("handle_key", str),
        is_handle_optional=table.take("handle_optional", bool, default=False),
        noun=table.find("noun", str),
        default_handle=table.find("default_handle", str),
    )
    table.close()
    return made
