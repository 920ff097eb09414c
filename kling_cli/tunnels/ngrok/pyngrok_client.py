"""The calls to pyngrok: settings, connect, request, kill, and reading the agent's log.

Only its `connect`, `api_request` and `kill` are used: its other calls start another
agent, or download one, when they find none.
"""

from __future__ import annotations

import logging
import threading
import traceback
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kling_cli.tunnels.ngrok import errors

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig
    from pyngrok.log import NgrokLog
    from pyngrok.ngrok import NgrokTunnel
    from pyngrok.process import NgrokProcess

_NAME = "kling"  # without a name, pyngrok may merge an entry of a file
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REQUEST_S = 1.0  # the agent's web service is on this machine


class ConnectError(Exception):
    """pyngrok opened no tunnel; `reason` is ngrok's own, secrets included."""

    def __init__(self, reason: str) -> None:
        super().__init__("pyngrok failed")
        self.reason = reason


def settings(
    program: Path,
    config_path: Path,
    timeout_s: float,
    on_log_line: Callable[[NgrokLog], None],
) -> PyngrokConfig:
    """Return how pyngrok is to start `program`.

    `on_log_line` is called with each line of its log. `timeout_s` is when pyngrok would
    give up if lines kept coming; it waits for ever for a silent agent.
    """
    from pyngrok.conf import PyngrokConfig

    made = PyngrokConfig(
        ngrok_path=str(program),
        config_path=str(config_path),
        startup_timeout=int(timeout_s) + 1,
        request_timeout=timeout_s,
        start_new_session=True,  # Ctrl-C is ours to deal with
        log_event_callback=on_log_line,
        monitor_thread=False,  # ours reads on
    )
    made.auth_token = None  # it would go onto the command line
    return made


def connect(port: int, settings: PyngrokConfig) -> NgrokTunnel:
    """Start the agent and have it forward a public URL to 127.0.0.1:`port`.

    Raises: `ConnectError`, without pyngrok's exception: that may hold the token.
    """
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    _mute(logging.getLogger("pyngrok"))
    bypass_proxies_for_loopback()
    # A bare port would become `localhost`, which may be ::1; inspection would keep
    # every request, secret path included, for everybody on this machine to read.
    address = f"http://127.0.0.1:{port}"
    try:
        tunnel = ngrok.connect(
            address, name=_NAME, pyngrok_config=settings, inspect=False
        )
        _read_log_in_thread(settings)
    except (PyngrokError, OSError, HTTPException, ValueError) as exc:
        reason = _reason(exc)
        read_rest_of_log(exc)
    else:
        return tunnel
    raise ConnectError(reason)


def request(tunnel: NgrokTunnel, method: str) -> dict[str, Any]:
    """Ask the running agent about its endpoint; an empty answer when it gives none."""
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    with suppress(PyngrokError, OSError, HTTPException, ValueError):
        return ngrok.api_request(
            f"{tunnel.api_url}{tunnel.uri}", method=method, timeout=_REQUEST_S
        )
    return {}


def kill(settings: PyngrokConfig) -> None:
    """End the agent and have pyngrok forget it."""
    from pyngrok import ngrok

    ngrok.kill(settings)


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return "what it logs is no UTF-8"
    body = errors.reason_of(getattr(exc, "body", ""))
    return str(getattr(exc, "ngrok_error", None) or body)


def _mute(logger: logging.Logger) -> None:
    """Keep pyngrok's log, tokens and all, from our stderr and from anybody's file."""
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False


def _read_log_in_thread(settings: PyngrokConfig) -> None:
    """Read the log of the running agent, in a thread of its own, until it ends.

    pyngrok's own reader ends at the first byte that is no UTF-8, after which the pipe
    fills and the agent stands still.

    Raises: `PyngrokError` when the agent has ended already.
    """
    from pyngrok.process import get_process

    process = get_process(settings)
    threading.Thread(
        target=_read_log, args=(process,), name="kling-ngrok-log", daemon=True
    ).start()


def read_rest_of_log(failure: BaseException) -> None:
    """Read what an agent logged that ended while `failure` was raised.

    pyngrok stops reading as soon as the process has ended, with the reason still in
    the pipe. The process is known to the frames of the exception only.
    """
    from pyngrok.process import NgrokProcess

    for frame, _ in traceback.walk_tb(failure.__traceback__):
        for each in list(frame.f_locals.values()):
            if isinstance(each, NgrokProcess) and each.proc.poll() is not None:
                _read_log(each)
                return


def log_lines(stream: IO[str]) -> Iterator[str]:
    """Yield line after line until the end; what cannot be read is left out."""
    while True:
        try:
            line = stream.readline()
        except UnicodeDecodeError:
            continue
        except ValueError:  # somebody has closed it
            return
        if not line:
            return
        yield line


def _read_log(process: NgrokProcess) -> None:
    from pyngrok.log import NgrokLog

    on_line = process.pyngrok_config.log_event_callback
    if process.proc.stdout is None or on_line is None:
        return
    for line in log_lines(process.proc.stdout):
        on_line(NgrokLog(line))


class _ProxyHandler(urllib.request.ProxyHandler):
    """The proxies of the environment, except for this machine."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:  # noqa: A002 -- urllib's name
        host = urllib.parse.urlsplit(f"//{req.host}").hostname
        return None if host in _LOOPBACK else super().proxy_open(req, proxy, type)


def bypass_proxies_for_loopback() -> None:
    """Have every later `urlopen` of this process reach loopback without a proxy.

    pyngrok asks the agent through urllib; a proxy would look for the agent on its own
    machine, and the tunnel never come up.
    """
    if urllib.request.getproxies():
        opener = urllib.request.build_opener(_ProxyHandler())
        urllib.request.install_opener(opener)
