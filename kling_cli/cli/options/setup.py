"""The options of the commands that set things up."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Json = Annotated[
    bool,
    typer.Option("--json", help="Print exactly one JSON object, failures included."),
]
Region = Annotated[
    Literal["global", "cn"] | None,
    typer.Option(
        "--region", help="Which of Kling's two hosts (default: where the account is)."
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Look at this machine only; ask nobody.")
]
