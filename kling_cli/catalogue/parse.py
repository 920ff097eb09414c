"""From the tables of a product file to the nouns of `model.py`, strictly.

`data/README.md` describes the files for the person who maintains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue.field import ChoiceGroup, Field, FieldKind
from kling_cli.catalogue.groups import spelled_out
from kling_cli.catalogue.model import CredentialKind, Generation, Product, Route
from kling_cli.catalogue.parse_models import habit, length, limit_sets, models, rule
from kling_cli.catalogue.parse_session import session_use, step_facts
from kling_cli.catalogue.place import Place
from kling_cli.catalogue.session import SessionUse
from kling_cli.catalogue.table import CatalogueError, Table

_MEBIBYTE = 1024 * 1024
_SWITCH = {"on": True, "off": False}


def product(data: Mapping[str, Any], common: Mapping[str, Any]) -> Product:
    """Return the product `data` describes, with what it takes from `common`.

    Raises:
        CatalogueError: something is missing, misspelled or refers to nothing.
    """
    top = Table(data, str(data.get("name", "?")))
    shared = Table(common, "common")
    _pass_over(top)
    pack = top.take("pack", str)
    fields = _fields(top, shared.table("fields"))
    made = Product(
        name=top.take("name", str),
        summary=top.take("summary", str),
        panel=top.take("panel", str),
        pack=pack,
        unit_usd=shared.table("packs").take(pack, float),
        output=top.take("output", str),
        defaults=_defaults(top.table("defaults")),
        fields=fields,
        routes=_routes(top.table("routes"), shared.table("routes"), fields),
        models=models(top.table("models"), limit_sets(top.table("limits"))),
        rules=tuple(rule(each) for each in top.tables("rules")),
        lengths=tuple(length(each) for each in top.tables("lengths")),
        habits=tuple(habit(each) for each in top.tables("habits")),
        example=top.take("example", str),
        step=step_facts(top.table("step")) if top.has("step") else None,
        session=_session(top, fields),
    )
    top.close()
    return spelled_out(made)


def _pass_over(top: Table) -> None:
    """Take what only the list of commands is made from."""
    top.take("order", int, 0)
    for key in ("group", "command"):
        top.take(key, str, "")


def _session(top: Table, fields: tuple[Field, ...]) -> SessionUse | None:
    if not top.has("session"):
        return None
    return session_use(top.table("session"), frozenset(each.name for each in fields))


def _defaults(table: Table) -> dict[CredentialKind, str]:
    models_by_kind = dict(table.items())
    kinds = Table({"kinds": list(models_by_kind)}, table.where).members(
        "kinds", CredentialKind
    )
    return {kind: str(models_by_kind[kind]) for kind in kinds}


def _fields(top: Table, shared: Table) -> tuple[Field, ...]:
    names, own = top.words("fields"), top.table("fields_of_its_own")
    described = {**dict(shared.items()), **dict(own.items())}
    missing = [name for name in names if name not in described]
    if missing:
        raise CatalogueError(f"{own.where}: nobody describes the field {missing[0]}")
    return tuple(
        _field(name, Table(described[name], f"fields.{name}")) for name in names
    )


def _field(name: str, table: Table) -> Field:
    made = Field(
        name=name,
        kind=table.member("kind", FieldKind),
        help=table.take("help", str),
        options=table.words("options"),
        is_argument=table.take("argument", bool, default=False),
        is_repeated=table.take("repeated", bool, default=False),
        has_handle=table.take("handle", bool, default=False),
        id_field=table.find("id_field", str),
        id_of=table.find("id_of", str),
        metavar=table.find("metavar", str),
        unit=table.find("unit", str),
        groups=tuple(_group(each) for each in table.tables("groups")),
    )
    table.close()
    return made


def _group(table: Table) -> ChoiceGroup:
    ended = {name: str(day) for name, day in table.table("ended").items()}
    made = ChoiceGroup(
        name=table.take("name", str),
        note=table.take("note", str),
        choices=(*table.words("choices"), *ended),
        ended=ended,
    )
    table.close()
    return made


def _routes(
    table: Table, shared: Table, fields: tuple[Field, ...]
) -> tuple[Route, ...]:
    frames = dict(shared.items())
    return tuple(
        _route(name, Table(data, f"{table.where}.{name}"), frames, fields)
        for name, data in table.items()
    )


def _route(
    name: str, table: Table, frames: Mapping[str, Any], fields: tuple[Field, ...]
) -> Route:
    like = table.find("like", str)
    if like is not None and like not in frames:
        raise CatalogueError(f"{table.where}: there is no route to be like {like}")
    frame = dict(frames[like]) if like is not None else {}
    places = _places(table.table("places"), frame.pop("places", {}), fields)
    table = Table({**frame, **dict(table.items())}, table.where)
    made = Route(
        name=name,
        generation=table.member("generation", Generation),
        create_path=table.take("path", str),
        query_path=table.find("query_path", str) or None,
        credentials=frozenset(table.members("credentials", CredentialKind)),
        places=places,
        model_at=table.find("model_at", str) or None,
        default_wire_id=table.find("default_wire_id", str) or None,
        external_id_at=table.find("external_id_at", str) or None,
        callback_url_at=table.find("callback_url_at", str) or None,
        image_max_bytes=table.take("image_max_mb", int) * _MEBIBYTE,
        image_formats=table.words("image_formats") or ("jpg", "png"),
        image_max_side_px=table.find("image_max_side_px", int),
    )
    table.close()
    return made


def _places(
    table: Table, frame: Mapping[str, Any], fields: tuple[Field, ...]
) -> dict[str, Place]:
    """Return the route's own places in their order, then what the frame adds."""
    own, known = dict(table.items()), {field.name: field for field in fields}
    unknown = own.keys() - known.keys()
    if unknown:
        raise CatalogueError(f"{table.where}: there is no field {min(unknown)}")
    added = {k: v for k, v in frame.items() if k in known and k not in own}
    return {
        name: _place(data, f"{table.where}.{name}", known[name])
        for name, data in {**own, **added}.items()
        if data is not False
    }


def _place(data: object, where: str, field: Field) -> Place:
    if isinstance(data, str):
        return Place(at=data)
    table = Table(data, where)
    ours = _SWITCH if field.kind is FieldKind.SWITCH else {}
    encode = dict(table.table("encode").items())
    made = Place(
        at=table.take("at", str),
        item=table.find("item", dict),
        put=table.find("put", str),
        is_usual=table.take("usual", bool, default=False),
        alone_at=table.find("alone_at", str),
        encode={ours.get(k, k): v for k, v in encode.items()} or None,
        sent_as=table.find("sent_as", str),
        codec=table.find("codec", str),
        also=table.take("also", dict, {}),
        handle_at=table.find("handle_at", str),
        is_handle_optional=table.take("handle_optional", bool, default=False),
        noun=table.find("noun", str),
        called=table.find("called", str),
    )
    table.close()
    return made
