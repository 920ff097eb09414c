"""Checks of the credentials and of the API host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kling_cli.cli.commands.auth import find_identity
from kling_cli.cli.diagnosis.check import Check, fail, ok, warn
from kling_cli.errors import CredentialsError, UnreachableError

if TYPE_CHECKING:
    from kling_cli.api import HealthReport
    from kling_cli.clock import Clock
    from kling_cli.settings import Settings

_OTHER_NAMES = ("KLINGAI_API_KEY", "KLINGAI_ACCESS_KEY", "KLINGAI_SECRET_KEY")
_SKEW_S = 30.0  # above it, displayed times are misleading
_SIGNED_SKEW_S = 240.0  # signed callbacks are refused at 300. Source: API reference 4.5


def account_checks(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield the checks of credentials, host and proxy."""
    yield check_credentials(settings, environ)
    yield check_base(settings)
    yield from check_proxy(settings)


def check_credentials(settings: Settings, environ: Mapping[str, str]) -> Check:
    """Check which credentials are used; they are shown masked."""
    from kling_cli.api import missing_credentials_error

    who = find_identity(settings)
    if who is not None:
        return ok("credentials", f"{who.label} {who.masked} from {who.origin}")
    if settings.is_sandbox:
        return ok("credentials", "none, and none needed: KLING_SANDBOX is on")
    return fail(
        "credentials",
        missing_credentials_error(settings),
        remedy=_other_variable_hint(environ),
    )


def _other_variable_hint(environ: Mapping[str, str]) -> str | None:
    """Return the remedy for a key in a variable that other clients read."""
    name = next((name for name in _OTHER_NAMES if environ.get(name)), None)
    if name is None:
        return None
    ours = name.replace("KLINGAI", "KLING")
    return f"{name} is set, but kling reads {ours}: set that"


def check_base(settings: Settings) -> Check:
    """Check the API's base URL: whose host it is, and that it is encrypted."""
    base, origin = settings.api_base, settings.origins["api_base"]
    region = f"region {settings.region}, " if settings.is_official_base else ""
    if base.startswith("http://") and not settings.is_loopback_base:
        return warn(
            "API base",
            f"{base} ({region}{origin}): the key travels unencrypted",
            "use https:// in KLING_API_BASE",
        )
    return ok("API base", f"{base} ({region}{origin})")


def check_proxy(settings: Settings) -> Iterator[Check]:
    """Check the proxy that leads to the API; None where the environment names none."""
    from kling_cli.settings import Proxies

    proxies = Proxies.from_environment()
    proxy = proxies.named(settings.api_base)
    if proxies.skipped:
        entries = ", ".join(proxies.skipped)
        yield warn(
            "proxy",
            f"NO_PROXY has what is neither a host nor a range, skipped: {entries}",
            "write names, addresses and ranges: localhost,10.0.0.0/8,fd00::/8",
        )
    elif proxy is not None:
        yield ok("proxy", f"the API is reached through {proxy}")


async def check_host(settings: Settings, clock: Clock) -> list[Check]:
    """Check by one request whether the host is reachable and takes the credentials."""
    from kling_cli.api import (
        check_credentials,
        check_reachable,
        credentials_from_settings,
    )

    try:
        credentials = credentials_from_settings(settings)
    except CredentialsError:
        verdict = await check_reachable(settings.api_base, clock)
        return list(_host_checks(verdict, settings, is_signed=False))
    verdict = await check_credentials(settings.api_base, credentials, clock)
    return list(_host_checks(verdict, settings, is_signed=True))


def _host_checks(
    verdict: HealthReport, settings: Settings, *, is_signed: bool
) -> Iterator[Check]:
    from kling_cli.api import HealthStatus

    if verdict.status is HealthStatus.UNREACHABLE:
        yield fail("network", verdict.error or UnreachableError("no answer"))
        return
    yield ok("network", f"the API answered in {verdict.elapsed_s:.1f} s")
    if is_signed:
        yield check_login(verdict)
    if verdict.clock_offset_s is not None:
        yield check_clock(
            verdict.clock_offset_s, is_strict=bool(settings.webhook_secrets)
        )


def check_login(verdict: HealthReport) -> Check:
    """Check whether the API accepts the credentials and the account's standing."""
    from kling_cli.api import HealthStatus

    if verdict.error is None:
        return ok("login", "the API accepts the credentials")
    if verdict.status is HealthStatus.ACCEPTED:
        return fail("account", verdict.error)
    return fail("login", verdict.error)


def check_clock(ahead_s: float, *, is_strict: bool) -> Check:
    """Check this machine's clock; `is_strict` where callbacks are signed."""
    if abs(ahead_s) <= _SKEW_S:
        return ok("clock", "agrees with the API's")
    side = "behind" if ahead_s > 0 else "ahead of"
    what = "kling makes up for it when it signs requests"
    if is_strict and abs(ahead_s) >= _SIGNED_SKEW_S:
        what = "signed callbacks are refused"
    return warn(
        "clock",
        f"this machine is {abs(ahead_s):.0f} s {side} the API; {what}",
        "set the clock, for example with `timedatectl set-ntp true`",
    )
