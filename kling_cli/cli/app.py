"""The typer application: a group whose commands are imported when they are run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer

from kling_cli.cli.command_table import (
    HIDDEN,
    CommandEntry,
    canonical_name,
    entries,
    group_members,
)
from kling_cli.cli.help_page import PagedCommand, PagedGroup
from kling_cli.cli.version import Version

HELP = """Make videos with Kling AI from the command line, and never lose a paid job.

No account yet? This runs on a built-in simulator:

kling text2video "A paper boat on a rainy street" --sandbox
"""


class LazyCommand(PagedCommand):
    """A command that is listed by its name and summary and imported when it is run."""

    def __init__(self, entry: CommandEntry, *, is_hidden: bool = False) -> None:
        super().__init__(
            entry.name,
            help=entry.summary,
            rich_help_panel=entry.panel,
            params=[],
            hidden=is_hidden,
        )
        self.aliases = entry.aliases
        self._entry = entry

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Import the command and let it parse `args`."""
        command = import_command(self._entry)
        return command.make_context(info_name, args, parent=parent, **extra)


class KlingGroup(PagedGroup):
    """The root group: products from the catalogue first, then the command table."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for entry in entries():
            self.add_command(LazyCommand(entry))
        for entry in HIDDEN:
            self.add_command(LazyCommand(entry, is_hidden=True))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, or of this alias."""
        return super().get_command(ctx, canonical_name(cmd_name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse `args`; typer does what its own options ask for on the way."""
        if not {"--install-completion", "--show-completion"} & set(args[:1]):
            return super().parse_args(ctx, args)
        from kling_cli.cli.completion_setup import completion_errors

        with completion_errors():
            return super().parse_args(ctx, args)


class ProductGroup(PagedGroup):
    """A group whose sub-commands are the steps and products of one kind."""

    def __init__(self, entry: CommandEntry) -> None:
        super().__init__(
            name=entry.name,
            help=entry.summary,
            commands=[LazyCommand(each) for each in group_members(entry.name)],
            no_args_is_help=True,
            rich_markup_mode=None,
        )


def import_command(entry: CommandEntry) -> Any:
    """Import a command: an attribute that is a function, a `Typer`, or makes one.

    A maker's name begins with `make_`; it takes no arguments, except that of a product
    takes the product's name.
    """
    module, _, attribute = entry.target.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, type):
        return found(entry)
    if entry.product:
        return found(entry.product, called=entry.name)
    if attribute.startswith("make_"):
        return found()
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    from kling_cli.cli.options.declaration import declare_command

    return declare_command(found, name=entry.name)


app = typer.Typer(
    cls=KlingGroup,
    help=HELP,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root(*, version: Version = False) -> None:
    """Take the options that stand before a command."""
