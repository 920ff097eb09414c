"""`kling tunnel`: what tunnels there are, how good they are, and which is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli import completion
from kling_cli.cli.library_options import grouped
from kling_cli.cli.options import Talk
from kling_cli.errors import TunnelError, UsageError

if TYPE_CHECKING:
    from kling_cli.listen.tunnel_measurement import TunnelReport
    from kling_cli.settings import Settings
    from kling_cli.tunnels import ProviderFactory, ReadinessCheck

HELP = "Show, test and choose the tunnels that callbacks come through."

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Tunnels to test (default: the one that is chosen, else all that are "
        "ready and need no public service).",
        autocompletion=completion.tunnels,
        show_default=False,
    ),
]
Choice = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="auto, none, a name of `kling tunnel list`, or ssh://[USER@]HOST[:PORT].",
        autocompletion=completion.tunnels,
        show_default=False,
    ),
]


def list_tunnels(*, talk: Talk) -> int:
    """List the tunnels there are: which is ready, what the others need, their limits.

    With --quiet: the names of those that are ready.

    kling tunnel list
    """
    from kling_cli import tunnels
    from kling_cli.cli.report.listing import Listing, print_listing
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
                "tunnels": [_document(one, checks, settings) for one, checks in found],
            },
            lines=_lines(found, settings),
            ids=[one.name for one, checks in found if _is_ready(checks)],
        ),
        talk,
    )


def measure(*, names: Names = None, talk: Talk) -> int:
    """Open tunnels one after the other, send requests through them and measure.

    Says how long until the first request came in, the round trip (median and 95th
    percentile of 20), whether a body of 1 MiB passes, and the address that requests
    are said to come from. The exit code is 12 when one of them does not work.

    kling tunnel test cloudflared
    """
    import anyio

    from kling_cli.cli.report.listing import Listing, print_listing
    from kling_cli.cli.runner import load_settings
    from kling_cli.cli.tunnel_setup import is_person_there, prepare_tunnel

    chosen = names or _testable(load_settings({}))
    wanted = [load_settings({"tunnel": name}) for name in chosen]
    if any(settings.tunnel == "none" for settings in wanted):
        raise UsageError("none is no tunnel", hint="kling tunnel list")
    if is_person_there() and not (talk.is_json or talk.is_quiet):
        wanted = [
            replace(one, tunnel=prepare_tunnel(one, one.tunnel)) for one in wanted
        ]
    reports = anyio.run(_test_all, wanted, talk)
    failed = next((one.error for one in reports if one.error is not None), None)
    return print_listing(
        Listing(
            command="tunnel test",
            facts={"tunnels": [_report_document(one) for one in reports]},
            lines=_report_lines(reports),
            ids=[one.name for one in reports if one.error is None],
            error=failed,
        ),
        talk,
    )


def use(*, name: Choice, talk: Talk) -> int:
    """Use a tunnel from now on: writes `tunnel` into config.toml.

    On a terminal you are asked what the tunnel needs to know, such as whether the
    key of an ssh server is the right one.

    kling tunnel use auto
    """
    from kling_cli.cli.report.listing import Listing, print_listing
    from kling_cli.cli.runner import load_settings
    from kling_cli.cli.tunnel_setup import is_person_there, prepare_tunnel
    from kling_cli.config_file import write_setting
    from kling_cli.tunnels import read_choice

    settings = load_settings({"tunnel": name})
    is_asked = is_person_there() and not (talk.is_json or talk.is_quiet)
    if is_asked and read_choice(settings.tunnel) is not None:
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
        talk,
    )


def make_group() -> Any:
    """Return the command with its sub-commands."""
    return grouped("tunnel", HELP, {"list": list_tunnels, "test": measure, "use": use})


def _is_ready(checks: list[ReadinessCheck]) -> bool:
    return all(check.is_ok for check in checks)


def _is_chosen(one: ProviderFactory, settings: Settings) -> bool:
    from kling_cli.tunnels import read_choice

    choice = read_choice(settings.tunnel)
    return choice is not None and choice.name == one.name


def _document(
    one: ProviderFactory, checks: list[ReadinessCheck], settings: Settings
) -> dict[str, Any]:
    told = one.description
    return {
        "name": one.name,
        "ready": _is_ready(checks),
        "chosen": _is_chosen(one, settings),
        "public_service": one.is_public_service,
        "account": told.account,
        "agent": told.agent,
        "url": told.url,
        "limits": told.limits,
        "sees": told.sees,
        "checks": [
            {
                "name": check.name,
                "ok": check.is_ok,
                "message": check.message,
                "remedy": check.remedy or None,
            }
            for check in checks
        ],
    }


def _lines(
    found: list[tuple[ProviderFactory, list[ReadinessCheck]]], settings: Settings
) -> Iterator[str]:
    """Yield a table of what there is, then what the others need."""
    import sys
    from shutil import get_terminal_size

    from kling_cli.cli.report.choose import is_terminal
    from kling_cli.cli.report.columns import columns
    from kling_cli.cli.report.fit import Column, fitted

    headings = ("tunnel", "ready", "account", "URL", "limits", "reads requests")
    rows = [
        (
            ("* " if _is_chosen(one, settings) else "") + one.name,
            "yes" if _is_ready(checks) else "no",
            one.description.account,
            one.description.url,
            one.description.limits,
            one.description.sees,
        )
        for one, checks in found
    ]
    if is_terminal(sys.stdout):
        wide = [Column(heading=each, is_wrapped=True) for each in headings[3:5]]
        narrow = [Column(heading=each) for each in headings[:2]]
        account = Column(heading="account", leaves=2)
        reader = Column(heading=headings[5], leaves=1)
        width = get_terminal_size().columns
        yield from fitted([*narrow, account, *wide, reader], rows, width=width)
    else:
        yield from columns(rows, headings=headings)
    yield ""
    yield f"used: {settings.tunnel} ({settings.origins['tunnel']})"
    for check in (check for _, checks in found for check in checks):
        if not check.is_ok:
            yield f"{check.name}: {check.message}; {check.remedy}"


def _testable(settings: Settings) -> list[str]:
    """Return what is tested when nothing is named.

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


async def _test_all(wanted: list[Settings], talk: Talk) -> list[TunnelReport]:
    from kling_cli.clock import SystemClock
    from kling_cli.jobs.signals import until_signal
    from kling_cli.listen.tunnel_measurement import TunnelReport, measure_tunnel
    from kling_cli.tunnels import provider_for

    async def run() -> list[TunnelReport]:
        reports = []
        for settings in wanted:
            if not (talk.is_json or talk.is_quiet):
                typer.echo(f"testing {settings.tunnel}", err=True)
            try:
                provider = provider_for(settings, settings.tunnel)
            except TunnelError as exc:
                reports.append(TunnelReport(name=settings.tunnel, error=exc))
            else:
                reports.append(await measure_tunnel(provider, SystemClock()))
        return reports

    return await until_signal(run)


def _report_document(one: TunnelReport) -> dict[str, Any]:
    from kling_cli.cli.report.document import of_error

    return {
        "name": one.name,
        "ok": one.error is None,
        "public_url": one.public_url,
        "ready_s": _rounded(one.ready_s, 3),
        "median_ms": _rounded(one.median_ms, 1),
        "p95_ms": _rounded(one.p95_ms, 1),
        "takes_1mib": one.takes_1mib,
        "came_from": one.came_from,
        "error": None if one.error is None else of_error(one.error),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _report_lines(reports: list[TunnelReport]) -> Iterator[str]:
    from kling_cli.cli.report.columns import columns

    headings = ("TUNNEL", "READY", "MEDIAN", "P95", "1 MIB", "FROM")
    rows = [
        (
            one.name,
            None if one.ready_s is None else f"{one.ready_s:.2f} s",
            None if one.median_ms is None else f"{one.median_ms:.0f} ms",
            None if one.p95_ms is None else f"{one.p95_ms:.0f} ms",
            None if one.takes_1mib is None else ("yes" if one.takes_1mib else "no"),
            one.came_from,
        )
        for one in reports
    ]
    yield from columns(rows, headings=headings)
    for one in reports:
        if one.error is not None:
            yield f"{one.name}: {one.error.message}"


def _warnings(settings: Settings) -> Iterator[str]:
    """Yield why what was chosen may not be what is used, or not work yet."""
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
