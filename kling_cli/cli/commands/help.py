"""`kling help [COMMAND]`: the full help of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli.options import completion
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

CommandWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[COMMAND]",
        help="Which command, such as `events list`.",
        autocompletion=completion.complete_commands,
    ),
]


def help_command(*, words: CommandWords = None) -> int:
    """Show all about a command: every option, in full.

    kling help text2video
    """
    from kling_cli.cli.help_page import format_page
    from kling_cli.cli.output.terminal.streams import write_result

    context = _command_context(words or ())
    write_result(format_page(context.command, context, is_full=True).rstrip("\n"))
    return 0


def _command_context(words: Sequence[str]) -> Any:
    """Return the context of the command of this name.

    Raises:
        UsageError: one that has no commands is followed by a word.
    """
    from kling_cli.cli.app import app

    root: Any = typer.main.get_command(app)
    context = root.make_context("kling", [], resilient_parsing=True)
    for word in words:
        group = context.command
        if not hasattr(group, "resolve_command"):
            raise UsageError(
                f"{context.command_path} has no commands, so no {word}",
                hint=f"kling help {' '.join(context.command_path.split()[1:])}",
            )
        context.resilient_parsing = False  # so that an unknown command is an error
        _, found, _ = group.resolve_command(context, [word])
        context = found.make_context(word, [], parent=context, resilient_parsing=True)
    return context
