"""The ngrok thread: makes every call to pyngrok for one tunnel.

It lives as long as the tunnel: Linux ends the agent when the thread that started it
ends. A call that takes too long is ended by killing the agent process.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kling_cli.errors import TunnelError
from kling_cli.secret import Secret
from kling_cli.tunnels.agents import orphans
from kling_cli.tunnels.agents.process import SupervisedProcess
from kling_cli.tunnels.ngrok import agent, config, errors, pyngrok_client
from kling_cli.tunnels.provider import TunnelHandle

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig
    from pyngrok.log import NgrokLog
    from pyngrok.ngrok import NgrokTunnel

_RECHECK_S = 1.0
_DOWN = (
    "session closed, starting reconnect loop",
    "heartbeat timeout, terminating session",
    "failed to reconnect session",
)
_BACK = "client session established"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRequest:
    """What tunnel is wanted: to which local port, with which agent and token."""

    port: int
    state_dir: Path
    ngrok_path: str | None
    authtoken: Secret | None
    timeout_s: float


class NgrokThread:
    """Opens one tunnel, monitors it and closes it; made in the event loop.

    What becomes of the tunnel is reported to `handle`, in the loop. `ended` is set once
    everything has been cleared away.
    """

    def __init__(self, request: TunnelRequest, handle: TunnelHandle) -> None:
        self.ended = asyncio.Event()
        self._request = request
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._commands: queue.SimpleQueue[Literal["check", "stop"]] = (
            queue.SimpleQueue()
        )
        self._is_stopped = threading.Event()
        self._supervised: SupervisedProcess | None = None
        self._secrets: list[str] = []
        self._has_session = True
        self._outages = 0
        self._is_open = False
        self._last_error = ""
        self._thread = threading.Thread(
            target=self._run, name="kling-ngrok", daemon=True
        )

    @property
    def last_error(self) -> str:
        """The last error the agent logged, without secrets; empty when it had none."""
        return errors.clean(self._last_error, self._secrets)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask for an orderly end; returns at once."""
        self._is_stopped.set()
        self._commands.put("stop")

    def kill(self) -> None:
        """Kill the agent now, whatever the thread is doing; returns at once."""
        self.stop()
        if self._supervised is not None:
            self._supervised.kill()

    def _report(self, method: Callable[..., None], *arguments: object) -> None:
        """Call `method` in the event loop, while there is one."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(method, *arguments)

    def _run(self) -> None:
        try:
            self._work()
        except OSError as exc:
            error = TunnelError(
                f"ngrok could not be started: {exc}",
                hint="set KLING_STATE_DIR to a folder on a local disk",
            )
            self._report(self._handle.report_failed, error)
        except Exception as exc:  # noqa: BLE001 -- raised again where it is awaited
            self._report(self._handle.report_failed, exc)
        finally:
            self._report(self.ended.set)

    def _work(self) -> None:
        orphans.end_orphans(self._request.state_dir)
        program = agent.find_agent(self._request.ngrok_path)
        agent.require_version(program)
        with self._prepared(program) as settings:
            tunnel = self._connect(settings)
            self._is_open = True
            self._report(self._handle.report_up, str(tunnel.public_url).rstrip("/"))
            self._monitor(tunnel)
            # or the next run might find its URL taken
            pyngrok_client.request(tunnel, "DELETE")

    @contextmanager
    def _prepared(self, program: Path) -> Iterator[PyngrokConfig]:
        """Write what the agent needs, and leave nothing of it afterwards."""
        user = config.read_user_config()
        given = self._request.authtoken
        token = given.reveal() if given is not None else user.authtoken
        self._secrets = [token] if token else []
        self._supervised = supervised = SupervisedProcess(
            self._request.state_dir,
            agent=program,
            environ={"NGROK_AUTHTOKEN": token} if token else {},
            on_end=self._died,
        )
        if self._is_stopped.is_set():
            supervised.kill()
        try:
            path = config.write_config(supervised.folder, user.connection)
            settings = pyngrok_client.settings(
                supervised.program, path, self._request.timeout_s, self._handle_log_line
            )
            yield settings
            self._is_open = False
            pyngrok_client.kill(settings)
        finally:
            self._is_open = False
            supervised.close()

    def _connect(self, settings: PyngrokConfig) -> NgrokTunnel:
        try:
            return pyngrok_client.connect(self._request.port, settings)
        except pyngrok_client.ConnectError as exc:
            pyngrok_client.kill(settings)
            error = self._explain(exc.reason)
        raise error

    def _explain(self, reason: str) -> TunnelError:
        reason = reason or self._last_error
        refusal = errors.read_refusal(reason, self._secrets)
        if refusal is not None:
            return refusal
        why = (
            errors.clean(reason, self._secrets) or "the agent ended and gave no reason"
        )
        return TunnelError(
            f"ngrok opened no tunnel: {why}", hint="do without one: --callback off"
        )

    def _handle_log_line(self, line: NgrokLog) -> None:
        """Handle a line of the agent's log; must not raise, or the tunnel stalls."""
        if line.err and line.err != "nil":
            self._last_error = line.err
        change = session_change(line.msg)
        if change is None or not self._is_open:
            return
        self._has_session = change == "back"
        if change == "back":
            self._commands.put("check")
        else:
            self._outages += 1
            self._report(self._handle.report_down, self.last_error or str(line.msg))

    def _died(self) -> None:
        if self._is_open:
            self._report(
                self._handle.report_died, self.last_error or "the ngrok agent ended"
            )

    def _monitor(self, tunnel: NgrokTunnel) -> None:
        """Wait for the command to stop; after an outage, ask for the URL again."""
        is_certain = True
        while True:
            try:
                command = self._commands.get(timeout=None if is_certain else _RECHECK_S)
            except queue.Empty:
                command = "check"
            if command == "stop":
                return
            is_certain = not self._has_session or self._check(tunnel)

    def _check(self, tunnel: NgrokTunnel) -> bool:
        """Report the URL of the tunnel; False when it is not certain.

        The agent lists the old URL all through an outage, so an answer counts only if
        there was none meanwhile.
        """
        outages = self._outages
        answer = pyngrok_client.request(tunnel, "GET")
        url = answer.get("url") or answer.get("public_url")
        if not isinstance(url, str) or outages != self._outages:
            return False
        self._report(self._handle.report_up, url.rstrip("/"))
        return True


def session_change(message: str | None) -> Literal["down", "back"] | None:
    """Return what a message of the agent's log means for the tunnel, if anything.

    The agent's own list of endpoints shows the old URL all through an outage; only its
    log tells. `back` means that it has its session again, not yet at which URL.
    Source: ngrok agent 3.39, log lines of an outage.
    """
    if message is None:
        return None
    if message.startswith(_BACK):
        return "back"
    return "down" if message.startswith(_DOWN) else None
