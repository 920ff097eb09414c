"""The options of `kling sandbox`, in the groups in which its `--help` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

_BEHAVIOUR = "Behaviour"
_FAULTS = "Faults"
_CREDENTIALS = "Credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How fast the simulated account is, and how much it has."""

    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="N",
            help="Tasks take their model's usual time divided by N (default: 1).",
            show_default=False,
            rich_help_panel=_BEHAVIOUR,
        ),
    ] = 1.0
    task_seconds: Annotated[
        float | None,
        typer.Option(
            "--task-seconds",
            metavar="SECONDS",
            min=0,
            help="Every task takes as long as this, in seconds (default: see --speed).",
            rich_help_panel=_BEHAVIOUR,
        ),
    ] = None
    slots: Annotated[
        int,
        typer.Option(
            "--slots",
            metavar="N",
            min=0,
            help="How many tasks of one model may run at once (default: 5).",
            show_default=False,
            rich_help_panel=_BEHAVIOUR,
        ),
    ] = 5
    units: Annotated[
        float,
        typer.Option(
            "--units",
            metavar="N",
            min=0,
            help="Units in each resource pack (default: 1000).",
            show_default=False,
            rich_help_panel=_BEHAVIOUR,
        ),
    ] = 1000.0
    webhook_secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--webhook-secret",
            metavar="SECRET",
            help="Sign callbacks with whsec_…; twice for a rotation (default: "
            "KLING_WEBHOOK_SECRET, else they are not signed).",
            rich_help_panel=_BEHAVIOUR,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is to go wrong."""

    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            metavar="ON:ACTION[xN]",
            help="Let ACTION befall the next N requests or tasks (default: 1; 0: all), "
            "such as query:500x3, create:accept-reset, download:cut, task:moderation, "
            "callback:none. May be repeated; a wrong one lists what there is.",
            rich_help_panel=_FAULTS,
        ),
    ] = None
    chaos: Annotated[
        float,
        typer.Option(
            "--chaos",
            metavar="RATE",
            min=0,
            max=1,
            help="Share of requests that a random fault befalls, 0 to 1 (default: 0).",
            show_default=False,
            rich_help_panel=_FAULTS,
        ),
    ] = 0.0
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            help="Make ids, keys and chaos the same in every run (default: random).",
            rich_help_panel=_FAULTS,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the simulated account is entered with."""

    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            metavar="KEY",
            help="The API key to accept (default: a new one).",
            rich_help_panel=_CREDENTIALS,
        ),
    ] = None
    access_key: Annotated[
        str | None,
        typer.Option(
            "--access-key",
            metavar="KEY",
            help="The access key to accept (default: a new one).",
            rich_help_panel=_CREDENTIALS,
        ),
    ] = None
    secret_key: Annotated[
        str | None,
        typer.Option(
            "--secret-key",
            metavar="KEY",
            help="The secret key that goes with it (default: a new one).",
            rich_help_panel=_CREDENTIALS,
        ),
    ] = None


Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=65535,
        help="Port on 127.0.0.1; 0: any (default: 8787, another if taken).",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object a line: `ready`, then each request."
    ),
]
