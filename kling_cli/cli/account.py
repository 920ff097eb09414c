"""`kling account`: what is left in the packs, and what was spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kling_cli.cli.account_options import Period, ProductTypes, checked_types
from kling_cli.cli.library_options import grouped
from kling_cli.cli.options import Account, Talk

if TYPE_CHECKING:
    from kling_cli.api.account import Deduction, Pack
    from kling_cli.api.paging import Asks, Listed

HELP = "What is left in your packs, and what was spent."
LOOK_BACK = timedelta(days=5 * 365)  # packs bought before that are not looked for
NEWEST = 20  # deductions that say what is left, in each currency
LAG_NOTE = "these figures can be up to 12 hours old"


def packs(*, talk: Talk, account: Account) -> int:
    """Show what is left in each resource pack; this is what `kling account` alone does.

    With --quiet: one pack id a line. The API asks for at most one such look a second,
    and its figures can be up to 12 hours old.

    kling account
    """
    from kling_cli.cli.library import asked
    from kling_cli.cli.output import packs as shown
    from kling_cli.cli.output.listing import Empty, Listing, print_listing
    from kling_cli.clock import SystemClock

    now = SystemClock().now()

    async def work(client: Asks) -> Sequence[Pack]:
        from kling_cli.api.account import packs as bought

        return await bought(client, now - LOOK_BACK, now)

    found = shown.in_order(asked(work, account=account, talk=talk))
    listing = Listing(
        command="account packs",
        facts={"packs": [shown.document(one, now) for one in found]},
        lines=shown.lines(found, now),
        ids=[one.id or one.name for one in found],
        notes=[LAG_NOTE] if found else (),
        empty=Empty(
            "no resource pack was bought in the last five years",
            "kling account balance shows what was paid in cash",
        ),
    )
    return print_listing(listing, talk)


def billing(
    *, period: Period, product_types: ProductTypes = None, talk: Talk, account: Account
) -> int:
    """Show what the packs have paid, task by task, newest first, in units.

    With --quiet: one task id a line.

    kling account billing --since 7d --by model
    """
    from kling_cli.api.account import PACKAGE_PATH

    bill = Bill("account billing", PACKAGE_PATH, checked_types(product_types))
    return _show(bill, period, talk, account)


def balance(*, period: Period, talk: Talk, account: Account) -> int:
    """Show what is left in cash, and what it was spent on, task by task, newest first.

    What is left is said by the newest deduction of all, on stderr. With --quiet: one
    task id a line.

    kling account balance --since 2026-10-01
    """
    from kling_cli.api.account import BALANCE_PATH

    bill = Bill("account balance", BALANCE_PATH, has_left=True)
    return _show(bill, period, talk, account)


@dataclass(frozen=True, slots=True)
class Bill:
    """Which of the two bills, and whose rows; one of cash says what is left."""

    command: str
    path: str
    product_types: Sequence[str] = ()
    has_left: bool = False


def _show(bill: Bill, period: Period, talk: Talk, account: Account) -> int:
    from kling_cli.cli.library import asked
    from kling_cli.cli.list import moment_of
    from kling_cli.cli.output import bill as shown
    from kling_cli.cli.output.listing import print_listing
    from kling_cli.clock import SystemClock

    now = SystemClock().now()
    since = moment_of(period.since, now)
    filters = {
        "product_type": bill.product_types,
        "api_key_name": period.key_names or (),
    }

    async def work(client: Asks) -> tuple[Listed[Deduction], Sequence[Deduction]]:
        from kling_cli.api.account import deductions

        found = await deductions(
            client, bill.path, since, now, filters=filters, limit=period.limit
        )
        if not bill.has_left:
            return found, ()
        start = now - LOOK_BACK
        newest = await deductions(
            client, bill.path, start, now, filters={}, limit=NEWEST
        )
        return found, newest.items

    found, newest = asked(work, account=account, talk=talk)
    left = shown.left(newest) if bill.has_left else None
    return print_listing(shown.listing(bill.command, found, period, left), talk)


def make_group() -> Any:
    """Return the command with its sub-commands."""
    commands = {"packs": packs, "billing": billing, "balance": balance}
    return grouped("account", HELP, commands)
