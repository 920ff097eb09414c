"""Checks of the tunnel providers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kling_cli.cli.diagnosis.check import Check, fail, ok, warn
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.settings import Settings
    from kling_cli.tunnels import ProviderFactory

_POLLING_HINT = "without a tunnel kling polls, which works too"


def tunnel_checks(settings: Settings, search_path: str) -> Iterator[Check]:
    """Yield the checks of the tunnel that is configured; none if there is none."""
    from kling_cli import tunnels

    if settings.tunnel == tunnels.NONE:
        yield ok("tunnel", f"none wanted ({settings.origins['tunnel']}): polling only")
        return
    if settings.tunnel == tunnels.AUTO and settings.is_loopback_base:
        yield ok("tunnel", "none needed: the API is on this machine")
        return
    try:
        tunnels.require_choice(settings)
    except UsageError as exc:
        if "tunnel" not in settings.problems:  # doctor lists those itself
            yield fail("settings", exc)
        return
    choice = tunnels.read_choice(settings.tunnel)
    if choice is not None:
        yield from _provider_checks(tunnels.factory(choice.name), settings, search_path)
    else:
        yield from _automatic_choice_checks(settings, search_path)


def _automatic_choice_checks(settings: Settings, search_path: str) -> Iterator[Check]:
    """Yield the checks of the provider that `auto` uses, or of all candidates."""
    from kling_cli import tunnels

    known = [one for one in tunnels.factories() if not one.is_public_service]
    found = {
        one.name: list(_provider_checks(one, settings, search_path)) for one in known
    }
    ready = [
        name
        for name, checks in found.items()
        if all(check.error is None and check.remedy is None for check in checks)
    ]
    for name, checks in found.items():
        if name in ready or not ready:
            yield from checks
    if ready:
        yield ok("tunnel", f"{ready[0]} is used (auto)")
    else:
        yield warn("tunnel", f"none is set up; {_POLLING_HINT}", tunnels.HOW_TO_SET_UP)


def _provider_checks(
    factory: ProviderFactory, settings: Settings, search_path: str
) -> Iterator[Check]:
    """Yield the checks of one provider."""
    for check in factory.checks(settings, search_path):
        if check.is_ok:
            yield ok(check.name, check.message)
        else:
            yield warn(check.name, f"{check.message}; {_POLLING_HINT}", check.remedy)
