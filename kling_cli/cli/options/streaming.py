"""The output options of commands that go on and on: `kling listen`, `events tail`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from kling_cli.cli.options.shared import OUTPUT, OutputOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions(OutputOptions):
    """What goes to stdout, line by line."""

    is_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object a line on stdout and nothing else; a failure "
            "to start or to go on is one too.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
