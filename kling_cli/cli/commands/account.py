"""`kling account`: resource packs, deductions from them, and deductions from cash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.declaration import make_command_group
from kling_cli.cli.options.shared import AccountOptions, OutputOptions
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.api import Deduction, Pack, PagedItems, PageFetcher

DEFAULT_LIMIT = 100
DEFAULT_SINCE = "30d"
PRODUCT_TYPES = ("video", "image", "try-on")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductionOptions:
    """Filters of deductions, and how they are grouped."""

    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only what was deducted since then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = DEFAULT_SINCE
    key_names: Annotated[
        list[str] | None,
        typer.Option(
            "--key-name",
            metavar="NAME",
            help="Only what was spent with the API key of this name; repeatable.",
        ),
    ] = None
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=0, help="At most so many rows; 0: all."
        ),
    ] = DEFAULT_LIMIT
    by: Annotated[
        Literal["model", "day"] | None,
        typer.Option("--by", help="Sums by model or by day instead of rows."),
    ] = None


ProductTypesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--product-type",
        metavar="TYPE",
        help="Only what was paid for with packs of this type: video, image or try-on; "
        "repeatable.",
        autocompletion=completion.word_completer(*PRODUCT_TYPES),
    ),
]


def parse_product_types(types: list[str] | None) -> tuple[str, ...]:
    """Return the types of packs as the API calls them.

    Raises:
        UsageError: one is none.
    """
    found = tuple(each.replace("_", "-") for each in types or ())
    for each in found:
        if each not in PRODUCT_TYPES:
            raise UsageError(
                f"--product-type {each}: there are no such packs",
                hint=f"one of {', '.join(PRODUCT_TYPES)}",
            )
    return found


HELP = "What is left in your packs, and what was spent."
LOOK_BACK = timedelta(days=5 * 365)  # packs bought before that are not looked for
NEWEST = 20  # deductions that tell the balance, in each currency
LAG_NOTE = "these figures can be up to 12 hours old"


def packs(*, output_options: OutputOptions, account_options: AccountOptions) -> int:
    """Show what is left in each resource pack; this is what `kling account` alone does.

    With --quiet: one pack id a line. The API asks for at most one such look a second,
    and its figures can be up to 12 hours old.

    kling account
    """
    from kling_cli.cli.output.listing import EmptyMessage, Listing, print_listing
    from kling_cli.cli.output.views import account as shown
    from kling_cli.cli.runner import run_with_client
    from kling_cli.clock import SystemClock

    now = SystemClock().now()

    async def work(client: PageFetcher) -> Sequence[Pack]:
        from kling_cli.api import packs as bought

        return await bought(client, now - LOOK_BACK, now)

    found = shown.sorted_packs(
        run_with_client(
            work, account_options=account_options, output_options=output_options
        )
    )
    listing = Listing(
        command="account packs",
        facts={"packs": [shown.pack_document(one, now) for one in found]},
        lines=shown.pack_lines(found, now),
        ids=[one.id or one.name for one in found],
        notes=[LAG_NOTE] if found else (),
        empty=EmptyMessage(
            "no resource pack was bought in the last five years",
            "kling account balance shows what was paid in cash",
        ),
    )
    return print_listing(listing, output_options)


def billing(
    *,
    deduction_options: DeductionOptions,
    product_types: ProductTypesOption = None,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Show what the packs have paid, task by task, newest first, in units.

    With --quiet: one task id a line.

    kling account billing --since 7d --by model
    """
    from kling_cli.api import PACKAGE_PATH

    bill = DeductionQuery(
        "account billing", PACKAGE_PATH, parse_product_types(product_types)
    )
    return _print_deductions(bill, deduction_options, output_options, account_options)


def balance(
    *,
    deduction_options: DeductionOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Show what is left in cash, and what it was spent on, task by task, newest first.

    What is left is said by the newest deduction of all, on stderr. With --quiet: one
    task id a line.

    kling account balance --since 2026-10-01
    """
    from kling_cli.api import BALANCE_PATH

    bill = DeductionQuery("account balance", BALANCE_PATH, has_left=True)
    return _print_deductions(bill, deduction_options, output_options, account_options)


@dataclass(frozen=True, slots=True)
class DeductionQuery:
    """The bill of packs or of cash, and the types of packs to include."""

    command: str
    path: str
    product_types: Sequence[str] = ()
    has_left: bool = False


def _print_deductions(
    bill: DeductionQuery,
    deduction_options: DeductionOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    from kling_cli.cli.options.values import parse_time
    from kling_cli.cli.output.listing import print_listing
    from kling_cli.cli.output.views import account as shown
    from kling_cli.cli.runner import run_with_client
    from kling_cli.clock import SystemClock

    now = SystemClock().now()
    since = parse_time(deduction_options.since, now)
    filters = {
        "product_type": bill.product_types,
        "api_key_name": deduction_options.key_names or (),
    }

    async def work(
        client: PageFetcher,
    ) -> tuple[PagedItems[Deduction], Sequence[Deduction]]:
        from kling_cli.api import deductions

        found = await deductions(
            client,
            bill.path,
            since,
            now,
            filters=filters,
            limit=deduction_options.limit,
        )
        if not bill.has_left:
            return found, ()
        start = now - LOOK_BACK
        newest = await deductions(
            client, bill.path, start, now, filters={}, limit=NEWEST
        )
        return found, newest.items

    found, newest = run_with_client(
        work, account_options=account_options, output_options=output_options
    )
    left = shown.cash_left(newest) if bill.has_left else None
    listing = shown.deduction_listing(
        bill.command,
        found,
        since=deduction_options.since,
        limit=deduction_options.limit,
        by=deduction_options.by,
        left=left,
    )
    return print_listing(listing, output_options)


def make_group() -> Any:
    """Return the command with its sub-commands."""
    commands = {"packs": packs, "billing": billing, "balance": balance}
    return make_command_group("account", HELP, commands)
