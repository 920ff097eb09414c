"""Views of tunnels: providers with their readiness, and measurements."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.json_document import error_object
from kling_cli.cli.output.tables import Column, fitted_table, plain_table
from kling_cli.cli.output.terminal.capabilities import is_terminal

if TYPE_CHECKING:
    from kling_cli.listener.ingress.tunnel_measurement import TunnelReport
    from kling_cli.settings import Settings
    from kling_cli.tunnels import ProviderFactory, ReadinessCheck


_PROVIDER_COLUMNS = (
    Column(heading="tunnel"),
    Column(heading="ready"),
    Column(heading="account", drop_order=2),
    Column(heading="URL", is_wrapped=True),
    Column(heading="limits", is_wrapped=True),
    Column(heading="reads requests", drop_order=1),
)


def is_ready(checks: list[ReadinessCheck]) -> bool:
    """Return whether a provider with these checks can open a tunnel."""
    return all(check.is_ok for check in checks)


def is_chosen(one: ProviderFactory, settings: Settings) -> bool:
    """Return whether the settings name this provider."""
    from kling_cli.tunnels import read_choice

    choice = read_choice(settings.tunnel)
    return choice is not None and choice.name == one.name


def provider_document(
    one: ProviderFactory, checks: list[ReadinessCheck], settings: Settings
) -> dict[str, Any]:
    """Return the JSON object of a provider."""
    description = one.description
    return {
        "name": one.name,
        "ready": is_ready(checks),
        "chosen": is_chosen(one, settings),
        "public_service": one.is_public_service,
        "account": description.account,
        "agent": description.agent,
        "url": description.url,
        "limits": description.limits,
        "sees": description.sees,
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


def provider_lines(
    found: list[tuple[ProviderFactory, list[ReadinessCheck]]], settings: Settings
) -> Iterator[str]:
    """Yield a table of the providers, then what those that are not ready need."""
    rows = [
        (
            ("* " if is_chosen(one, settings) else "") + one.name,
            "yes" if is_ready(checks) else "no",
            one.description.account,
            one.description.url,
            one.description.limits,
            one.description.sees,
        )
        for one, checks in found
    ]
    if is_terminal(sys.stdout):
        width = get_terminal_size().columns
        yield from fitted_table(_PROVIDER_COLUMNS, rows, width=width)
    else:
        headings = [each.heading for each in _PROVIDER_COLUMNS]
        yield from plain_table(rows, headings=headings)
    yield ""
    yield f"used: {settings.tunnel} ({settings.origins['tunnel']})"
    for check in (check for _, checks in found for check in checks):
        if not check.is_ok:
            yield f"{check.name}: {check.message}; {check.remedy}"


def report_document(one: TunnelReport) -> dict[str, Any]:
    """Return the JSON object of a measurement."""
    return {
        "name": one.name,
        "ok": one.error is None,
        "public_url": one.public_url,
        "ready_s": _rounded(one.ready_s, 3),
        "median_ms": _rounded(one.median_ms, 1),
        "p95_ms": _rounded(one.p95_ms, 1),
        "takes_1mib": one.takes_1mib,
        "came_from": one.came_from,
        "error": None if one.error is None else error_object(one.error),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def report_lines(reports: list[TunnelReport]) -> Iterator[str]:
    """Yield a table of measurements, then the errors."""
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
    yield from plain_table(rows, headings=headings)
    for one in reports:
        if one.error is not None:
            yield f"{one.name}: {one.error.message}"
