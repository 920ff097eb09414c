"""A product file that is wrong is refused, saying where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import kling_cli.catalogue
from kling_cli.catalogue.definition.parser import (
    CatalogueError,
    Table,
    parse_product as parse,
)

DATA = Path(kling_cli.catalogue.__file__).parent / "data"


def tables() -> tuple[dict[str, Any], dict[str, Any]]:
    files = (DATA / "text2video.toml", DATA / "common.toml")
    whole, common = (tomllib.loads(path.read_text("utf-8")) for path in files)
    return whole, common


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("summary", None, "text2video: summary is missing"),
        ("summary", 5, "text2video: summary is 5 where str belongs"),
        ("pack", "gold", "common.packs: gold is missing"),
        ("fields", ["colour"], "nobody describes the field colour"),
        ("fields", [5], "text2video: fields holds 5, not a word"),
        ("defaults/password", "x", "kinds is 'password', not one of"),
        ("routes/new/like", "newest", "there is no route to be like newest"),
        ("routes/new/generation", "next", "generation is 'next', not one of new"),
        (
            "routes/new/mappings/colour",
            "x",
            "routes.new.mappings: there is no field colour",
        ),
        ("routes/new/mappings", 5, "routes.new.mappings: expected a table, found 5"),
        ("limits/new/duration/range", [3], "range is not [lowest, highest]"),
        ("models/kling-3.0/limits/other", {}, "limits: no id for route other"),
        ("models/kling-v2-master/rates/0/units", "x", "units is 'x', not a number"),
        ("rules/0/message", None, "rules[0]: message is missing"),
    ],
)
def test_a_mistake_is_reported_with_its_location(
    path: str, value: object, message: str
) -> None:
    whole, common = tables()
    here: Any = whole
    *way, last = path.split("/")
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here[step]
    if value is None:
        del here[last]
    else:
        here[last] = value

    with pytest.raises(CatalogueError) as caught:
        parse(whole, common)

    assert message in caught.value.message


def test_a_mapping_of_the_frame_can_be_removed() -> None:
    whole, common = tables()
    whole["routes"]["legacy"]["mappings"]["cfg_scale"] = False

    made = parse(whole, common)

    assert "cfg_scale" not in made.routes[1].mappings


def test_an_integer_is_accepted_as_a_float() -> None:
    table = Table({"units": 3, "flag": True}, "here")

    assert table.take("units", float) == 3.0
    with pytest.raises(CatalogueError, match="flag is True where float belongs"):
        table.take("flag", float)
