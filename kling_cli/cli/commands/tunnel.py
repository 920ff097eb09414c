"""`kling tunnel`: lists, measures and selects tunnel providers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.declaration import make_command_group
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.cli.output.views.tunnels import (
    is_ready,
    provider_document,
    provider_lines,
    report_document,
    report_lines,
)
from kling_cli.errors import TunnelError, UsageError

if TYPE_CHECKING:
    from kling_cli.listener.ingress.tunnel_measurement import TunnelReport
    from kling_cli.settings import Settings

HELP = "Show, test and choose the tunnels that callbacks come through."

TunnelNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Tunnels to test (default: the one that is chosen, else all that are "
        "ready and need no public service).",
        autocompletion=completion.complete_tunnels,
        show_default=False,
    ),
]
TunnelChoice = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="auto, none, a name of `kling tunnel list`, or ssh://[USER@]HOST[:PORT].",
        autocompletion=completion.complete_tunnels,
        show_default=False,
    ),
]


def list_tunnels(*, output_options: OutputOptions) -> int:
    """List the tunnels there are: which is ready, what the others need, their limits.

    With --quiet: the names of those that are ready.

    kling tunnel list
    """
    from kling_cli import tunnels
    from kling_cli.cli.output.listing import Listing, print_listing
    from kling_cli.cli.runner import load_settings

    settings = load_settings({})
    tunnels.require_choice(settings)
    search_path = os.environ.get("PATH", "")
    found = [
        (one, list(one.checks(settings, search_path))) for one in tunnels.factories()
    ]
    return print_listing(
        Listing(
            command="tunnel list",
            facts={
                "chosen": settings.tunnel,
                "tunnels": [
                    provider_document(one, checks, settings) for one, checks in found
                ],
            },
            lines=provider_lines(found, settings),
            ids=[one.name for one, checks in found if is_ready(checks)],
        ),
        output_options,
    )


def measure_tunnels(*, names: TunnelNames = None, output_options: OutputOptions) -> int:
    """Open tunnels one after the other, send requests through them and measure.

    Says how long until the first request came in, the round trip (median and 95th
    percentile of 20), whether a body of 1 MiB passes, and the address that requests
    are said to come from. The exit code is 12 when one of them does not work.

    kling tunnel test cloudflared
    """
    import anyio

    from kling_cli.cli.options.tunnel_prompt import prepare_tunnel
    from kling_cli.cli.output.listing import Listing, print_listing
    from kling_cli.cli.runner import load_settings

    chosen = names or _default_test_targets(load_settings({}))
    wanted = [load_settings({"tunnel": name}) for name in chosen]
    if any(settings.tunnel == "none" for settings in wanted):
        raise UsageError("none is no tunnel", hint="kling tunnel list")
    if output_options.can_prompt:
        wanted = [
            replace(one, tunnel=prepare_tunnel(one, one.tunnel)) for one in wanted
        ]
    reports = anyio.run(_measure_all, wanted, output_options)
    failed = next((one.error for one in reports if one.error is not None), None)
    return print_listing(
        Listing(
            command="tunnel test",
            facts={"tunnels": [report_document(one) for one in reports]},
            lines=report_lines(reports),
            ids=[one.name for one in reports if one.error is None],
            error=failed,
        ),
        output_options,
    )


def use_tunnel(*, name: TunnelChoice, output_options: OutputOptions) -> int:
    """Use a tunnel from now on: writes `tunnel` into config.toml.

    On a terminal you are asked what the tunnel needs to know, such as whether the
    key of an ssh server is the right one.

    kling tunnel use auto
    """
    from kling_cli.cli.options.tunnel_prompt import prepare_tunnel
    from kling_cli.cli.output.listing import Listing, print_listing
    from kling_cli.cli.runner import load_settings
    from kling_cli.settings import write_setting
    from kling_cli.tunnels import read_choice

    settings = load_settings({"tunnel": name})
    if output_options.can_prompt and read_choice(settings.tunnel) is not None:
        prepare_tunnel(settings, settings.tunnel)
    path = settings.config_dir / "config.toml"
    write_setting(path, "tunnel", settings.tunnel)
    return print_listing(
        Listing(
            command="tunnel use",
            facts={"tunnel": settings.tunnel, "path": str(path)},
            lines=[f"{settings.tunnel} is used from now on ({path})"],
            ids=[settings.tunnel],
            warnings=list(_warnings(settings)),
        ),
        output_options,
    )


def make_group() -> Any:
    """Return the command with its sub-commands."""
    return make_command_group(
        "tunnel",
        HELP,
        {"list": list_tunnels, "test": measure_tunnels, "use": use_tunnel},
    )


def _default_test_targets(settings: Settings) -> list[str]:
    """Return the providers to test when none is named.

    Raises:
        TunnelError: nothing is ready.
    """
    from kling_cli import tunnels

    tunnels.require_choice(settings)
    if tunnels.read_choice(settings.tunnel) is not None:
        return [settings.tunnel]
    found = tunnels.set_up_factories(settings)
    if not found:
        raise TunnelError("no tunnel is set up", hint=tunnels.HOW_TO_SET_UP)
    return [one.name for one, why in found if why is None] or [found[0][0].name]


async def _measure_all(
    wanted: list[Settings], output_options: OutputOptions
) -> list[TunnelReport]:
    from kling_cli.clock import SystemClock
    from kling_cli.jobs.signals import until_signal
    from kling_cli.listener.ingress.tunnel_measurement import (
        TunnelReport,
        measure_tunnel,
    )
    from kling_cli.tunnels import provider_for

    async def run() -> list[TunnelReport]:
        reports = []
        for settings in wanted:
            if not (output_options.is_json or output_options.is_quiet):
                typer.echo(f"testing {settings.tunnel}", err=True)
            try:
                provider = provider_for(settings, settings.tunnel)
            except TunnelError as exc:
                reports.append(TunnelReport(name=settings.tunnel, error=exc))
            else:
                reports.append(await measure_tunnel(provider, SystemClock()))
        return reports

    return await until_signal(run)


def _warnings(settings: Settings) -> Iterator[str]:
    """Yield why the chosen tunnel may not be used, or not work yet."""
    from kling_cli import tunnels

    if os.environ.get("KLING_TUNNEL", "").strip():
        yield "KLING_TUNNEL is set and wins: unset it"
    choice = tunnels.read_choice(settings.tunnel)
    if choice is None:
        return
    try:
        tunnels.factory(choice.name).require_ready(settings, choice.address)
    except TunnelError as exc:
        yield f"it is not ready: {exc.message}"
        if exc.hint:
            yield f"hint: {exc.hint}"
