"""`kling run`: a complete request from a file."""

from __future__ import annotations

from typing import Annotated

import typer

from kling_cli.cli.generate import Said, carry_out
from kling_cli.cli.json_source import read_json
from kling_cli.cli.options import Callbacks, Fetching, Safety, Talk, Waiting
from kling_cli.cli.request_file import to_order

HINT = "`--dry-run --json` of any generating command prints a request"

Source = Annotated[
    str,
    typer.Argument(
        metavar="REQUEST.json|-",
        help="A file with one request, or - for standard input.",
    ),
]


def run(  # noqa: PLR0913 -- one for each group of options
    *,
    source: Source,
    fetching: Fetching,
    talk: Talk,
    waiting: Waiting,
    callbacks: Callbacks,
    safety: Safety,
) -> int:
    """Run a complete request: what the options of a generating command say, as JSON.

    Any of those commands prints its request, as `dry_run.request`, with
    --dry-run --json. Names of local files count from the current folder.

    kling run request.json -o boat.mp4
    """
    request = read_json(source, hint=HINT)
    order = to_order(request, external_id=safety.external_id)
    said = Said(
        fetching=fetching,
        talk=talk,
        waiting=waiting,
        callbacks=callbacks,
        safety=safety,
    )
    return carry_out(order, said, command="run")
