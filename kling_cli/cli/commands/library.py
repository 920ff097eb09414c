"""The options of `kling voices` and `kling elements`, and how both are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from kling_cli.cli.help_page import PagedGroup
from kling_cli.cli.options.shared import AccountOptions, OutputOptions, settings_options
from kling_cli.cli.options.values import distinct
from kling_cli.cli.output.listing import (
    EmptyMessage,
    Listing,
    print_listing,
    truncation_note,
)
from kling_cli.cli.output.terminal.text import one_line

if TYPE_CHECKING:
    from kling_cli.api import ItemKind, LibraryItem, Owner, PagedItems, PageFetcher

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
        from kling_cli.api import Owner

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
    from kling_cli.cli.options.declaration import declare

    group = DefaultGroup(name=name, help=help_text, rich_markup_mode=None)
    for each, found in commands.items():
        made = found if isinstance(found, TyperCommand) else declare(found, name=each)
        group.add_command(made)
    return group


T = TypeVar("T")


def list_things(
    shelf: ItemKind, *, chosen: Choice, talk: OutputOptions, account: AccountOptions
) -> int:
    """List the things of a shelf: one's own first, then what is there for all."""
    from kling_cli.cli.output.views import library_items as shown

    async def work(client: PageFetcher) -> PagedItems[LibraryItem]:
        from kling_cli.cli.commands.library_actions import listed

        return await listed(client, shelf, chosen.owners, limit=chosen.limit)

    found = asked(work, account=account, talk=talk)
    listing = Listing(
        command=f"{shelf.plural} list",
        facts={
            shelf.plural: [shown.item_document(one, shelf) for one in found.items],
            "has_more": found.has_more,
        },
        lines=shown.item_table(found.items, shelf),
        ids=[one.id for one in found.items],
        warnings=[truncation_note(chosen.limit)] if found.has_more else (),
        empty=EmptyMessage(
            f"there are no {shelf.plural} yet",
            f"kling {shelf.plural} create --help shows how to make one",
        ),
    )
    return print_listing(listing, talk)


def show_things(
    shelf: ItemKind, *, ids: Sequence[str], talk: OutputOptions, account: AccountOptions
) -> int:
    """Show everything about some things of a shelf."""
    from kling_cli.cli.output.views import library_items as shown

    async def work(client: PageFetcher) -> list[LibraryItem]:
        from kling_cli.api import Owner
        from kling_cli.cli.commands.library_actions import listed, picked

        known = await listed(client, shelf, set(Owner), limit=0)
        return picked(known.items, distinct(ids), shelf)

    found = asked(work, account=account, talk=talk)
    listing = Listing(
        command=f"{shelf.plural} show",
        facts={shelf.plural: [shown.item_document(one, shelf) for one in found]},
        lines=shown.item_details(found, shelf),
        ids=[one.id for one in found],
    )
    return print_listing(listing, talk)


def delete_things(
    shelf: ItemKind,
    *,
    ids: Sequence[str],
    is_sure: bool,
    talk: OutputOptions,
    account: AccountOptions,
) -> int:
    """Delete things of one's own, once somebody has said that they mean it."""
    from kling_cli.cli.commands.library_actions import Deletion, require_somebody_to_ask

    deletion = Deletion(shelf=shelf, ids=distinct(ids), is_sure=is_sure)
    if not is_sure:
        require_somebody_to_ask(shelf, deletion.ids)
    asked(deletion.run, account=account, talk=talk)
    listing = Listing(
        command=f"{shelf.plural} delete",
        facts={"deleted": deletion.deleted},
        lines=[f"deleted {one_line(one)}" for one in deletion.deleted],
        ids=deletion.deleted,
        warnings=() if deletion.is_meant else ["nothing was deleted"],
        error=deletion.error,
    )
    return print_listing(listing, talk)


def asked(
    work: Callable[[PageFetcher], Awaitable[T]],
    *,
    account: AccountOptions,
    talk: OutputOptions,
) -> T:
    """Return what `work` makes of the account's client; nothing is written down."""
    from kling_cli.cli.runner import RunContext, load_settings, run

    async def connect(around: RunContext) -> T:
        from kling_cli.api import RetryingClient, open_client

        async with open_client(around.settings, around.clock) as client:
            return await work(RetryingClient(client, around.clock))

    settings = load_settings(settings_options(account))
    return run(connect, settings=settings, talk=talk, is_brief=True)
