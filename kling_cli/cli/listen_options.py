"""The options of `kling listen`, in the groups in which its `--help` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from kling_cli.cli import completion

_DOOR = "Receiving"
_FORWARDING = "Forwarding"
_STATUSES = ("submitted", "processing", "succeeded", "failed")
_CHOICE = "Which callbacks, and how long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How callbacks get in, and how they are answered."""

    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="N",
            show_default=False,
            help="Port of the listener on this machine (default: a free one).",
            rich_help_panel=_DOOR,
        ),
    ] = 0
    tunnel: Annotated[
        str | None,
        typer.Option(
            "--tunnel",
            metavar="NAME",
            help="Which tunnel gives the public URL: auto, a name of `kling tunnel "
            "list` or ssh://HOST; none: this machine only (default: KLING_TUNNEL, else "
            "auto, except with --no-token or an API base on this machine).",
            autocompletion=completion.tunnels,
            rich_help_panel=_DOOR,
        ),
    ] = None
    callback_url: Annotated[
        str | None,
        typer.Option(
            "--callback-url",
            metavar="URL",
            help="Your own public URL that reaches the listener; no tunnel is started.",
            rich_help_panel=_DOOR,
        ),
    ] = None
    is_tokenless: Annotated[
        bool,
        typer.Option(
            "--no-token",
            help="Also take callbacks at a bare /callback, from this machine only.",
            rich_help_panel=_DOOR,
        ),
    ] = False
    is_rotating: Annotated[
        bool,
        typer.Option(
            "--rotate-token",
            help="Make a new token first; the old URL is dead.",
            rich_help_panel=_DOOR,
        ),
    ] = False
    respond: Annotated[
        list[str] | None,
        typer.Option(
            "--respond",
            metavar="STATUS|delay=S",
            help="Answer callbacks with this status, or S seconds later "
            "(default: 200, at once). May be repeated.",
            rich_help_panel=_DOOR,
        ),
    ] = None
    is_forgetful: Annotated[
        bool,
        typer.Option(
            "--no-history",
            help="Do not keep callbacks in the journal; generating commands then open "
            "their own tunnel.",
            rich_help_panel=_DOOR,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """Where callbacks are passed on to."""

    forward_to: Annotated[
        list[str] | None,
        typer.Option(
            "--forward-to",
            metavar="URL|PORT|/PATH",
            help="Pass each callback on, bytes unchanged, to your app "
            "(3000 is http://localhost:3000/callback). May be repeated.",
            rich_help_panel=_FORWARDING,
        ),
    ] = None
    routes: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="STATUS=URL",
            help="Pass callbacks with this status on to URL instead. May be repeated.",
            rich_help_panel=_FORWARDING,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which callbacks are shown and passed on, and when there have been enough."""

    events: Annotated[
        list[str] | None,
        typer.Option(
            "--events",
            metavar="STATUS,…",
            help="Only these: submitted, processing, succeeded, failed (default: all).",
            autocompletion=completion.words(*_STATUSES),
            rich_help_panel=_CHOICE,
        ),
    ] = None
    task_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="ID",
            help="Only those of this task, by its id or your own. May be repeated.",
            autocompletion=completion.task_ids,
            rich_help_panel=_CHOICE,
        ),
    ] = None
    max_events: Annotated[
        int | None,
        typer.Option(
            "--max-events",
            metavar="N",
            min=1,
            help="End after N callbacks (default: go on).",
            rich_help_panel=_CHOICE,
        ),
    ] = None
    is_until_final: Annotated[
        bool,
        typer.Option(
            "--until-final",
            help="End when every --task has succeeded or failed; without any: when "
            "one task has.",
            rich_help_panel=_CHOICE,
        ),
    ] = False
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            help="End after 90 (seconds), 10m or 1h30m (default: never).",
            rich_help_panel=_CHOICE,
        ),
    ] = None
