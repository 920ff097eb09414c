"""Conditions and amounts, apart from the products that use them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kling_cli.catalogue import validation, values
from kling_cli.catalogue.definition.schema import Rule
from tests.catalogue.conftest import Planner


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ({"sound": "present"}, True),
        ({"sound": "absent"}, False),
        ({"duration": "present"}, False),
        ({"duration": "absent"}, True),
        ({"duration": [5]}, True),
        ({"duration": [10]}, False),
        ({"duration": [10, "absent"]}, True),
        ({"sound": [False, "absent"]}, False),
        ({"colour": ["red"]}, False),
        ({"sound": [True], "duration": [10]}, False),
        ({}, True),
    ],
)
def test_conditions_consider_given_and_effective_values(
    condition: dict[str, Any], is_met: bool
) -> None:
    said = {"sound": True}
    counts = {"sound": True, "duration": 5}

    assert values.conditions_hold(condition, said, counts) is is_met


AREA = Rule(
    id="area",
    message="too large",
    amount=((1, "up", "down"), (1, "left", "right")),
    at_most=3,
)


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ({"up": 0.1, "down": 0.1, "left": 0.4, "right": 0.4}, True),
        ({"up": 0.5, "down": 0.5, "left": 0.25, "right": 0.25}, True),
        ({"up": 1, "down": 1, "left": 0.5, "right": 0.5}, False),
        ({}, True),
    ],
)
def test_an_amount_is_a_product_of_sums(
    planned: Planner, values: dict[str, float], is_kept: bool
) -> None:
    plan = planned("text2video", None, {})

    assert (validation.find_rule_violation(AREA, plan, values) is None) is is_kept


def test_a_single_value_counts_as_one(planned: Planner) -> None:
    rule = Rule(id="n", message="no", amount=(("image", "refs"),), at_most=3)
    plan = planned("text2video", None, {})

    assert (
        validation.find_rule_violation(rule, plan, {"image": "x", "refs": ("a", "b")})
        is None
    )
    assert (
        validation.find_rule_violation(rule, plan, {"image": "x", "refs": ("a",) * 3})
        == "no"
    )


def test_a_rule_whose_condition_is_false_is_not_violated(planned: Planner) -> None:
    rule = Rule(id="r", message="no", when={"x": "present"}, any_of=("y",))
    plan = planned("text2video", None, {})

    assert validation.find_rule_violation(rule, plan, {}) is None
    assert validation.find_rule_violation(rule, plan, {"x": 1}) == "no"
    assert validation.find_rule_violation(rule, plan, {"x": 1, "y": 1}) is None


def test_a_rule_names_its_fields_once() -> None:
    rule = replace(
        AREA, when={"up": "present"}, one_of=("a", "b"), exclusive=(("b",), ("c",))
    )

    assert rule.fields == ("up", "b", "c", "a", "down", "left", "right")
    assert Rule(id="s", message="", check="shots").fields == ("shots",)


def test_rules_apply_to_their_models_and_routes_only(planned: Planner) -> None:
    new = planned("image2video", "kling-3.0", {})
    legacy = planned("image2video", "kling-3.0", {}, "key_pair")
    other = planned("image2video", "kling-2.6", {})

    def ids(plan: Any) -> set[str]:
        return {rule.id for rule in plan.rules}

    assert ids(legacy) - ids(new) == {
        "one-image",
        "multi-shot",
        "exclusive",
        "element-voice",
    }
    assert ids(other) - ids(new) == {
        "native-1080p",
        "first-last-1080p",
        "first-last-silent",
    }
