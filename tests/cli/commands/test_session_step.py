"""Session steps are sub-commands of the product that they precede."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import GROUPS, group_members

STEPS = [each for each in group_members("multi-elements") if each.name != "edit"]


def test_the_steps_stand_in_their_order_before_the_product() -> None:
    group: Any = import_command(
        next(each for each in GROUPS if each.name == "multi-elements")
    )

    assert list(group.commands) == [
        "select",
        "add",
        "remove",
        "clear",
        "preview",
        "edit",
    ]


@pytest.mark.parametrize("entry", STEPS, ids=lambda entry: entry.name)
def test_a_step_says_how_it_is_called_and_explains_its_options(entry: Any) -> None:
    command = import_command(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)

    assert command.name == entry.name
    assert f"kling multi-elements {entry.name} " in command.help
    for parameter in command.get_params(context):
        assert parameter.help or parameter.hidden, parameter.name


def test_a_step_that_the_product_takes_itself_is_no_command() -> None:
    named = {each.product for each in STEPS}

    assert {each.name for each in loader.all_steps()} - named == {"identify-face"}
