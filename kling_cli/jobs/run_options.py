"""How a job is to be run: its settings, and what follows from them for one job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kling_cli.jobs.job import RunOptions
from kling_cli.settings import SANDBOX_FOLDER, Settings, read_settings


def load_settings(environ: Mapping[str, str], options: Mapping[str, Any]) -> Settings:
    """Return the settings of this process with the options given on top.

    With a sandbox, the state folder is one inside the usual one: what is simulated
    never stands among paid jobs.

    Raises:
        UsageError: an option or what every job goes by is nonsense.
    """
    settings = read_settings(environ, options)
    if settings.is_typed("tunnel"):
        from kling_cli import tunnels  # loads asyncio

        tunnels.require_choice(settings)
    if settings.is_sandbox:
        settings = replace(settings, state_dir=settings.state_dir / SANDBOX_FOLDER)
    return settings


def with_defaults(options: RunOptions, settings: Settings) -> RunOptions:
    """Return the options with what the settings say of timeout, callback and tunnel.

    Raises:
        UsageError: a default that this job goes by is nonsense.
    """
    callback, tunnel = _callback_path(options, settings)
    if options.is_waiting:
        settings.require("timeout")
        if options.is_downloading:
            settings.require("output_dir")
    return replace(
        options, callback=callback, tunnel=tunnel, timeout_s=settings.timeout_s
    )


def _callback_path(options: RunOptions, settings: Settings) -> tuple[str, str]:
    """Return `--callback` and `--tunnel`; a default gives way to what was given."""
    from kling_cli import tunnels

    is_waiting, has_url = options.is_waiting, bool(options.callback_url)
    is_default = not settings.is_typed("tunnel")
    needs_none = settings.is_sandbox and is_default  # it is on this machine
    if is_waiting:
        settings.require("callback")
    callback, tunnel = settings.callback, settings.tunnel
    if is_waiting and callback != "off" and not (has_url or needs_none):
        tunnels.require_choice(settings)
    elif needs_none or not tunnels.is_known(tunnel):
        tunnel = tunnels.AUTO
    is_without = not is_waiting or (tunnel == "none" and not is_default)
    if callback == "require" and not settings.is_typed("callback") and is_without:
        callback = "auto"
    return callback, tunnel
