"""`kling elements`: subjects to use again and again, ready-made ones and one's own."""

from __future__ import annotations

from typing import Any

from kling_cli.cli.app import LazyCommand
from kling_cli.cli.command_table import Entry
from kling_cli.cli.commands.library import Choice, Ids, OwnIds, Yes, grouped
from kling_cli.cli.options.shared import AccountOptions, OutputOptions

HELP = "List, make, show and delete elements: subjects to use again."
CREATE = "Make an element from pictures or a video of it."


def list_elements(
    *, chosen: Choice, talk: OutputOptions, account: AccountOptions
) -> int:
    """List elements, yours first, then presets: what `kling elements` alone does.

    With --quiet: one id a line.

    kling elements --preset --limit 20
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import list_things

    return list_things(ELEMENTS, chosen=chosen, talk=talk, account=account)


def show(*, ids: Ids, talk: OutputOptions, account: AccountOptions) -> int:
    """Show an element: whose it is, what it looks like, how it is used.

    kling elements show 320000000000001
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import show_things

    return show_things(ELEMENTS, ids=ids, talk=talk, account=account)


def delete(
    *, ids: OwnIds, is_sure: Yes = False, talk: OutputOptions, account: AccountOptions
) -> int:
    """Delete elements of your own, for good. Asks first.

    kling elements delete 320000000000301 --yes
    """
    from kling_cli.api import ELEMENTS
    from kling_cli.cli.commands.library import delete_things

    return delete_things(ELEMENTS, ids=ids, is_sure=is_sure, talk=talk, account=account)


def make_create() -> Any:
    """Return the sub-command that makes one, out of its description."""
    from kling_cli.cli.commands.generate import library_command

    return library_command("custom-element", command="elements create")


def make_group() -> Any:
    """Return the command with its sub-commands."""
    create = Entry("create", f"{__name__}:make_create", CREATE, "")
    commands = {
        "list": list_elements,
        "show": show,
        "create": LazyCommand(create),
        "delete": delete,
    }
    return grouped("elements", HELP, commands)
