"""The checks of `kling doctor`: program, storage, account and tunnel providers."""

from __future__ import annotations

import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kling_cli import __version__
from kling_cli.cli.commands.auth import find_identity
from kling_cli.errors import CredentialsError, KlingError, UnreachableError, UsageError
from kling_cli.settings import has_foreign_characters
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.api import HealthReport
    from kling_cli.clock import Clock
    from kling_cli.settings import Settings
    from kling_cli.tunnels import ProviderFactory

_PROGRAM = "kling"
_HEAD_BYTES = 4096
_PACKAGE_MARKS = b"kling_cli"  # every installer's script imports it by this name
_OTHERS_MODE = stat.S_IRWXG | stat.S_IRWXO
_OTHER_NAMES = ("KLINGAI_API_KEY", "KLINGAI_ACCESS_KEY", "KLINGAI_SECRET_KEY")
_SKEW_S = 30.0  # above it, displayed times are misleading
_SIGNED_SKEW_S = 240.0  # signed callbacks are refused at 300. Source: API reference 4.5
_POLLING_HINT = "without a tunnel kling polls, which works too"


class Level(StrEnum):
    """The severity of a check; only `fail` keeps kling from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. A failure carries the error whose exit code `doctor` ends with."""

    name: str
    level: Level
    message: str
    remedy: str | None = None
    error: KlingError | None = None

    def document(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "name": self.name,
            "level": self.level.value,
            "message": self.message,
            "remedy": self.remedy,
        }


def ok(name: str, message: str) -> Check:
    """Return a check that passed."""
    return Check(name=name, level=Level.OK, message=message)


def warn(name: str, message: str, remedy: str) -> Check:
    """Return a check with a problem that kling can work with."""
    return Check(name=name, level=Level.WARN, message=message, remedy=remedy)


def fail(name: str, error: KlingError, *, remedy: str | None = None) -> Check:
    """Return a check with a problem that kling cannot work with."""
    return Check(
        name=name,
        level=Level.FAIL,
        message=error.message,
        remedy=remedy or error.hint,
        error=error,
    )


def program_checks(search_path: str) -> Iterator[Check]:
    """Yield which Python runs kling, and what a shell with `search_path` would run."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield ok("kling", f"{__version__} in {Path(__file__).parents[1]}")
    yield ok("python", f"{python} at {sys.executable}")
    yield check_path(find_programs(search_path))


def find_programs(search_path: str) -> list[Path]:
    """Return every program called kling on `search_path`, each file once, in order."""
    found: dict[Path, Path] = {}
    for folder in filter(None, search_path.split(os.pathsep)):
        path = Path(folder, _PROGRAM)
        if os.access(path, os.X_OK) and path.is_file():  # in a folder we may look into
            found.setdefault(path.resolve(), path)
    return list(found.values())


def check_path(found: list[Path]) -> Check:
    """Check which of the programs found a shell runs; other packages have one too."""
    if not found:
        return warn(
            "command",
            "there is no `kling` on PATH",
            f"put {Path(sys.executable).parent} on PATH, or use `python -m kling_cli`",
        )
    foreign = [path for path in found if not starts_this_package(path)]
    if found[0] in foreign:
        own_program = next((path for path in found if path not in foreign), None)
        folder = own_program.parent if own_program else Path(sys.executable).parent
        return warn(
            "command",
            f"`kling` is {found[0]}, another program of the same name",
            f"put {folder} before {found[0].parent} on PATH, or remove the other one",
        )
    message = f"`kling` is {found[0]}"
    others = found[1:]
    if others:
        message += f"; also on PATH: {', '.join(map(str, others))}"
    return ok("command", message)


def starts_this_package(program: Path) -> bool:
    """Return whether `program` starts this package."""
    try:
        with program.open("rb") as file:
            return _PACKAGE_MARKS in file.read(_HEAD_BYTES)
    except OSError:
        return False


def storage_checks(settings: Settings) -> Iterator[Check]:
    """Yield the checks of settings files, state folder, journal and secrets."""
    yield check_config(settings.config_dir)
    yield from check_login_file(settings)
    yield check_folder(settings.state_dir)
    yield check_journal(settings.state_dir)
    if settings.output_dir is not None:
        yield check_output(settings.output_dir)
    yield check_webhook(settings)


def check_config(config_dir: Path) -> Check:
    """Check whether there is a settings file; it has been parsed already if so."""
    path = config_dir / "config.toml"
    if not path.exists():
        return ok("config file", f"none (it would be {path})")
    if _has_secrets(path) and is_accessible_to_others(path):
        return warn(
            "config file",
            f"{path} holds secrets and others can read it",
            f"chmod 600 '{path}'",
        )
    return ok("config file", str(path))


def check_login_file(settings: Settings) -> Iterator[Check]:
    """Check whether others can read the stored login."""
    path = settings.config_dir / "credentials.toml"
    if path.exists() and is_accessible_to_others(path):
        yield warn("stored login", f"others can read {path}", f"chmod 600 '{path}'")


def check_folder(state_dir: Path) -> Check:
    """Check whether the state folder is writable, without creating it."""
    existing = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as exc:
        error = UsageError(
            f"{state_dir} cannot be written: {exc.strerror}",
            hint="make it writable, or name another folder with KLING_STATE_DIR",
        )
        return fail("state folder", error)
    is_there = existing == state_dir
    return ok("state folder", f"{state_dir}{'' if is_there else ' (not made yet)'}")


def check_journal(state_dir: Path) -> Check:
    """Check whether the journal is intact; nothing is changed."""
    from kling_cli.store import FILE_NAME, check_integrity

    try:
        damage = check_integrity(state_dir)
    except KlingError as exc:
        return fail("journal", exc)
    if damage is None:
        is_there = (state_dir / FILE_NAME).exists()
        return ok("journal", "sound" if is_there else "none yet")
    return warn(
        "journal",
        f"damaged: {damage}",
        "copy the state folder away; the next command sets the journal aside",
    )


def check_output(output_dir: Path) -> Check:
    """Check whether files can be saved in the configured output folder."""
    existing = next(path for path in (output_dir, *output_dir.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ok("output folder", str(output_dir))
    return warn(
        "output folder",
        f"{output_dir} cannot be written",
        "make it writable, or correct KLING_OUTPUT_DIR",
    )


def check_webhook(settings: Settings) -> Check:
    """Check whether callbacks are verified by signature too."""
    n_secrets = len(settings.webhook_secrets)
    if not n_secrets:
        return ok("webhook secret", "none: callbacks are known by their path")
    origin = settings.origins["webhook_secret"]
    if any(has_foreign_characters(each.reveal()) for each in settings.webhook_secrets):
        return warn(
            "webhook secret",
            f"{origin} has characters that are no base64; they are left out, as the "
            "standardwebhooks library does",
            "copy it again, without anything around it",
        )
    return ok("webhook secret", f"{n_secrets} from {origin}: signatures are checked")


def is_accessible_to_others(path: Path) -> bool:
    """Return whether another user of this machine may read or write `path`."""
    return bool(path.stat().st_mode & _OTHERS_MODE)


def _has_secrets(path: Path) -> bool:
    text = decode_text(path.read_bytes())  # it was read as one already
    return any(word in text for word in ("_key", "secret", "authtoken"))


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
