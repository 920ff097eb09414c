"""The schema of a request is that of what `kling run` takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.cli.commands.run import request_schema
from tests.catalogue.strategies import jobs
from tests.support.kling import Kling

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def is_valid(value: Any, rule: dict[str, Any]) -> Any:
    """Return whether `value` is valid, by the few keywords that our schemas use."""
    if "anyOf" in rule:
        return any(is_valid(value, each) for each in rule["anyOf"])
    if "enum" in rule:
        return value in rule["enum"]
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return False
    if isinstance(value, list):
        return all(is_valid(each, rule["items"]) for each in value)
    return "minimum" not in rule or rule["minimum"] <= value <= rule["maximum"]


@settings(deadline=None)
@given(jobs())
def test_whatever_a_model_takes_is_in_the_schema(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    described = request_schema(plan.product)["properties"]["fields"]["properties"]

    for name, value in values.items():
        written = json.loads(json.dumps(value))
        assert is_valid(written, described[name]), (name, value, described[name])


@pytest.mark.parametrize("product", loader.all_products(), ids=lambda p: p.name)
def test_every_field_is_described(product: Any) -> None:
    found = request_schema(product)
    fields = found["properties"]["fields"]["properties"]

    step = loader.opening_step(product)
    of_both = (*(step.fields if step else ()), *product.fields)
    assert list(fields) == [field.name for field in of_both]
    assert all(rule["description"] for rule in fields.values())
    assert found["properties"]["product"] == {"const": product.name}
    assert json.dumps(found, allow_nan=False)


def test_limits_are_the_widest_of_all_models() -> None:
    fields = request_schema(loader.load_product("text2video"))["properties"]["fields"][
        "properties"
    ]

    assert fields["resolution"]["enum"] == ["720p", "1080p", "4k"]
    assert (fields["cfg_scale"]["minimum"], fields["cfg_scale"]["maximum"]) == (0, 1)
    assert fields["duration"]["type"] == "integer"
    assert fields["voices"]["items"]["anyOf"][1]["required"] == ["name", "value"]


def test_numbers_to_choose_from_may_be_texts() -> None:
    fields = request_schema(loader.load_product("goods-studio"))["properties"]["fields"]

    enum = fields["properties"]["duration"]["enum"]
    assert enum == [15, 30, 60, "15", "30", "60"]


def test_the_schema_is_printed_and_nothing_is_run(kling: Kling) -> None:
    result = kling.run("run", "--schema", "tts")
    wrong = kling.run("run", "--schema", "ttss")

    assert result.exit_code == 0
    assert result.json() == request_schema(loader.load_product("tts"))
    assert result.stdout.count("\n") == 1
    assert wrong.exit_code == 2
    assert "did you mean tts" in wrong.stderr


@pytest.mark.parametrize("arguments", [(), ("a.json", "--schema", "tts")])
def test_a_request_or_a_schema_is_wanted(
    arguments: tuple[str, ...], kling: Kling
) -> None:
    result = kling.run("run", *arguments)

    assert result.exit_code == 2
    assert "say which request to run" in result.stderr
