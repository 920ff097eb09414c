"""`kling voices`: list, show, create and delete voices."""

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

HELP = "List, make, show and delete voices for videos."
CREATE = "Make a voice from a recording."


def list_voices(
    *,
    filter_options: LibraryFilterOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """List voices, yours first, then presets: what `kling voices` alone does.

    With --quiet: one id a line.

    kling voices --preset --limit 20
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import list_items

    return list_items(
        VOICES,
        filter_options=filter_options,
        output_options=output_options,
        account_options=account_options,
    )


def show(
    *, ids: ItemIds, output_options: OutputOptions, account_options: AccountOptions
) -> int:
    """Show a voice: whose it is, what made it, where its sample is.

    kling voices show 820000000000000001
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import show_items

    return show_items(
        VOICES, ids=ids, output_options=output_options, account_options=account_options
    )


def delete(
    *,
    ids: OwnItemIds,
    is_sure: YesOption = False,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Delete voices of your own, for good. Asks first.

    kling voices delete 830000000000000301 --yes
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import delete_items

    return delete_items(
        VOICES,
        ids=ids,
        is_sure=is_sure,
        output_options=output_options,
        account_options=account_options,
    )


def make_create() -> Any:
    """Return the sub-command that makes one, out of its description."""
    from kling_cli.cli.commands.generate import make_library_command

    return make_library_command("custom-voice", command="voices create")


def make_group() -> Any:
    """Return the command with its sub-commands."""
    create = CommandEntry("create", f"{__name__}:make_create", CREATE, "")
    commands = {
        "list": list_voices,
        "show": show,
        "create": LazyCommand(create),
        "delete": delete,
    }
    return make_command_group("voices", HELP, commands)
