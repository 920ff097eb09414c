"""`kling voices` and `kling elements`: list, show, create and delete library items."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from kling_cli.cli.app import LazyCommand
from kling_cli.cli.command_table import CommandEntry
from kling_cli.cli.options.declaration import make_command_group
from kling_cli.cli.options.shared import AccountOptions, OutputOptions
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.listing import (
    EmptyMessage,
    Listing,
    print_listing,
    truncation_note,
)
from kling_cli.cli.output.terminal.capabilities import is_interactive
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.cli.runner import run_with_client
from kling_cli.errors import KlingError, UsageError

if TYPE_CHECKING:
    from kling_cli.api import ItemKind, LibraryItem, Owner, PagedItems, PageFetcher

DEFAULT_LIMIT = 100

ItemIds = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Its id, or that of the task that made it."),
]
OwnItemIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="An id of your own; not a preset.")
]
YesOption = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask; needed where there is no terminal to ask on."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFilterOptions:
    """Filters of library items."""

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
        """The owners to include; both flags are the same as none."""
        from kling_cli.api import Owner

        if self.is_own == self.is_preset:
            return set(Owner)
        return {Owner.OWN if self.is_own else Owner.PRESET}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHelp:
    """Help texts of the group of commands for one kind of library items."""

    summary: str
    list: str
    show: str
    create: str
    delete: str


VOICES_HELP: Final = GroupHelp(
    summary="List, make, show and delete voices for videos.",
    list="""List voices, yours first, then presets: what `kling voices` alone does.

    With --quiet: one id a line.

    kling voices --preset --limit 20
    """,
    show="""Show a voice: whose it is, what made it, where its sample is.

    kling voices show 820000000000000001
    """,
    create="Make a voice from a recording.",
    delete="""Delete voices of your own, for good. Asks first.

    kling voices delete 830000000000000301 --yes
    """,
)
ELEMENTS_HELP: Final = GroupHelp(
    summary="List, make, show and delete elements: subjects to use again.",
    list="""List elements, yours first, then presets: what `kling elements` alone does.

    With --quiet: one id a line.

    kling elements --preset --limit 20
    """,
    show="""Show an element: whose it is, what it looks like, how it is used.

    kling elements show 320000000000001
    """,
    create="Make an element from pictures or a video of it.",
    delete="""Delete elements of your own, for good. Asks first.

    kling elements delete 320000000000301 --yes
    """,
)


def make_voices() -> Any:
    """Return `kling voices` with its sub-commands."""
    return _make_group("voices", VOICES_HELP, create="make_voice_create")


def make_elements() -> Any:
    """Return `kling elements` with its sub-commands."""
    return _make_group("elements", ELEMENTS_HELP, create="make_element_create")


def make_voice_create() -> Any:
    """Return `kling voices create`, made from its description."""
    from kling_cli.cli.commands.generate import make_library_command

    return make_library_command("custom-voice", command="voices create")


def make_element_create() -> Any:
    """Return `kling elements create`, made from its description."""
    from kling_cli.cli.commands.generate import make_library_command

    return make_library_command("custom-element", command="elements create")


def _make_group(
    name: Literal["voices", "elements"], help_texts: GroupHelp, *, create: str
) -> Any:
    def list_(
        *,
        filter_options: LibraryFilterOptions,
        output_options: OutputOptions,
        account_options: AccountOptions,
    ) -> int:
        return list_items(
            _item_kind(name), filter_options, output_options, account_options
        )

    def show(
        *, ids: ItemIds, output_options: OutputOptions, account_options: AccountOptions
    ) -> int:
        return show_items(_item_kind(name), ids, output_options, account_options)

    def delete(
        *,
        ids: OwnItemIds,
        is_sure: YesOption = False,
        output_options: OutputOptions,
        account_options: AccountOptions,
    ) -> int:
        deletion = Deletion(
            kind=_item_kind(name), ids=parse_task_ids(ids), is_sure=is_sure
        )
        return delete_items(deletion, output_options, account_options)

    list_.__doc__ = help_texts.list
    show.__doc__ = help_texts.show
    delete.__doc__ = help_texts.delete
    entry = CommandEntry("create", f"{__name__}:{create}", help_texts.create, "")
    commands = {
        "list": list_,
        "show": show,
        "create": LazyCommand(entry),
        "delete": delete,
    }
    return make_command_group(name, help_texts.summary, commands)


def _item_kind(name: Literal["voices", "elements"]) -> ItemKind:
    from kling_cli.api import ELEMENTS, VOICES

    return VOICES if name == "voices" else ELEMENTS


def list_items(
    kind: ItemKind,
    filter_options: LibraryFilterOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """List library items, own ones first, then presets."""
    from kling_cli.cli.output.views import library_items as shown

    async def work(client: PageFetcher) -> PagedItems[LibraryItem]:
        return await fetch_items(
            client, kind, filter_options.owners, limit=filter_options.limit
        )

    found = run_with_client(
        work, account_options=account_options, output_options=output_options
    )
    listing = Listing(
        command=f"{kind.plural} list",
        facts={
            kind.plural: [shown.item_document(one, kind) for one in found.items],
            "has_more": found.has_more,
        },
        lines=shown.item_table(found.items, kind),
        ids=[one.id for one in found.items],
        warnings=[truncation_note(filter_options.limit)] if found.has_more else (),
        empty=EmptyMessage(
            f"there are no {kind.plural} yet",
            f"kling {kind.plural} create --help shows how to make one",
        ),
    )
    return print_listing(listing, output_options)


def show_items(
    kind: ItemKind,
    ids: Sequence[str],
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Show everything about some library items."""
    from kling_cli.cli.output.views import library_items as shown

    async def work(client: PageFetcher) -> list[LibraryItem]:
        from kling_cli.api import Owner

        known = await fetch_items(client, kind, set(Owner), limit=0)
        return select_items(known.items, parse_task_ids(ids), kind)

    found = run_with_client(
        work, account_options=account_options, output_options=output_options
    )
    listing = Listing(
        command=f"{kind.plural} show",
        facts={kind.plural: [shown.item_document(one, kind) for one in found]},
        lines=shown.item_details(found, kind),
        ids=[one.id for one in found],
    )
    return print_listing(listing, output_options)


def delete_items(
    deletion: Deletion, output_options: OutputOptions, account_options: AccountOptions
) -> int:
    """Delete own library items after a confirmation."""
    if not deletion.is_sure:
        require_terminal(deletion.kind, deletion.ids)
    run_with_client(
        deletion.run, account_options=account_options, output_options=output_options
    )
    listing = Listing(
        command=f"{deletion.kind.plural} delete",
        facts={"deleted": deletion.deleted},
        lines=[f"deleted {one_line(one)}" for one in deletion.deleted],
        ids=deletion.deleted,
        warnings=() if deletion.is_confirmed else ["nothing was deleted"],
        error=deletion.error,
    )
    return print_listing(listing, output_options)


async def fetch_items(
    client: PageFetcher, kind: ItemKind, owners: Collection[Owner], *, limit: int
) -> PagedItems[LibraryItem]:
    """Return up to `limit` items (0: all), own ones before presets."""
    from kling_cli.api import Owner, library_items, take_first

    found: list[LibraryItem] = []
    has_more = False
    for owner in Owner:
        if owner in owners and not has_more:
            part = await library_items(client, kind, owner, limit=limit)
            found += part.items
            has_more = part.has_more
    return take_first(found, limit, has_more=has_more)


def select_items(
    known: Sequence[LibraryItem], ids: Sequence[str], kind: ItemKind
) -> list[LibraryItem]:
    """Return the items of these ids, theirs or those of the tasks that made them.

    Raises:
        UnknownItemError: an id is unknown.
    """
    from kling_cli.api import UnknownItemError

    by_id = {one.task_id: one for one in known} | {one.id: one for one in known}
    missing = [one for one in ids if one not in by_id]
    if missing:
        raise UnknownItemError(
            f"there is no {kind.noun} {', '.join(missing)}",
            hint=f"`kling {kind.plural}` lists those that there are; what is still"
            " being made is shown by `kling list`",
        )
    return [by_id[one] for one in ids]


def require_terminal(kind: ItemKind, ids: Sequence[str]) -> None:
    """Refuse to delete where no confirmation can be asked for.

    Raises:
        UsageError: stdin or stderr is no terminal.
    """
    if is_interactive():
        return
    raise UsageError(
        "there is no terminal to ask whether this is meant",
        hint=f"kling {kind.plural} delete {' '.join(ids)} --yes",
    )


@dataclass(slots=True, kw_only=True)
class Deletion:
    """Deletes items one by one; `deleted` are the ids that are gone.

    An item that cannot be deleted does not stop the others; `error` is of the first.
    """

    kind: ItemKind
    ids: Sequence[str]
    is_sure: bool
    deleted: list[str] = field(default_factory=list)
    error: KlingError | None = None
    is_confirmed: bool = True

    async def run(self, client: PageFetcher) -> None:
        """Ask for confirmation unless `is_sure`, then delete."""
        from kling_cli.api import UnknownItemError, delete_item

        if not self.is_sure:
            self.is_confirmed = await self._ask_confirmation(client)
        if not self.is_confirmed:
            return
        for item_id in self.ids:
            try:
                await delete_item(client, self.kind, item_id)
            except UnknownItemError as exc:
                self.error = self.error or exc
            else:
                self.deleted.append(item_id)

    async def _ask_confirmation(self, client: PageFetcher) -> bool:
        from kling_cli.api import Owner

        own = await fetch_items(client, self.kind, {Owner.OWN}, limit=0)
        found = select_items(own.items, self.ids, self.kind)
        self.ids = [one.id for one in found]
        return await confirm(confirmation_question(self.kind, found))


async def confirm(question: str) -> bool:
    """Ask on stderr, as stdout is for results; any answer but yes is no.

    The line is read once it is available: waiting can be interrupted, reading cannot.
    """
    import anyio

    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def confirmation_question(kind: ItemKind, found: Sequence[LibraryItem]) -> str:
    """Return the question asked before items are deleted for good."""
    names = [f"{one_line(one.name or 'unnamed')} ({one_line(one.id)})" for one in found]
    what = kind.noun if len(names) == 1 else f"{len(names)} {kind.plural}"
    return f"Delete the {what} {', '.join(names)} for good?"
