"""The typer application: a group whose commands are imported when they are run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from kling_cli import __version__
from kling_cli.cli.command_table import (
    HIDDEN,
    CommandEntry,
    canonical_name,
    entries,
    group_members,
)
from kling_cli.cli.help_page import PagedCommand, PagedGroup
from kling_cli.errors import UsageError

_SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")

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


@contextmanager
def completion_errors() -> Iterator[None]:
    """Raise errors of `--install-completion` and `--show-completion` as ours.

    Raises:
        UsageError: no shell that is known runs us, or a file of its cannot be written.
    """
    _require_shell()
    try:
        yield
    except (OSError, RuntimeError) as exc:  # RuntimeError: no home folder is known
        reason = f"{exc.filename}: {exc.strerror}" if isinstance(exc, OSError) else exc
        raise UsageError(
            f"completion cannot be set up: {reason}",
            hint="set HOME to a folder that you can write to, or put what"
            " kling --show-completion prints where your shell reads it",
        ) from exc


def _require_shell() -> None:
    import shellingham  # type: ignore[import-untyped]  # -- it has none

    try:
        name, _path = shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        name = None
    if name not in _SHELLS:
        found = f"it was run from {name}" if name else "it was not run from a shell"
        raise UsageError(
            f"completion is there for bash, zsh, fish and PowerShell; {found}",
            hint="start one of them and run it there",
        )


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"kling {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        "-V",
        callback=_print_version,
        is_eager=True,
        help="Print the version and leave.",
    ),
]


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
