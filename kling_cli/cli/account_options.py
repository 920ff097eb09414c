"""The options of `kling account`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from kling_cli.cli import completion
from kling_cli.errors import UsageError

DEFAULT_LIMIT = 100
DEFAULT_SINCE = "30d"
PRODUCT_TYPES = ("video", "image", "try-on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which deductions."""

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


ProductTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--product-type",
        metavar="TYPE",
        help="Only what was paid for with packs of this type: video, image or try-on; "
        "repeatable.",
        autocompletion=completion.words(*PRODUCT_TYPES),
    ),
]


def checked_types(types: list[str] | None) -> tuple[str, ...]:
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
