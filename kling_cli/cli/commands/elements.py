"""`kling elements`: list, show, create and delete elements."""

from __future__ import annotations

from typing import Any

from kling_cli.cli.app import LazyCommand
from kling_cli.cli.command_table import CommandEntry
from kling_cli.cli.commands.library import (
    ItemIds,
    LibraryFilterOptions,
    OwnItemIds,
    YesOption,
)
from kling_cli.cli.options.declaration import make_command_group
from kling_cli.cli.options.shared import AccountOptions, OutputOptions

HELP = "List, make, show and delete elements: subjects to use again."
CREATE = "Make an element from pictures or a video of it."


def list_elements(
    *,
    filter_options: LibraryFilterOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """List elements, yours first, then presets: what `kling elements` alone does.

    With --quiet: one id a line.

    kling elements --preset --limit 20
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import list_items

    return list_items(
        ELEMENTS,
        filter_options=filter_options,
        output_options=output_options,
        account_options=account_options,
    )


def show(
    *, ids: ItemIds, output_options: OutputOptions, account_options: AccountOptions
) -> int:
    """Show an element: whose it is, what it looks like, how it is used.

    kling elements show 320000000000001
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import show_items

    return show_items(
        ELEMENTS,
        ids=ids,
        output_options=output_options,
        account_options=account_options,
    )


def delete(
    *,
    ids: OwnItemIds,
    is_sure: YesOption = False,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Delete elements of your own, for good. Asks first.

    kling elements delete 320000000000301 --yes
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import delete_items

    return delete_items(
        ELEMENTS,
        ids=ids,
        is_sure=is_sure,
        output_options=output_options,
        account_options=account_options,
    )


def make_create() -> Any:
    """Return the sub-command that makes one, out of its description."""
    from kling_cli.cli.commands.generate import make_library_command

    return make_library_command("custom-element", command="elements create")


def make_group() -> Any:
    """Return the command with its sub-commands."""
    create = CommandEntry("create", f"{__name__}:make_create", CREATE, "")
    commands = {
        "list": list_elements,
        "show": show,
        "create": LazyCommand(create),
        "delete": delete,
    }
    return make_command_group("elements", HELP, commands)
