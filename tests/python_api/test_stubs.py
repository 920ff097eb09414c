"""`products.pyi` is what the catalogue makes, and has every option of the commands."""

from __future__ import annotations

import ast
import inspect

import pytest

from docs.maker.stubs import STUB, stub
from kling_cli import Kling
from kling_cli.catalogue import product_names
from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import GROUPS, CommandEntry, entries, group_members
from kling_cli.python_api.product_methods import product_methods

METHODS = {each.name: each for each in product_methods()}
GROUPED = [each for group in GROUPS for each in group_members(group.name)]
COMMANDS = [each for each in (*entries(), *GROUPED) if each.product in product_names()]
# What the client has instead, what only a terminal has, older spellings.
ELSEWHERE = frozenset(
    {"region", "sandbox", "wait", "no_download", "dry_run", "json", "quiet"}
    | {"no_color", "open", "preview", "notify", "help", "list", "faces", "mode"}
)


def test_the_stub_is_that_of_the_catalogue() -> None:
    assert STUB.read_text("utf-8") == stub(), (
        "what is described has changed: run `python -m docs.maker` and commit the stub"
    )


def test_a_method_has_the_arguments_that_the_stub_declares() -> None:
    [_, products] = [
        node
        for node in ast.walk(ast.parse(STUB.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.Module)
    ]
    assert isinstance(products, ast.ClassDef)
    declared = {
        node.name: [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
        for node in products.body
        if isinstance(node, ast.FunctionDef)
    }

    assert declared == {
        name: list(inspect.signature(getattr(Kling, name)).parameters)
        for name in METHODS
    }
    assert str(Kling.text2video.__doc__).startswith(
        "Make a video from a prompt.\n\nArgs:"
    )


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_option_of_a_command_is_an_argument_of_its_method(
    entry: CommandEntry,
) -> None:
    command = import_command(entry)
    method = METHODS[entry.product.replace("-", "_")]

    options = {
        max(each.opts, key=len).lstrip("-").replace("-", "_")
        for each in command.params
        if each.param_type_name == "option"
    }

    assert {each.rstrip("_") for each in method.signature.parameters} >= (
        options - ELSEWHERE
    )
