"""The groups of options that commands share.

Each group is a frozen dataclass: a command takes `save_options: SaveOptions` and gets
the parsed values (`declaration.py`). None means that an option was not typed, so that
environment, config file and default decide (`settings/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.output.terminal.capabilities import is_interactive

if TYPE_CHECKING:
    from kling_cli.listener.forwarding.delivery import ForwardingPolicy

OUTPUT_PANEL = "Output"
WAITING_PANEL = "Waiting"
CALLBACKS_PANEL = "Callbacks"
SAFETY_PANEL = "Cost & safety"

TaskIdsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK_ID...",
        help="Task ids or external ids; last, last~1 … are the newest.",
        autocompletion=completion.complete_task_ids,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print exactly one JSON object, failures included."),
]
RegionOption = Annotated[
    Literal["global", "cn"] | None,
    typer.Option(
        "--region", help="Which of Kling's two hosts (default: where the account is)."
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Look at this machine only; ask nobody.")
]
DELIVERY_PANEL = "Delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Form of the output on stdout and of progress on stderr."""

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
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    is_colorless: Annotated[
        bool,
        typer.Option(
            "--no-color",
            help="No colours, as with NO_COLOR=1.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

    @property
    def can_prompt(self) -> bool:
        """Whether questions may be asked; a script is never asked."""
        return is_interactive() and not (self.is_json or self.is_quiet)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOptions:
    """Where output files are saved."""

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
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOptions(SaveOptions):
    """Where output files are saved, or that only their URLs are printed."""

    is_link_only: Annotated[
        bool,
        typer.Option(
            "--no-download",
            help="Print the result's URLs instead of saving files.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationOptions:
    """Previews, notifications and opening of files on a terminal."""

    is_opening: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Open saved files with the program that shows them.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    is_previewing: Annotated[
        bool | None,
        typer.Option(
            "--preview/--no-preview",
            help="Show a small picture on the terminal; by default where it can show "
            "one and nothing is piped (KLING_PREVIEW).",
            rich_help_panel=OUTPUT_PANEL,
            show_default=False,
        ),
    ] = None
    is_notifying: Annotated[
        bool | None,
        typer.Option(
            "--notify/--no-notify",
            help="Notify you on the terminal at the end; by default after 60 s and "
            "more (KLING_NOTIFY).",
            rich_help_panel=OUTPUT_PANEL,
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutOptions:
    """How long to wait."""

    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            help="How long to wait, such as 90, 10m or 1h30m; 0 for ever. The task "
            "goes on without us (default: KLING_TIMEOUT, else 60m).",
            rich_help_panel=WAITING_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions(TimeoutOptions):
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
class CallbackOptions:
    """How callbacks about the task reach this machine."""

    callback: Annotated[
        Literal["auto", "require", "off"] | None,
        typer.Option(
            "--callback",
            help="How news of the task arrives (default: auto). auto: take callbacks "
            "when a tunnel can be had, and poll anyway; require: no tunnel, no job; "
            "off: poll only.",
            rich_help_panel=CALLBACKS_PANEL,
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
            autocompletion=completion.complete_tunnels,
            rich_help_panel=CALLBACKS_PANEL,
        ),
    ] = None
    callback_url: Annotated[
        str | None,
        typer.Option(
            "--callback-url",
            metavar="URL",
            help="Your own public URL of the listener; no tunnel is started.",
            rich_help_panel=CALLBACKS_PANEL,
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
            rich_help_panel=CALLBACKS_PANEL,
        ),
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOptions:
    """Which host or sandbox the requests go to."""

    region: Annotated[
        Literal["global", "cn"] | None,
        typer.Option(
            "--region",
            help="Which host has the account (default: global).",
            rich_help_panel=SAFETY_PANEL,
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
class SafetyOptions(AccountOptions):
    """Limits of cost, dry run, and the external id."""

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
            rich_help_panel=SAFETY_PANEL,
        ),
    ] = None
    external_id: Annotated[
        str | None,
        typer.Option(
            "--external-id",
            metavar="ID",
            help="Your own id for the task; unique over the account "
            "(default: kling makes one).",
            rich_help_panel=SAFETY_PANEL,
        ),
    ] = None


def settings_options(*groups: Any) -> Mapping[str, Any]:
    """Return the typed options of `groups` that are settings too, by setting name."""
    setting_names = {
        "region": "region",
        "is_sandbox": "sandbox",
        "timeout": "timeout",
        "callback": "callback",
        "tunnel": "tunnel",
    }
    found = {
        name: getattr(group, attribute)
        for group in groups
        for attribute, name in setting_names.items()
        if hasattr(group, attribute)
    }
    return {name: value for name, value in found.items() if value not in (None, False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions(OutputOptions):
    """The output options of commands that print a line an event."""

    is_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object a line on stdout and nothing else; a failure "
            "to start or to go on is one too.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """Headers, signatures, timeout and TLS of requests that deliver a callback."""

    headers: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="K:V",
            help="Add a header to what is passed on. May be repeated.",
            rich_help_panel=DELIVERY_PANEL,
        ),
    ] = None
    is_insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Do not check the certificate of the app.",
            rich_help_panel=DELIVERY_PANEL,
        ),
    ] = False
    timeout_s: Annotated[
        float,
        typer.Option(
            "--forward-timeout",
            metavar="S",
            min=0.1,
            max=3600,
            show_default=False,
            help="Seconds that the app has to answer (default: 30).",
            rich_help_panel=DELIVERY_PANEL,
        ),
    ] = 30.0
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--sign-forwards",
            metavar="SECRET",
            envvar="KLING_SIGN_FORWARDS",
            help="Sign what is passed on with whsec_…, as Kling does for accounts that "
            "have a webhook secret. May be repeated.",
            rich_help_panel=DELIVERY_PANEL,
        ),
    ] = None

    def policy(self) -> ForwardingPolicy:
        """Return what was typed, checked.

        Raises:
            UsageError: a header or a secret is none.
        """
        from kling_cli.listener.forwarding.delivery import ForwardingPolicy
        from kling_cli.listener.forwarding.headers import parse_header
        from kling_cli.settings import parse_secret_options

        return ForwardingPolicy(
            headers=tuple(parse_header(text) for text in self.headers or ()),
            secrets=parse_secret_options("--sign-forwards", self.secrets or ()),
            timeout_s=self.timeout_s,
            is_insecure=self.is_insecure,
        )
