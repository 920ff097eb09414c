"""The models of a product file, their limits and rates; rules and lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue.field import Limits
from kling_cli.catalogue.model import Model
from kling_cli.catalogue.rule import Habit, Length, Rate, Rule
from kling_cli.catalogue.table import CatalogueError, Table

_ENDS = 2


def limit_sets(table: Table) -> dict[str, dict[str, Any]]:
    return {route: dict(fields) for route, fields in table.items()}


def limits(data: object, where: str) -> Limits:
    """Return the limits a table of them describes."""
    table = Table(data, where)
    low, high = _range(table)
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
        seconds=_pair_if_any(table, "seconds"),
        is_required=table.take("required", bool, default=False),
        default=table.anything("default"),
        is_fixed=table.take("fixed", bool, default=False),
        is_sent=table.take("sent", bool, default=False),
        keys={k: limits(v, f"{where}.keys.{k}") for k, v in keys.items()} or None,
    )
    table.close()
    return made


def _range(table: Table) -> tuple[Any, Any]:
    return _pair_if_any(table, "range") or (None, None)


def pair(table: Table, key: str) -> tuple[Any, Any]:
    """Return the two ends that stand under `key`."""
    low_high: list[Any] = table.take(key, list)
    if len(low_high) != _ENDS:
        raise CatalogueError(f"{table.where}: {key} is not [lowest, highest]")
    return low_high[0], low_high[1]


def _pair_if_any(table: Table, key: str) -> tuple[Any, Any] | None:
    return pair(table, key) if table.has(key) else None


def models(table: Table, shared: Mapping[str, Mapping[str, Any]]) -> tuple[Model, ...]:
    return tuple(
        _model(name, Table(data, f"{table.where}.{name}"), shared)
        for name, data in table.items()
    )


def _model(name: str, table: Table, shared: Mapping[str, Mapping[str, Any]]) -> Model:
    ids = {route: str(wire_id) for route, wire_id in table.table("ids").items()}
    own = dict(table.table("limits").items())
    usual = table.table("usual")
    made = Model(
        id=name,
        label=table.take("label", str),
        aliases=table.words("aliases"),
        status=table.take("status", str, "current"),
        note=table.find("note", str),
        wire_ids=ids,
        limits={
            route: _merged(shared.get(route, {}), own.pop(route, {}), table.where)
            for route in ids
        },
        rates=tuple(rate for each in table.tables("rates") for rate in _rates(each)),
        usual_s=usual.find("seconds", float),
        usual_basis=usual.take("basis", str, "estimate"),
    )
    usual.close()
    table.close()
    if own:
        raise CatalogueError(f"{table.where}.limits: no id for route {next(iter(own))}")
    return made


def _merged(
    shared: Mapping[str, Any], own: Mapping[str, Any], where: str
) -> dict[str, Limits]:
    return {
        name: limits(data, f"{where}.limits.{name}")
        for name, data in {**shared, **own}.items()
        if data is not False
    }


def _rates(table: Table) -> list[Rate]:
    """One rate, or one for each resolution when `units` is a table of them."""
    units = table.anything("units")
    by_resolution = units if isinstance(units, dict) else {None: units}
    when = table.take("when", dict, {})
    per, every = table.take("per", str, "second"), table.take("every", int, 1)
    count = table.find("count", str)
    is_most = table.take("at_most", bool, default=False)
    table.close()
    if not all(isinstance(each, int | float) for each in by_resolution.values()):
        raise CatalogueError(f"{table.where}: units is {units!r}, not a number")
    return [
        Rate(
            units=float(amount),
            per=per,
            every=every,
            count=count,
            is_most=is_most,
            when={**when, "resolution": [resolution]} if resolution else when,
        )
        for resolution, amount in by_resolution.items()
    ]


def rule(table: Table) -> Rule:
    made = Rule(
        id=table.take("id", str),
        message=table.take("message", str),
        hint=table.find("hint", str),
        wire_message=table.find("wire_message", str),
        is_ours=table.take("ours", bool, default=False),
        when=table.take("when", dict, {}),
        need=table.take("need", dict, {}),
        one_of=table.words("one_of"),
        any_of=table.words("any_of"),
        exclusive=tuple(tuple(g) for g in table.take("exclusive", list, [])),
        amount=tuple(tuple(s) for s in table.take("amount", list, [])),
        at_least=table.find("at_least", float),
        at_most=table.find("at_most", float),
        check=table.find("check", str),
        models=table.words("models"),
        routes=table.words("routes"),
    )
    table.close()
    return made


def length(table: Table) -> Length:
    made = Length(
        follows=table.take("follows", str),
        noun=table.take("noun", str),
        seconds=_pair_if_any(table, "seconds"),
        adds=table.take("adds", float, 0.0),
        when=table.take("when", dict, {}),
        models=table.words("models"),
        routes=table.words("routes"),
    )
    table.close()
    return made


def habit(table: Table) -> Habit:
    made = Habit(
        say=table.take("say", dict),
        when=table.take("when", dict, {}),
        models=table.words("models"),
        routes=table.words("routes"),
    )
    table.close()
    return made
