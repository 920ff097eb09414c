"""`kling voices`: the voices for videos, ready-made ones and one's own."""

from __future__ import annotations

from typing import Any

from kling_cli.cli.app import LazyCommand
from kling_cli.cli.command_table import Entry
from kling_cli.cli.commands.library import Choice, Ids, OwnIds, Yes, grouped
from kling_cli.cli.options.shared import AccountOptions, OutputOptions

HELP = "List, make, show and delete voices for videos."
CREATE = "Make a voice from a recording."


def list_voices(*, chosen: Choice, talk: OutputOptions, account: AccountOptions) -> int:
    """List voices, yours first, then presets: what `kling voices` alone does.

    With --quiet: one id a line.

    kling voices --preset --limit 20
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import list_things

    return list_things(VOICES, chosen=chosen, talk=talk, account=account)


def show(*, ids: Ids, talk: OutputOptions, account: AccountOptions) -> int:
    """Show a voice: whose it is, what made it, where its sample is.

    kling voices show 820000000000000001
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import show_things

    return show_things(VOICES, ids=ids, talk=talk, account=account)


def delete(
    *, ids: OwnIds, is_sure: Yes = False, talk: OutputOptions, account: AccountOptions
) -> int:
    """Delete voices of your own, for good. Asks first.

    kling voices delete 830000000000000301 --yes
    """
    from kling_cli.api import VOICES
    from kling_cli.cli.commands.library import delete_things

    return delete_things(VOICES, ids=ids, is_sure=is_sure, talk=talk, account=account)


def make_create() -> Any:
    """Return the sub-command that makes one, out of its description."""
    from kling_cli.cli.commands.generate import library_command

    return library_command("custom-voice", command="voices create")


def make_group() -> Any:
    """Return the command with its sub-commands."""
    create = Entry("create", f"{__name__}:make_create", CREATE, "")
    commands = {
        "list": list_voices,
        "show": show,
        "create": LazyCommand(create),
        "delete": delete,
    }
    return grouped("voices", HELP, commands)
