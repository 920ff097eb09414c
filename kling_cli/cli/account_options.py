"""The options of `kling account`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

DEFAULT_LIMIT = 100
DEFAULT_SINCE = "30d"


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
    list[Literal["video", "image", "try-on"]] | None,
    typer.Option(
        "--product-type", help="Only what packs of this type have paid; repeatable."
    ),
]
