"""`kling doctor`: checks of the installation, with remedies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from kling_cli.cli.diagnosis import Check, Level, fail
from kling_cli.cli.options.shared import JsonOption, OfflineOption, RegionOption
from kling_cli.cli.output.terminal.streams import write_result
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import ExitCode, KlingError

if TYPE_CHECKING:
    from kling_cli.settings import Settings

SCHEMA = 1
_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
_WIDTH = 15


def doctor(
    *,
    is_offline: OfflineOption = False,
    region: RegionOption = None,
    is_json: JsonOption = False,
) -> int:
    """Check what is set up, and say what to do about what is not.

    The exit code is 0 when kling can work, otherwise that of the first failure.

    kling doctor
    """
    settings, settings_error = _settings({"region": region})
    checks = list(_offline_checks())
    if settings_error is not None:
        checks.append(fail("settings", settings_error))
    if settings is not None:
        checks += [fail("settings", each) for each in settings.problems.values()]
        checks += _settings_checks(settings, is_offline=is_offline)
    error = next((check.error for check in checks if check.error is not None), None)
    if is_json:
        _print_document(checks, settings, error)
    else:
        for line in _report_lines(checks, settings):
            write_result(line)
    return error.exit_code if error is not None else ExitCode.DONE


def _settings(
    options: Mapping[str, Any],
) -> tuple[Settings | None, KlingError | None]:
    from kling_cli.settings import read_settings

    try:
        return read_settings(os.environ, options), None
    except KlingError as exc:
        return None, exc


def _offline_checks() -> Iterator[Check]:
    from kling_cli.cli.diagnosis import program_checks

    return program_checks(os.environ.get("PATH", ""))


def _settings_checks(settings: Settings, *, is_offline: bool) -> list[Check]:
    import anyio

    from kling_cli.cli.diagnosis import (
        account_checks,
        check_host,
        storage_checks,
        tunnel_checks,
    )
    from kling_cli.clock import SystemClock
    from kling_cli.settings import ACCOUNT_SETTINGS

    checks = list(account_checks(settings, os.environ))
    has_address = settings.problems.keys().isdisjoint(ACCOUNT_SETTINGS)
    if has_address and not is_offline and not settings.is_sandbox:
        checks += anyio.run(check_host, settings, SystemClock())
    checks += tunnel_checks(settings, os.environ.get("PATH", ""))
    checks += storage_checks(settings)
    return checks


def _report_lines(checks: Sequence[Check], settings: Settings | None) -> Iterator[str]:
    from kling_cli.cli.output.terminal.capabilities import is_colored_on

    is_colored = is_colored_on(sys.stdout)
    for check in checks:
        word = f"{check.level.value:<5}"
        if is_colored:
            word = typer.style(word, fg=_COLORS[check.level], bold=True)
        yield f"{word} {check.name:<{_WIDTH}} {one_line(check.message)}"
        if check.remedy:
            yield f"{'':<5} {'':<{_WIDTH}} -> {one_line(check.remedy)}"
    if settings is not None:
        yield ""
        for name, (value, origin) in shown_settings(settings).items():
            yield f"{name:<{_WIDTH + 6}} {one_line(value)}  ({origin})"


_BOOLEAN_SETTINGS = {None: "auto", True: "on", False: "off"}


def shown_settings(settings: Settings) -> dict[str, tuple[str, str]]:
    """Return each setting's value, secrets masked, and where it came from."""
    timeout_s = settings.timeout_s
    values: dict[str, Any] = {
        "api_key": settings.api_key,
        "access_key": settings.access_key,
        "secret_key": settings.secret_key,
        "api_base": settings.api_base,
        "region": settings.region,
        "webhook_secret": ", ".join(map(str, settings.webhook_secrets)) or None,
        "state_dir": settings.state_dir,
        "config_dir": settings.config_dir,
        "output_dir": settings.output_dir,
        "timeout": "for ever" if timeout_s is None else f"{timeout_s:g} s",
        "tunnel": settings.tunnel,
        "callback": settings.callback,
        "sandbox": "on" if settings.is_sandbox else "off",
        "offer_tunnel": "on" if settings.is_tunnel_offered else "off",
        "cloudflared_path": settings.cloudflared_path,
        "ssh_server": settings.ssh_server,
        "preview": _BOOLEAN_SETTINGS[settings.is_previewing],
        "notify": _BOOLEAN_SETTINGS[settings.is_notifying],
        "ngrok_path": settings.ngrok_path,
        "ngrok_authtoken": settings.ngrok_authtoken,
    }
    return {
        name: (
            "-" if value is None else str(value),
            settings.origins.get(name, "unset"),
        )
        for name, value in values.items()
    }


def _print_document(
    checks: Sequence[Check], settings: Settings | None, error: KlingError | None
) -> None:
    from kling_cli.cli.output.json_document import error_object, print_document

    shown = shown_settings(settings) if settings is not None else {}
    document = {
        "schema": SCHEMA,
        "ok": error is None,
        "command": "doctor",
        "checks": [check.document() for check in checks],
        "settings": {
            name: {"value": None if value == "-" else value, "origin": origin}
            for name, (value, origin) in shown.items()
        },
        "error": None if error is None else error_object(error),
    }
    print_document(document)
