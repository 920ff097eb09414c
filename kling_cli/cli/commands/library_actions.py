"""What is done with the things of a library: looked through, found, deleted."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import anyio

from kling_cli.api import (
    ItemKind,
    LibraryItem,
    Owner,
    PagedItems,
    PageFetcher,
    UnknownItemError,
    delete_item,
    library_items,
    take_first,
)
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import KlingError, UsageError


async def listed(
    client: PageFetcher, shelf: ItemKind, owners: Collection[Owner], *, limit: int
) -> PagedItems[LibraryItem]:
    """Return up to `limit` things (0: all), one's own before what is there for all."""
    found: list[LibraryItem] = []
    has_more = False
    for owner in Owner:
        if owner in owners and not has_more:
            part = await library_items(client, shelf, owner, limit=limit)
            found += part.items
            has_more = part.has_more
    return take_first(found, limit, has_more=has_more)


def picked(
    known: Sequence[LibraryItem], ids: Sequence[str], shelf: ItemKind
) -> list[LibraryItem]:
    """Return the things of these ids, theirs or those of the tasks that made them.

    Raises:
        NoSuchThingError: there is none of one of them.
    """
    by_id = {one.task_id: one for one in known} | {one.id: one for one in known}
    missing = [one for one in ids if one not in by_id]
    if missing:
        raise UnknownItemError(
            f"there is no {shelf.noun} {', '.join(missing)}",
            hint=f"`kling {shelf.plural}` lists those that there are; what is still"
            " being made is shown by `kling list`",
        )
    return [by_id[one] for one in ids]


def require_somebody_to_ask(shelf: ItemKind, ids: Sequence[str]) -> None:
    """Refuse to delete where nobody can be asked.

    Raises:
        UsageError: stdin or stderr is no terminal.
    """
    if is_terminal(sys.stdin) and is_terminal(sys.stderr):
        return
    raise UsageError(
        "there is no terminal to ask whether this is meant",
        hint=f"kling {shelf.plural} delete {' '.join(ids)} --yes",
    )


@dataclass(slots=True, kw_only=True)
class Deletion:
    """Deletes things one by one; `deleted` are those that are gone.

    One that cannot be deleted does not keep the others; `error` is of the first.
    """

    shelf: ItemKind
    ids: Sequence[str]
    is_sure: bool
    deleted: list[str] = field(default_factory=list)
    error: KlingError | None = None
    is_meant: bool = True

    async def run(self, client: PageFetcher) -> None:
        """Ask a person first, unless they are sure."""
        if not self.is_sure:
            self.is_meant = await self._ask_person(client)
        if not self.is_meant:
            return
        for thing_id in self.ids:
            try:
                await delete_item(client, self.shelf, thing_id)
            except UnknownItemError as exc:
                self.error = self.error or exc
            else:
                self.deleted.append(thing_id)

    async def _ask_person(self, client: PageFetcher) -> bool:
        own = await listed(client, self.shelf, {Owner.OWN}, limit=0)
        found = picked(own.items, self.ids, self.shelf)
        self.ids = [one.id for one in found]
        return await is_confirmed(question(self.shelf, found))


async def is_confirmed(asked: str) -> bool:
    """Ask on stderr, so that stdout has results alone; anything but yes is no.

    The line is read once it is there: waiting can be interrupted, reading cannot.
    """
    sys.stderr.write(f"{asked} [y/N] ")
    sys.stderr.flush()
    await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def question(shelf: ItemKind, found: Sequence[LibraryItem]) -> str:
    """Return what a person is asked before things are deleted for good."""
    names = [f"{one_line(one.name or 'unnamed')} ({one_line(one.id)})" for one in found]
    what = shelf.noun if len(names) == 1 else f"{len(names)} {shelf.plural}"
    return f"Delete the {what} {', '.join(names)} for good?"
