from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import typer

from kling_cli.catalogue.definition import loader
from kling_cli.cli.app import app, import_command
from kling_cli.cli.command_table import GROUPS, TABLE, entries

# What no listing of commands, no page of help and no parsing of options may load.
HEAVY = (
    "httpx", "jwt", "pyngrok", "uvicorn", "starlette", "asyncio", "anyio", "sqlite3",
    "psutil", "keyring", "tomlkit", "platformdirs", "rich.live", "rich.progress",
)  # fmt: skip

LOADED = """
import json, sys
sys.argv = ["kling", *{arguments}]
from kling_cli.main import main
code = main()
sys.stdout = sys.__stdout__
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def loaded_by(*arguments: str) -> tuple[int, set[str]]:
    """Return the exit code of a run of `kling` and all modules it loaded."""
    printed = subprocess.run(
        [sys.executable, "-c", LOADED.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(printed.stdout.splitlines()[-1])
    return code, set(modules)


def test_the_version_costs_nothing() -> None:
    code, modules = loaded_by("--version")

    assert code == 0
    assert not modules & {"typer", "rich", "tomllib", *HEAVY}


@pytest.mark.parametrize("arguments", [["--help"], ["text2video", "--help"]])
def test_help_costs_typer_alone(arguments: list[str]) -> None:
    code, modules = loaded_by(*arguments)

    assert code == 0
    assert ("kling_cli.catalogue.definition.parser" in modules) is (len(arguments) > 1)
    assert not modules & {"rich", *HEAVY}


def test_help_loads_no_command_however_many_there_are() -> None:
    _, modules = loaded_by("--help")

    targets = {entry.target.partition(":")[0] for entry in entries()}
    assert modules & targets == {"kling_cli.cli.app"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["text2video", "a boat", "--nonsense"], id="text2video"),
        pytest.param(["image2video", "--duration", "many"], id="image2video"),
        pytest.param(["wait", "--nonsense"], id="wait"),
        pytest.param(["list", "--limit", "few"], id="list"),
        pytest.param(["voices", "--limit", "few"], id="voices"),
        pytest.param(["account", "billing", "--by", "hour"], id="account"),
        pytest.param(["models", "--nonsense"], id="models"),
    ],
)
def test_reading_a_command_line_costs_typer_alone(arguments: list[str]) -> None:
    code, modules = loaded_by(*arguments)

    assert code == 2
    assert not modules & {"rich", *HEAVY}


def test_products_come_first_and_text2video_before_all() -> None:
    names = [entry.name for entry in entries()]

    assert names[0] == "text2video"
    alone = [one.name for one in loader.summaries() if not one.group]
    assert names == [*alone, *(entry.name for entry in (*GROUPS, *TABLE))]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_command_of_the_table_is_there(entry: Any) -> None:
    command = import_command(entry)

    assert command.name == entry.name
    assert command.help


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_no_two_options_of_a_command_have_the_same_name(entry: Any) -> None:
    command = import_command(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)

    spellings = [
        spelling
        for parameter in command.get_params(context)
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    ]

    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_help_names_every_option_and_explains_it(entry: Any) -> None:
    command = import_command(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)

    for parameter in command.get_params(context):
        assert parameter.help or parameter.hidden, parameter.name


def test_the_group_lists_a_command_without_loading_it() -> None:
    group: Any = typer.main.get_command(app)

    assert group.commands["wait"].params == []
