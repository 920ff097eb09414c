"""`kling run`: runs a complete request from a JSON file."""

from __future__ import annotations

from typing import Annotated

import typer

from kling_cli.cli.commands.generate import CommandOptions, run_order
from kling_cli.cli.options.shared import (
    CallbackOptions,
    DownloadOptions,
    OutputOptions,
    PresentationOptions,
    SafetyOptions,
    WaitOptions,
)
from kling_cli.cli.options.values import read_json
from kling_cli.errors import UsageError
from kling_cli.jobs.order_parser import to_order

HINT = "`--dry-run --json` of any generating command prints a request"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="REQUEST.json|-",
        help="A file with one request, or - for standard input.",
        show_default=False,
    ),
]
DescribeOption = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="PRODUCT",
        help="Print what a request of this product may say, as a JSON Schema, and "
        "leave.",
    ),
]


def run(  # noqa: PLR0913 -- one for each group of options
    *,
    source: Source = None,
    described: DescribeOption = None,
    download_options: DownloadOptions,
    output_options: OutputOptions,
    wait_options: WaitOptions,
    callback_options: CallbackOptions,
    safety_options: SafetyOptions,
    presentation_options: PresentationOptions,
) -> int:
    """Run a complete request: what the options of a generating command say, as JSON.

    Any of those commands prints its request, as `dry_run.request`, with
    --dry-run --json. Names of local files count from the current folder.

    kling run request.json -o boat.mp4

    kling run --schema omni-image
    """
    if (source is None) == (described is None):
        raise UsageError(
            "say which request to run, or --schema PRODUCT", hint="kling run FILE.json"
        )
    if source is None:
        return _describe(described or "")
    request = read_json(source, hint=HINT)
    order = to_order(request, external_id=safety_options.external_id)
    options = CommandOptions(
        download_options=download_options,
        output_options=output_options,
        wait_options=wait_options,
        callback_options=callback_options,
        safety_options=safety_options,
        presentation_options=presentation_options,
    )
    return run_order(order, options, command="run")


def _describe(name: str) -> int:
    """Print the schema: indented on a terminal, one line for a program."""
    import json
    import sys

    from kling_cli import catalogue
    from kling_cli.cli.options.request_schema import schema
    from kling_cli.cli.output.terminal.capabilities import is_terminal
    from kling_cli.cli.output.terminal.streams import write_result

    indent = 2 if is_terminal(sys.stdout) else None
    write_result(json.dumps(schema(catalogue.load_creatable(name)), indent=indent))
    return 0
