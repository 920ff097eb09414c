"""Offering to download the ngrok agent: a person is asked, a script never."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import typer

from kling_cli.cli.report.choose import is_terminal

if TYPE_CHECKING:
    from kling_cli.jobs.options import RunOptions
    from kling_cli.settings import Settings


def offer_agent(settings: Settings, options: RunOptions) -> None:
    """Ask whether to download ngrok, where a tunnel is meant and there is no agent.

    Says nothing without a terminal: the run then goes on and gives the hint.
    """
    if not (is_tunnel_meant(settings, options) and _is_person_there()):
        return
    from kling_cli.errors import TunnelError
    from kling_cli.tunnels.ngrok.agent import find_agent, install_agent

    try:
        find_agent(settings.ngrok_path)
    except TunnelError as exc:
        if settings.ngrok_path is not None:
            return  # a wrong path is said by the run
        typer.echo(exc.message, err=True)
        question = "Download it from ngrok.com now (about 10 MB)?"
        if typer.confirm(question, default=False, err=True):
            with contextlib.suppress(TunnelError):  # the run says it, and polls
                install_agent(lambda line: typer.echo(line, err=True))


def is_tunnel_meant(settings: Settings, options: RunOptions) -> bool:
    """Return whether the person has shown that they want callbacks by ngrok."""
    if options.callback == "off" or options.callback_url or not options.is_waiting:
        return False
    if options.tunnel == "ngrok":
        return True
    is_auto = options.tunnel == "auto" and not settings.is_loopback_base
    has_shown = options.callback == "require" or settings.ngrok_authtoken is not None
    return is_auto and not settings.is_sandbox and has_shown


def _is_person_there() -> bool:
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)
