"""The options of `kling replay`, in the groups in which its `--help` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from kling_cli.cli import completion

SENDING = "Sending"

Numbers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[N|last]...",
        help="Callbacks' numbers, or last.",
        autocompletion=completion.callbacks,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which callbacks, other than by number."""

    task_id: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="All of this task, in order."),
    ] = None
    is_failed: Annotated[
        bool,
        typer.Option("--failed", help="All that your app did not answer with 2xx."),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is sent, and where to."""

    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="URL|PORT|/PATH",
            help="Where to send (default: where it was passed on to before). "
            "May be repeated.",
            rich_help_panel=SENDING,
        ),
    ] = None
    times: Annotated[
        int,
        typer.Option(
            "--times",
            metavar="N",
            min=1,
            help="Send each N times.",
            rich_help_panel=SENDING,
        ),
    ] = 1
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a field of the body, dotted; the value is JSON or text. "
            "May be repeated.",
            rich_help_panel=SENDING,
        ),
    ] = None
