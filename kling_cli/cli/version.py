"""The root option `--version`."""

from __future__ import annotations

from typing import Annotated

import typer

from kling_cli import __version__


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"kling {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        "-V",
        callback=_print_version,
        is_eager=True,
        help="Print the version and leave.",
    ),
]
