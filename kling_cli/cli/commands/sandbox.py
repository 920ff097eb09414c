"""`kling sandbox`: the simulator of the API as a local server."""

from __future__ import annotations

import json
import shlex
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli.output.terminal.streams import write_message, write_result
from kling_cli.cli.output.terminal.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kling_cli.sandbox.options import SandboxOptions
    from kling_cli.sandbox.server import Sandbox
    from kling_cli.sandbox.state.traffic_log import Exchange

_BEHAVIOUR_PANEL = "Behaviour"
_FAULTS_PANEL = "Faults"
_CREDENTIALS_PANEL = "Credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourOptions:
    """The speed and the resources of the simulated account."""

    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="N",
            help="Tasks take their model's usual time divided by N (default: 1).",
            show_default=False,
            rich_help_panel=_BEHAVIOUR_PANEL,
        ),
    ] = 1.0
    task_seconds: Annotated[
        float | None,
        typer.Option(
            "--task-seconds",
            metavar="SECONDS",
            min=0,
            help="Every task takes as long as this, in seconds (default: see --speed).",
            rich_help_panel=_BEHAVIOUR_PANEL,
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
            rich_help_panel=_BEHAVIOUR_PANEL,
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
            rich_help_panel=_BEHAVIOUR_PANEL,
        ),
    ] = 1000.0
    webhook_secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--webhook-secret",
            metavar="SECRET",
            help="Sign callbacks with whsec_…; twice for a rotation (default: "
            "KLING_WEBHOOK_SECRET, else they are not signed).",
            rich_help_panel=_BEHAVIOUR_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOptions:
    """The faults that are injected."""

    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            metavar="ON:ACTION[xN]",
            help="Let ACTION befall the next N requests or tasks (default: 1; 0: all), "
            "such as query:500x3, create:accept-reset, download:cut, task:moderation, "
            "callback:none. May be repeated; a wrong one lists what there is.",
            rich_help_panel=_FAULTS_PANEL,
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
            rich_help_panel=_FAULTS_PANEL,
        ),
    ] = 0.0
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            help="Make ids, keys and chaos the same in every run (default: random).",
            rich_help_panel=_FAULTS_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """The credentials of the simulated account."""

    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            metavar="KEY",
            help="The API key to accept (default: a new one).",
            rich_help_panel=_CREDENTIALS_PANEL,
        ),
    ] = None
    access_key: Annotated[
        str | None,
        typer.Option(
            "--access-key",
            metavar="KEY",
            help="The access key to accept (default: a new one).",
            rich_help_panel=_CREDENTIALS_PANEL,
        ),
    ] = None
    secret_key: Annotated[
        str | None,
        typer.Option(
            "--secret-key",
            metavar="KEY",
            help="The secret key that goes with it (default: a new one).",
            rich_help_panel=_CREDENTIALS_PANEL,
        ),
    ] = None


PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=65535,
        help="Port on 127.0.0.1; 0: any (default: 8787, another if taken).",
    ),
]
JsonLinesOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object a line: `ready`, then each request."
    ),
]

SCHEMA = "kling.sandbox/1"
DEFAULT_PORT = 8787
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def sandbox(
    *,
    port: PortOption = None,
    behaviour_options: BehaviourOptions,
    fault_options: FaultOptions,
    credential_options: CredentialOptions,
    is_json: JsonLinesOption = False,
) -> int:
    """Serve a simulator of the Kling API on this machine, until Ctrl-C.

    It takes every request the real API takes, calls back, and delivers playable files;
    nothing leaves this machine and nothing costs anything.

    kling sandbox --speed 20 --fail query:500x3
    """
    import anyio

    from kling_cli.sandbox.options import SandboxOptions

    secrets = _webhook_secrets(behaviour_options.webhook_secrets)
    options = SandboxOptions(
        port=DEFAULT_PORT if port is None else port,
        fallback_port=0 if port is None else None,
        speed=behaviour_options.speed,
        task_seconds=behaviour_options.task_seconds,
        slots=behaviour_options.slots,
        units=behaviour_options.units,
        webhook_secrets=secrets,
        fail=tuple(fault_options.fail or ()),
        chaos=fault_options.chaos,
        seed=fault_options.seed,
        api_key=credential_options.api_key,
        access_key=credential_options.access_key,
        secret_key=credential_options.secret_key,
        on_request=_print_request if is_json else _note_request,
    )
    return anyio.run(_serve, options, is_json)


def _webhook_secrets(typed: Sequence[str] | None) -> tuple[str, ...]:
    """Return the typed secrets, else those that this user's listener verifies with.

    Raises:
        UsageError: they are none.
    """
    if typed:
        from kling_cli.settings import parse_secret_options

        return tuple(
            one.reveal() for one in parse_secret_options("--webhook-secret", typed)
        )
    from kling_cli.cli.runner import load_settings

    settings = load_settings({"sandbox": True})  # no login is looked for
    settings.require("webhook_secret")
    if settings.webhook_secrets:
        origin = settings.origins["webhook_secret"]
        write_message(f"callbacks are signed with the secret of {origin}")
    return tuple(each.reveal() for each in settings.webhook_secrets)


async def _serve(options: SandboxOptions, is_json: bool) -> int:
    """Serve until a signal arrives; return its exit code."""
    import anyio

    from kling_cli.sandbox.server import serve_sandbox

    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async with serve_sandbox(options) as box:
            if is_json:
                write_result(_json_line("ready", ready_document(box)))
            else:
                write_message(ready_text(box))
            async for number in signals:
                return 128 + int(number)
    return 0  # pragma: no cover -- the signals never end by themselves


def ready_document(box: Sandbox) -> dict[str, Any]:
    return {
        "base_url": box.base_url,
        "api_key": box.api_key,
        "access_key": box.access_key,
        "secret_key": box.secret_key,
    }


def ready_text(box: Sandbox) -> str:
    """Return the shell commands that point a client to the sandbox."""
    exports = {
        "KLING_API_BASE": box.base_url,
        "KLING_API_KEY": box.api_key,
        "KLING_ACCESS_KEY": box.access_key,
        "KLING_SECRET_KEY": box.secret_key,
    }
    base, key, *pair = (f"export {n}={shlex.quote(v)}" for n, v in exports.items())
    return "\n".join(
        (
            f"The sandbox of the Kling API is at {box.base_url}; Ctrl-C ends it.",
            "Copy this into another shell:",
            "",
            base,
            key,
            "",
            "or, to test the older pair, in place of the API key:",
            "",
            *pair,
            "",
        )
    )


def _print_request(exchange: Exchange) -> None:
    write_result(_json_line("request", _request_document(exchange)))


def _note_request(exchange: Exchange) -> None:
    status = "-" if exchange.status is None else str(exchange.status)
    fault = f" ({exchange.kind}:{exchange.fault})" if exchange.fault else ""
    historic = " (historic path)" if exchange.is_historic else ""
    line = f"{exchange.method} {exchange.path} {status}{fault}{historic}"
    write_message(one_line(line))


def _request_document(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "path": exchange.path,
        "kind": exchange.kind,
        "status": exchange.status,
        "fault": exchange.fault,
        "historic": exchange.is_historic,
    }


def _json_line(kind: str, document: dict[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, "type": kind, **document})
