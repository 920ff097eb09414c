"""The thread that owns every call to pyngrok for one tunnel.

It lives as long as the tunnel: Linux ends the agent when the thread that started it
ends. Whoever is impatient with it cuts the leash, which ends the call it waits in.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from kling_cli.errors import TunnelError
from kling_cli.secret import Secret
from kling_cli.tunnels import orphans as reaper
from kling_cli.tunnels.ngrok import agent, config, watch
from kling_cli.tunnels.ngrok import errors as messages
from kling_cli.tunnels.ngrok import pyngrok_client as library
from kling_cli.tunnels.process_supervisor import Leash
from kling_cli.tunnels.provider import TunnelTakenError

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig
    from pyngrok.log import NgrokLog
    from pyngrok.ngrok import NgrokTunnel

_RECHECK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What tunnel is wanted: to which local port, with which agent and token."""

    port: int
    state_dir: Path
    ngrok_path: str | None
    authtoken: Secret | None
    timeout_s: float


class Audience(Protocol):
    """Who is told how the work goes; called in whatever thread has the news."""

    def opened(self, public_url: str) -> None:
        """The tunnel is open."""

    def failed(self, error: Exception) -> None:
        """It could not be opened."""

    def changed(self, state: Literal["up", "down", "died"], text: str) -> None:
        """It is up at the URL `text`, or down or dead for the reason `text`."""

    def ended(self) -> None:
        """The work is over and everything has been cleared away; always last."""


class Worker:
    """Opens one tunnel, tends it and closes it."""

    def __init__(self, order: Order, audience: Audience) -> None:
        self._order = order
        self._audience = audience
        self._wishes: queue.SimpleQueue[Literal["check", "stop"]] = queue.SimpleQueue()
        self._is_stopped = threading.Event()
        self._leash: Leash | None = None
        self._secrets: list[str] = []
        self._has_session = True
        self._outages = 0
        self._is_open = False
        self._last_error = ""
        self._thread = threading.Thread(
            target=self._run, name="kling-ngrok", daemon=True
        )

    @property
    def last_words(self) -> str:
        """The last complaint of the agent, fit to be shown; empty when it had none."""
        return messages.clean(self._last_error, self._secrets)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Wish for an orderly end; returns at once."""
        self._is_stopped.set()
        self._wishes.put("stop")

    def cut(self) -> None:
        """End the agent this moment, whatever the thread is doing; returns at once."""
        self.stop()
        if self._leash is not None:
            self._leash.cut()

    def _run(self) -> None:
        try:
            self._work()
        except OSError as exc:
            error = TunnelError(
                f"ngrok could not be started: {exc}",
                hint="set KLING_STATE_DIR to a folder on a local disk",
            )
            self._audience.failed(error)
        except Exception as exc:  # noqa: BLE001 -- raised again where it is awaited
            self._audience.failed(exc)
        finally:
            self._audience.ended()

    def _work(self) -> None:
        reaper.reap(self._order.state_dir)
        program = agent.find_agent(self._order.ngrok_path)
        agent.require_version(program)
        with self._leashed(program) as settings:
            tunnel = self._connect(settings)
            self._is_open = True
            self._audience.opened(str(tunnel.public_url).rstrip("/"))
            self._tend(tunnel)
            # or the next run might find its URL taken
            library.ask(tunnel, "DELETE")

    @contextmanager
    def _leashed(self, program: Path) -> Iterator[PyngrokConfig]:
        """Have everything ready for the agent, and nothing left of it afterwards."""
        persons = config.read_persons_config()
        given = self._order.authtoken
        token = given.reveal() if given is not None else persons.authtoken
        self._secrets = [token] if token else []
        self._leash = leash = Leash(
            self._order.state_dir,
            agent=program,
            environ={"NGROK_AUTHTOKEN": token} if token else {},
            on_end=self._died,
        )
        if self._is_stopped.is_set():
            leash.cut()
        try:
            path = config.write_config(leash.folder, persons.ways_out)
            settings = library.settings(
                leash.program, path, self._order.timeout_s, self._hear
            )
            yield settings
            self._is_open = False
            library.kill(settings)
        finally:
            self._is_open = False
            leash.close()

    def _connect(self, settings: PyngrokConfig) -> NgrokTunnel:
        try:
            return library.connect(self._order.port, settings)
        except library.FailedError as exc:
            library.kill(settings)
            error = self._explain(exc.said)
        raise error

    def _explain(self, said: str) -> TunnelError:
        said = said or self._last_error
        refusal = messages.read_refusal(said, self._secrets)
        if refusal is not None:
            kind = TunnelTakenError if refusal.is_taken else TunnelError
            return kind(refusal.message, hint=refusal.hint)
        why = messages.clean(said, self._secrets) or "the agent ended without a word"
        return TunnelError(
            f"ngrok opened no tunnel: {why}", hint="do without one: --callback off"
        )

    def _hear(self, line: NgrokLog) -> None:
        """Take in a line of the agent's log; must not raise, or the tunnel stalls."""
        if line.err and line.err != "nil":
            self._last_error = line.err
        news = watch.heard(line.msg)
        if news is None or not self._is_open:
            return
        self._has_session = news == "back"
        if news == "back":
            self._wishes.put("check")
        else:
            self._outages += 1
            self._audience.changed("down", self.last_words or str(line.msg))

    def _died(self) -> None:
        if self._is_open:
            self._audience.changed("died", self.last_words or "the ngrok agent ended")

    def _tend(self, tunnel: NgrokTunnel) -> None:
        """Wait for the wish to stop; after an outage, see where the tunnel is now."""
        is_sure = True
        while True:
            try:
                wish = self._wishes.get(timeout=None if is_sure else _RECHECK_S)
            except queue.Empty:
                wish = "check"
            if wish == "stop":
                return
            is_sure = not self._has_session or self._check(tunnel)

    def _check(self, tunnel: NgrokTunnel) -> bool:
        """Tell at which URL the tunnel is; False when that is not certain.

        The agent lists the old URL all through an outage, so an answer counts only if
        there was none meanwhile.
        """
        outages = self._outages
        answer = library.ask(tunnel, "GET")
        url = answer.get("url") or answer.get("public_url")
        if not isinstance(url, str) or outages != self._outages:
            return False
        self._audience.changed("up", url.rstrip("/"))
        return True
