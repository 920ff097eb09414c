"""The part of pyngrok that is used, and how.

Only `connect`, `api_request` and `kill`: its other calls start another agent, or
download one, when they find none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kling_cli.tunnels.ngrok import direct, log
from kling_cli.tunnels.ngrok import errors as messages

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig
    from pyngrok.log import NgrokLog
    from pyngrok.ngrok import NgrokTunnel

_NAME = "kling"  # without a name, pyngrok may merge an entry of a file
_ASK_S = 1.0  # the agent's web service is on this machine


class FailedError(Exception):
    """pyngrok opened no tunnel; `said` is ngrok's own reason, secrets and all."""

    def __init__(self, said: str) -> None:
        super().__init__("pyngrok failed")
        self.said = said


def settings(
    program: Path,
    config_path: Path,
    timeout_s: float,
    hear: Callable[[NgrokLog], None],
) -> PyngrokConfig:
    """Return how pyngrok is to start `program`; `hear` is given each line of its log.

    `timeout_s` is when pyngrok would give up if lines kept coming; it waits for ever
    for a silent agent.
    """
    from pyngrok.conf import PyngrokConfig

    made = PyngrokConfig(
        ngrok_path=str(program),
        config_path=str(config_path),
        startup_timeout=int(timeout_s) + 1,
        request_timeout=timeout_s,
        start_new_session=True,  # Ctrl-C is ours to deal with
        log_event_callback=hear,
        monitor_thread=False,  # ours reads on
    )
    made.auth_token = None  # it would go onto the command line
    return made


def connect(port: int, settings: PyngrokConfig) -> NgrokTunnel:
    """Start the agent and have it forward a public URL to 127.0.0.1:`port`.

    Raises: `FailedError`, without pyngrok's exception: that may hold the token.
    """
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    _silence(logging.getLogger("pyngrok"))
    direct.go_direct_to_loopback()
    # A bare port would become `localhost`, which may be ::1; inspection would keep
    # every request, secret path included, for everybody on this machine to read.
    address = f"http://127.0.0.1:{port}"
    try:
        tunnel = ngrok.connect(
            address, name=_NAME, pyngrok_config=settings, inspect=False
        )
        log.read_on(settings)
    except (PyngrokError, OSError, HTTPException, ValueError) as exc:
        said = _reason(exc)
        log.hear_rest(exc)
    else:
        return tunnel
    raise FailedError(said)


def ask(tunnel: NgrokTunnel, method: str) -> dict[str, Any]:
    """Ask the running agent about its endpoint; an empty answer when it gives none."""
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    with suppress(PyngrokError, OSError, HTTPException, ValueError):
        return ngrok.api_request(
            f"{tunnel.api_url}{tunnel.uri}", method=method, timeout=_ASK_S
        )
    return {}


def kill(settings: PyngrokConfig) -> None:
    """End the agent and have pyngrok forget it."""
    from pyngrok import ngrok

    ngrok.kill(settings)


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return "what it logs is no UTF-8"
    body = messages.words_of(getattr(exc, "body", ""))
    return str(getattr(exc, "ngrok_error", None) or body)


def _silence(logger: logging.Logger) -> None:
    """Keep pyngrok's log, tokens and all, from our stderr and from anybody's file."""
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
