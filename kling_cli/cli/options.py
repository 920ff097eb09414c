"""The options that commands share, in the groups in which `--help` shows them.

Each group is a value: a command takes `saving: Saving` and gets its options parsed
(`declare.py`). None means that nothing was said, so that environment, config file and
default decide (`settings.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from kling_cli.cli import completion

OUTPUT = "Output"
WAITING = "Waiting"
CALLBACKS = "Callbacks"
SAFETY = "Cost & safety"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What goes to stdout and how progress looks on stderr."""

    is_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print exactly one JSON object on stdout; failures too.",
        ),
    ] = False
    is_quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print results and errors, nothing else.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    is_colorless: Annotated[
        bool,
        typer.Option(
            "--no-color",
            help="No colours, as with NO_COLOR=1.",
            rich_help_panel=OUTPUT,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Where result files go."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where to save: a file, a folder or a template. A template is such as "
            "'{task_id}-{index}.{ext}' (default: KLING_OUTPUT_DIR, else the current "
            "folder).",
        ),
    ] = None
    is_forced: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite existing files; otherwise a free name is taken.",
            rich_help_panel=OUTPUT,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching(Saving):
    """Where result files go, if they are to be fetched at all."""

    is_link_only: Annotated[
        bool,
        typer.Option(
            "--no-download",
            help="Print the result's URLs instead of saving files.",
            rich_help_panel=OUTPUT,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What a terminal does besides lines."""

    is_opening: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Open saved files with the program that shows them.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    is_previewing: Annotated[
        bool | None,
        typer.Option(
            "--preview/--no-preview",
            help="Show a small picture on the terminal; by default where it can show "
            "one and nothing is piped (KLING_PREVIEW).",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    is_notifying: Annotated[
        bool | None,
        typer.Option(
            "--notify/--no-notify",
            help="Notify you on the terminal at the end; by default after 60 s and "
            "more (KLING_NOTIFY).",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait."""

    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            help="How long to wait, such as 90, 10m or 1h30m; 0 for ever. The task "
            "goes on without us (default: KLING_TIMEOUT, else 60m).",
            rich_help_panel=WAITING,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Patience):
    """Whether to wait, and how long."""

    is_waiting: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="Print the task id and leave; --wait waits for the result, which is "
            "the default.",
            show_default=False,
        ),
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """How news about the task can reach this machine."""

    callback: Annotated[
        Literal["auto", "require", "off"] | None,
        typer.Option(
            "--callback",
            help="How news of the task arrives (default: auto). auto: take callbacks "
            "when a tunnel can be had, and poll anyway; require: no tunnel, no job; "
            "off: poll only.",
            rich_help_panel=CALLBACKS,
        ),
    ] = None
    tunnel: Annotated[
        str | None,
        typer.Option(
            "--tunnel",
            metavar="NAME",
            help="Which tunnel callbacks come through: auto, a name of `kling tunnel "
            "list`, ssh://HOST or none (default: KLING_TUNNEL, else auto). auto: the "
            "first that is set up, except that a sandbox on this machine needs none.",
            autocompletion=completion.tunnels,
            rich_help_panel=CALLBACKS,
        ),
    ] = None
    callback_url: Annotated[
        str | None,
        typer.Option(
            "--callback-url",
            metavar="URL",
            help="Your own public URL of the listener; no tunnel is started.",
            rich_help_panel=CALLBACKS,
        ),
    ] = None
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="N",
            show_default=False,
            help="Port of the listener here (default: a free one).",
            rich_help_panel=CALLBACKS,
        ),
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom we talk with."""

    region: Annotated[
        Literal["global", "cn"] | None,
        typer.Option(
            "--region",
            help="Which host has the account (default: global).",
            rich_help_panel=SAFETY,
        ),
    ] = None
    is_sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="Run on a built-in simulator: free, no account; it is started for "
            "this one command, without a tunnel or a network.",
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety(Account):
    """What a job may cost, and how it can be found again."""

    is_dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show the request and its cost in units; send nothing.",
        ),
    ] = False
    max_units: Annotated[
        float | None,
        typer.Option(
            "--max-units",
            metavar="N",
            min=0,
            help="Refuse to submit what may cost more than N units.",
            rich_help_panel=SAFETY,
        ),
    ] = None
    external_id: Annotated[
        str | None,
        typer.Option(
            "--external-id",
            metavar="ID",
            help="Your own id for the task; unique over the account "
            "(default: kling makes one).",
            rich_help_panel=SAFETY,
        ),
    ] = None


def settings_options(*groups: Any) -> Mapping[str, Any]:
    """Return what was said in `groups` that `settings.py` knows by the same name."""
    said = {
        "region": "region",
        "is_sandbox": "sandbox",
        "timeout": "timeout",
        "callback": "callback",
        "tunnel": "tunnel",
    }
    found = {
        name: getattr(group, attribute)
        for group in groups
        for attribute, name in said.items()
        if hasattr(group, attribute)
    }
    return {name: value for name, value in found.items() if value not in (None, False)}
