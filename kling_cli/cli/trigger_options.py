"""The options of `kling trigger`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from kling_cli.cli import completion

# Said here, as the scenarios themselves load what sends them; a test compares.
SCENARIOS = (
    *("submitted", "processing", "succeeded", "failed", "failed-moderation"),
    *("image", "audio", "lifecycle"),
)
NASTY_SCENARIOS = (
    *("duplicate", "out-of-order", "late-processing", "slow", "oversize", "malformed"),
    *("deep-json", "bad-signature", "old-timestamp", "unknown-task", "burst"),
)

Scenario = Annotated[
    str | None,
    typer.Argument(
        metavar="[SCENARIO]",
        autocompletion=completion.words(*SCENARIOS, *NASTY_SCENARIOS),
        help=f"{', '.join(SCENARIOS)}; or nasty: {', '.join(NASTY_SCENARIOS)}.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mocking:
    """What the mock callbacks are, and where they go."""

    is_all: Annotated[
        bool,
        typer.Option(
            "--all", help="Test a handler with every scenario, one after the other."
        ),
    ] = False
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL|PORT|/PATH",
            help="Where to send (default: the running kling listen, else port 8000).",
        ),
    ] = None
    task_id: Annotated[
        str,
        typer.Option(
            "--task-id", metavar="ID", help="Of which task; last is the newest."
        ),
    ] = "mock-task-1"
    product: Annotated[
        str, typer.Option("--product", metavar="NAME", help="What billing names.")
    ] = "video"
    generation: Annotated[
        str,
        typer.Option("--generation", metavar="new|legacy", help="Shape of the body."),
    ] = "new"
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Set a field, dotted. Repeatable."
        ),
    ] = None
    body: Annotated[
        str | None,
        typer.Option(
            "--body", metavar="FILE|-", help="Send this instead, byte for byte."
        ),
    ] = None
    is_printed: Annotated[
        bool, typer.Option("--print", help="Print curl commands, send nothing.")
    ] = False
    times: Annotated[
        int, typer.Option("--times", metavar="N", min=1, help="All of it N times.")
    ] = 1
    demands: Annotated[
        str | None,
        typer.Option(
            "--assert",
            metavar="2xx,5s,idempotent",
            help="Test a handler, with PASS or FAIL for each: 2xx (what is invalid: "
            "4xx, and valid callbacks afterwards: 2xx) or a status such as 401; a "
            "time; idempotent (each is sent twice and answered alike).",
        ),
    ] = None
