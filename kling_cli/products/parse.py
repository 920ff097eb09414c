"""From the tables of a product file to the nouns of `model.py`, strictly.

`data/README.md` describes the files for the person who maintains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_cli.products.model import (
    CredentialKind,
    Field,
    FieldKind,
    Generation,
    Place,
    Product,
    Route,
)
from kling_cli.products.parse_models import limit_sets, models, rule
from kling_cli.products.table import CatalogueError, Table

_MEBIBYTE = 1024 * 1024
_SWITCH = {"on": True, "off": False}


def product(data: Mapping[str, Any], common: Mapping[str, Any]) -> Product:
    """Return the product `data` describes, with what it takes from `common`.

    Raises:
        CatalogueError: something is missing, misspelled or refers to nothing.
    """
    top = Table(data, str(data.get("name", "?")))
    shared = Table(common, "common")
    top.take("order", int, 0)
    pack = top.take("pack", str)
    own_fields = top.table("fields_of_its_own")
    fields = _fields(top.words("fields"), shared.table("fields"), own_fields)
    frames = shared.table("routes")
    routes = _routes(
        top.table("routes"), dict(frames.items()), {f.name for f in fields}
    )
    limits = limit_sets(top.table("limits"))
    made = Product(
        name=top.take("name", str),
        summary=top.take("summary", str),
        panel=top.take("panel", str),
        pack=pack,
        unit_usd=shared.table("packs").take(pack, float),
        output=top.take("output", str),
        defaults=_defaults(top.table("defaults")),
        fields=fields,
        routes=routes,
        models=models(top.table("models"), limits),
        rules=tuple(rule(each) for each in top.tables("rules")),
        example=top.take("example", str),
    )
    top.close()
    return made


def _defaults(table: Table) -> dict[CredentialKind, str]:
    return {CredentialKind(kind): str(model) for kind, model in table.items()}


def _fields(names: tuple[str, ...], shared: Table, own: Table) -> tuple[Field, ...]:
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
        kind=FieldKind(table.take("kind", str)),
        help=table.take("help", str),
        options=table.words("options"),
        is_argument=table.take("argument", bool, default=False),
        is_repeated=table.take("repeated", bool, default=False),
        has_handle=table.take("handle", bool, default=False),
        metavar=table.find("metavar", str),
        unit=table.find("unit", str),
    )
    table.close()
    return made


def _routes(
    table: Table, frames: Mapping[str, Any], fields: set[str]
) -> tuple[Route, ...]:
    return tuple(
        _route(name, Table(data, f"{table.where}.{name}"), frames, fields)
        for name, data in table.items()
    )


def _route(
    name: str, table: Table, frames: Mapping[str, Any], fields: set[str]
) -> Route:
    like = table.find("like", str)
    if like is not None and like not in frames:
        raise CatalogueError(f"{table.where}: there is no route to be like {like}")
    frame = dict(frames[like]) if like is not None else {}
    frame_places = {k: v for k, v in frame.pop("places", {}).items() if k in fields}
    own_places = dict(table.table("places").items())
    unknown = own_places.keys() - fields
    if unknown:
        raise CatalogueError(f"{table.where}.places: no field {min(unknown)}")
    table = Table({**frame, **dict(table.items())}, table.where)
    made = Route(
        name=name,
        generation=Generation(table.take("generation", str)),
        create_path=table.take("path", str),
        query_path=table.find("query_path", str) or None,
        credentials=frozenset(map(CredentialKind, table.words("credentials"))),
        places=_places(
            {**own_places, **_absent(frame_places, own_places)}, table.where
        ),
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


def _absent(these: Mapping[str, Any], from_those: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in these.items() if key not in from_those}


def _places(described: Mapping[str, Any], where: str) -> dict[str, Place]:
    return {
        name: _place(data, f"{where}.places.{name}")
        for name, data in described.items()
        if data is not False
    }


def _place(data: object, where: str) -> Place:
    if isinstance(data, str):
        return Place(at=data)
    table = Table(data, where)
    encode = dict(table.table("encode").items())
    made = Place(
        at=table.take("at", str),
        item=table.find("item", dict),
        put=table.find("put", str),
        encode={_SWITCH.get(k, k): v for k, v in encode.items()} or None,
        sent_as=table.find("sent_as", str),
        codec=table.find("codec", str),
        also=table.take("also", dict, {}),
        handle_at=table.find("handle_at", str),
        noun=table.find("noun", str),
    )
    table.close()
    return made
