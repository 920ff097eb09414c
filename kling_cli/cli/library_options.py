"""The options of `kling voices` and `kling elements`, and how both are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from kling_cli.cli.help_page import PagedGroup

if TYPE_CHECKING:
    from kling_cli.api.library import Owner

DEFAULT_LIMIT = 100

Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Its id, or that of the task that made it."),
]
OwnIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="An id of your own; not a preset.")
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask; needed where there is no terminal to ask on."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which things of a library."""

    is_own: Annotated[
        bool, typer.Option("--own", help="Only what is your own (default: all).")
    ] = False
    is_preset: Annotated[
        bool,
        typer.Option("--preset", help="Only what Kling has ready for everybody."),
    ] = False
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=0, help="At most so many; 0: all."),
    ] = DEFAULT_LIMIT

    @property
    def owners(self) -> set[Owner]:
        """Whose things are wanted; both said is the same as neither."""
        from kling_cli.api.library import Owner

        if self.is_own == self.is_preset:
            return set(Owner)
        return {Owner.OWN if self.is_own else Owner.PRESET}


class DefaultGroup(PagedGroup):
    """A group that runs its first sub-command when none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, reading options without a sub-command as those of the first."""
        is_option = not args or args[0].startswith("-")
        if is_option and not {"--help", "-h"} & set(args) and not ctx.resilient_parsing:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


def grouped(
    name: str, help_text: str, commands: Mapping[str, Callable[..., Any] | Any]
) -> DefaultGroup:
    """Return the group of these sub-commands; a function's docstring is its help."""
    from kling_cli.cli.declare import declare

    group = DefaultGroup(name=name, help=help_text, rich_markup_mode=None)
    for each, found in commands.items():
        made = found if isinstance(found, TyperCommand) else declare(found, name=each)
        group.add_command(made)
    return group
