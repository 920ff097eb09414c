"""The sub-commands that `kling voices` and `kling elements` share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from kling_cli.cli.ids import distinct
from kling_cli.cli.options import Account, Talk, settings_options
from kling_cli.cli.output.escape import one_line
from kling_cli.cli.output.listing import Empty, Listing, more_note, print_listing

if TYPE_CHECKING:
    from kling_cli.api.library import Shelf, Thing
    from kling_cli.api.paging import Asks, Listed
    from kling_cli.cli.library_options import Choice

T = TypeVar("T")


def list_things(shelf: Shelf, *, chosen: Choice, talk: Talk, account: Account) -> int:
    """List the things of a shelf: one's own first, then what is there for all."""
    from kling_cli.cli.output import library as shown

    async def work(client: Asks) -> Listed[Thing]:
        from kling_cli.cli.shelves import listed

        return await listed(client, shelf, chosen.owners, limit=chosen.limit)

    found = asked(work, account=account, talk=talk)
    listing = Listing(
        command=f"{shelf.plural} list",
        facts={
            shelf.plural: [shown.document(one, shelf) for one in found.items],
            "has_more": found.has_more,
        },
        lines=shown.table(found.items, shelf),
        ids=[one.id for one in found.items],
        warnings=[more_note(chosen.limit)] if found.has_more else (),
        empty=Empty(
            f"there are no {shelf.plural} yet",
            f"kling {shelf.plural} create --help shows how to make one",
        ),
    )
    return print_listing(listing, talk)


def show_things(
    shelf: Shelf, *, ids: Sequence[str], talk: Talk, account: Account
) -> int:
    """Show everything about some things of a shelf."""
    from kling_cli.cli.output import library as shown

    async def work(client: Asks) -> list[Thing]:
        from kling_cli.api.library import Owner
        from kling_cli.cli.shelves import listed, picked

        known = await listed(client, shelf, set(Owner), limit=0)
        return picked(known.items, distinct(ids), shelf)

    found = asked(work, account=account, talk=talk)
    listing = Listing(
        command=f"{shelf.plural} show",
        facts={shelf.plural: [shown.document(one, shelf) for one in found]},
        lines=shown.descriptions(found, shelf),
        ids=[one.id for one in found],
    )
    return print_listing(listing, talk)


def delete_things(
    shelf: Shelf, *, ids: Sequence[str], is_sure: bool, talk: Talk, account: Account
) -> int:
    """Delete things of one's own, once somebody has said that they mean it."""
    from kling_cli.cli.shelves import Deletion, require_somebody_to_ask

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


def asked(work: Callable[[Asks], Awaitable[T]], *, account: Account, talk: Talk) -> T:
    """Return what `work` makes of the account's client; nothing is written down."""
    from kling_cli.cli.runner import Surroundings, load_settings, run

    async def connect(around: Surroundings) -> T:
        from kling_cli.api.connection import connected
        from kling_cli.api.patience import Patient

        async with connected(around.settings, around.clock) as client:
            return await work(Patient(client, around.clock))

    settings = load_settings(settings_options(account))
    return run(connect, settings=settings, talk=talk, is_brief=True)
