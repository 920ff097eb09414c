"""The options of `kling api` that make up what is sent, in the manner of `gh api`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from kling_cli.cli import completion
from kling_cli.cli.options import SAFETY

_SENT = "What is sent"

Method = Annotated[
    str,
    typer.Argument(
        metavar="METHOD",
        help="GET, POST, PUT, PATCH or DELETE.",
        autocompletion=completion.words("GET", "POST", "PUT", "PATCH", "DELETE"),
    ),
]
Path = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="A path of the API, with or without the slash before it; a query is part "
        "of it.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The body, or the query of a GET."""

    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--raw-field",
            "-f",
            metavar="KEY=TEXT",
            help="A field whose value is a text. KEY may be dotted, or have brackets: "
            "settings.duration, contents\\[]\\[type]. Repeatable.",
            rich_help_panel=_SENT,
        ),
    ] = None
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-F",
            metavar="KEY=VALUE",
            help="A field whose value is JSON (5, true, null, \\[1]), or else a text; "
            "@FILE is a file's content: JSON, text, or the base64 of an image or a "
            "sound. Repeatable; put in after those of -f.",
            rich_help_panel=_SENT,
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="The body as JSON from a file, or from standard input; fields are put "
            "on top of it.",
            rich_help_panel=_SENT,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Whether to see the task through that the answer names, and what it may cost."""

    is_waiting: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Follow the task that the answer names to its end and save what it "
            "made, as kling wait does; a create call is written down before it is "
            "sent.",
            rich_help_panel="Waiting",
        ),
    ] = False
    max_units: Annotated[
        float | None,
        typer.Option(
            "--max-units",
            metavar="N",
            min=0,
            help="Refuse to send what may cost more than N units, or nobody knows "
            "how many.",
            rich_help_panel=SAFETY,
        ),
    ] = None
