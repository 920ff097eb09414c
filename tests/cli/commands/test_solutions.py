"""Solutions are sub-commands of one command."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import GROUPS, group_members
from tests.support.kling import Kling


def test_every_solution_is_a_command_with_help_of_its_own() -> None:
    group = next(each for each in GROUPS if each.name == "solution")
    command: Any = import_command(group)

    assert list(command.commands) == [
        "goods-studio",
        "clothing-dupe",
        "talking-agent",
        "drama-subtitle",
        "virtual-try-on",
    ]


@pytest.mark.parametrize(
    "entry", group_members("solution"), ids=lambda entry: entry.name
)
def test_a_solution_says_how_it_is_called(entry: Any) -> None:
    command = import_command(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)

    assert f"kling solution {entry.name}" in command.help
    for parameter in command.get_params(context):
        assert parameter.help or parameter.hidden, parameter.name


@pytest.mark.parametrize("group", [one.name for one in GROUPS])
def test_a_group_alone_shows_its_help_and_complains_of_nothing(
    kling: Kling, group: str
) -> None:
    result = kling.run(group)

    assert (result.exit_code, result.stderr) == (0, "")
    assert f"kling {group} [OPTIONS] COMMAND" in result.stdout
