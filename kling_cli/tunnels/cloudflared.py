"""The cloudflared provider: Cloudflare's quick tunnels, which need no account.

Source: cloudflared 2026.3, cmd/cloudflared/tunnel and its log lines, read 2026-11-29.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.errors import TunnelError
from kling_cli.tunnels.agents import orphans, process
from kling_cli.tunnels.agents.process import SupervisedProcess
from kling_cli.tunnels.provider import (
    STARTUP_TIMEOUT_S,
    Description,
    NotSetUpError,
    Person,
    ReadinessCheck,
    Tunnel,
    TunnelHandle,
    one_line,
    startup_timeout_error,
)

if TYPE_CHECKING:
    from kling_cli.settings import Settings

_HOW_TO_GET: Final = (
    "get it from https://github.com/cloudflare/cloudflared/releases, or name it in "
    "config.toml: cloudflared.path"
)
_STOP_S: Final = 1.5  # for an orderly end; then the agent is killed
_REQUEST_S: Final = 2.0  # its metrics server is on this machine
_DNS_S: Final = 5.0  # an earlier look-up of a new name is remembered as missing
_DOMAIN: Final = ".trycloudflare.com"
_SETTINGS_OF_OTHERS: Final = re.compile(r"TUNNEL_|NGROK_AUTHTOKEN$")
_SETTINGS_OF_THE_NETWORK: Final = frozenset(
    {"TUNNEL_TRANSPORT_PROTOCOL", "TUNNEL_EDGE_IP_VERSION"}
    | {"TUNNEL_EDGE_BIND_ADDRESS", "TUNNEL_REGION"}
)

_METRICS: Final = re.compile(r"Starting metrics server on ([\d.]+:\d+)")
_UP: Final = re.compile(r"\bRegistered tunnel connection\b.*?connIndex=(\d+)")
_DOWN: Final = re.compile(
    r"(?:Unregistered tunnel connection|Connection terminated|Lost connection"
    r"|Serve tunnel error|Failed to serve tunnel|Retrying connection)"
    r".*?connIndex=(\d+)"
)
_ERROR: Final = re.compile(r"(?:^|\s)(?:ERR|FTL)\s+(.*)|^(failed to .*)")
_RATE_LIMIT: Final = re.compile(r"429 Too Many Requests|error code: 1015")


class CloudflaredProvider:
    """Opens quick tunnels with the cloudflared program `agent_path`, or that of PATH.

    An agent left by a killed run is ended first. The person's own configuration of
    cloudflared is not read: with one, it opens no quick tunnels.
    """

    name = "cloudflared"

    def __init__(self, state_dir: Path, *, agent_path: str | None = None) -> None:
        self._state_dir = state_dir
        self._agent_path = agent_path

    @asynccontextmanager
    async def open(
        self, port: int, *, timeout_s: float = STARTUP_TIMEOUT_S
    ) -> AsyncIterator[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        A new name takes five seconds more, until it can be looked up everywhere.

        Raises: `TunnelError`.
        """
        agent = find_agent(self._agent_path)
        await anyio.to_thread.run_sync(orphans.end_orphans, self._state_dir)
        try:
            run = _Run(self._state_dir, agent)
        except OSError as exc:
            raise TunnelError(
                f"cloudflared could not be started: {exc}",
                hint="set KLING_STATE_DIR to a folder on a local disk",
            ) from exc
        try:
            with anyio.move_on_after(timeout_s):
                await run.start(port)
                await run.handle.wait_open()
            if not run.handle.is_open:
                raise startup_timeout_error("cloudflared", timeout_s, run.last_error)
            if run.handle.public_url.endswith(_DOMAIN):
                await anyio.sleep(_DNS_S)
            yield run.handle
        finally:
            with anyio.CancelScope(shield=True):
                await run.close()


class CloudflaredFactory:
    """Describes cloudflared, looks for it, and makes the provider."""

    name: Final = "cloudflared"
    is_public_service: Final = False
    description: Final = Description(
        account="none",
        agent="cloudflared",
        url="new in each run",
        limits="200 requests at a time; no promise of being there",
        sees="Cloudflare",
        added_headers=("cf-", "cdn-loop"),
    )

    def checks(self, settings: Settings, search_path: str) -> Iterator[ReadinessCheck]:
        try:
            agent = find_agent(settings.cloudflared_path, search_path)
            version = process.read_version(agent, "cloudflared", hint=_HOW_TO_GET)
        except TunnelError as exc:
            yield ReadinessCheck.failed(self.name, exc)
            return
        told = ".".join(map(str, version))
        yield ReadinessCheck(
            name=self.name, is_ok=True, message=f"{agent}, version {told}"
        )

    def require_ready(self, settings: Settings, _address: str | None) -> None:
        find_agent(settings.cloudflared_path)

    def prepare(self, settings: Settings, address: str | None, person: Person) -> None:
        """Nothing is asked: a program of this size is the person's to install."""

    def create(self, settings: Settings, _address: str | None) -> CloudflaredProvider:
        return CloudflaredProvider(
            settings.state_dir, agent_path=settings.cloudflared_path
        )


FACTORY: Final = CloudflaredFactory()


def find_agent(agent_path: str | None, search_path: str | None = None) -> Path:
    """Return the cloudflared program: `agent_path`, or the one in `search_path`.

    Raises: `NotSetUpError` when there is none, `TunnelError` when the path is wrong.
    """
    if agent_path is not None:
        path = Path(agent_path).expanduser().absolute()
        if process.is_program(path):
            return path
        raise TunnelError(
            f"config.toml: cloudflared.path names {path}, which is not a program",
            hint="correct it, or leave it out to have cloudflared looked for",
        )
    found = shutil.which("cloudflared", path=search_path)
    if found is None:
        raise NotSetUpError("cloudflared is not installed", hint=_HOW_TO_GET)
    return Path(found).absolute()


class _Run:
    """One agent process from its start to its end; its log reports to the handle."""

    def __init__(self, state_dir: Path, agent: Path) -> None:
        self.handle = TunnelHandle("cloudflared")
        self.last_error = ""
        self._connections: set[str] = set()
        self._metrics = ""
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._supervised = SupervisedProcess(
            state_dir,
            agent=agent,
            environ={},
            without=_variables_to_drop(),
            is_stderr_read=True,
        )

    async def start(self, port: int) -> None:
        """Start the agent for a quick tunnel to `port`; its log says when it is up."""
        config = self._supervised.folder / "config.yml"
        config.write_text("{}\n")
        self._process = await asyncio.create_subprocess_exec(
            self._supervised.program,
            *("tunnel", "--no-autoupdate", "--config", str(config)),
            *("--url", f"http://127.0.0.1:{port}", "--metrics", "127.0.0.1:0"),
            *("--grace-period", "1s"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to deal with
        )
        self._reading = asyncio.create_task(self._read_log(self._process))

    async def close(self) -> None:
        """End the agent, in order if the tunnel was open."""
        is_orderly = self.handle.is_open
        self.handle.close()
        if self._process is not None:
            if is_orderly and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGTERM)
                with anyio.move_on_after(_STOP_S):
                    await self._process.wait()
            self._supervised.kill()
            await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await anyio.to_thread.run_sync(self._supervised.close)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        """Read the log to its end; must not stop before, or the agent stands still."""
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line longer than the buffer
                continue
            if not raw:
                break
            await self._handle_line(raw.decode("utf-8", "replace"))
        code = await process.wait()
        reason = self.last_error or f"cloudflared ended with exit code {code}"
        self.handle.report_died(reason)
        self.handle.report_failed(_refusal(reason))

    async def _handle_line(self, line: str) -> None:
        if found := _METRICS.search(line):
            self._metrics = found[1]
        if found := _ERROR.search(line):
            self.last_error = self.last_error or one_line(found[1] or found[2])
        if found := _UP.search(line):
            self._connections.add(found[1])
            await self._report_up()
        elif found := _DOWN.search(line):
            self._connections.discard(found[1])
            if self.handle.is_open and not self._connections:
                self.handle.report_down(one_line(line.partition(" ")[2]))

    async def _report_up(self) -> None:
        url = self.handle.public_url or await self._ask_url()
        if url:
            self.last_error = ""
            self.handle.report_up(url)

    async def _ask_url(self) -> str:
        """Return the URL that the agent's metrics server names; empty without one."""
        address = f"http://{self._metrics}/quicktunnel"
        with suppress(OSError, ValueError, KeyError, TypeError):
            host = str(await anyio.to_thread.run_sync(_quick_tunnel_host, address))
            url = host if "://" in host else f"https://{host}"
            return url.rstrip("/") if host else ""
        return ""


def _quick_tunnel_host(address: str) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=_REQUEST_S) as answer:
        return str(json.load(answer)["hostname"])


def _variables_to_drop() -> tuple[str, ...]:
    """Return the variables of named tunnels, which would be taken for ours."""
    return tuple(
        name
        for name in os.environ
        if _SETTINGS_OF_OTHERS.match(name) and name not in _SETTINGS_OF_THE_NETWORK
    )


def _refusal(reason: str) -> TunnelError:
    if _RATE_LIMIT.search(reason):
        return TunnelError(
            "Cloudflare gives this address no more quick tunnels for now (429)",
            hint="try again in some minutes, or use another: `kling tunnel list`",
        )
    return TunnelError(
        f"cloudflared opened no tunnel: {reason}",
        hint="do without one: --callback off",
    )
