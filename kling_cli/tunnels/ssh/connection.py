"""The ssh connection of a tunnel, by asyncssh: host key, login, forward, reconnect.

Keys, agent, `known_hosts` and `config` are those that OpenSSH would use.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import anyio
import asyncssh

from kling_cli.errors import TunnelError
from kling_cli.tunnels.provider import Person, Tunnel, TunnelHandle, one_line
from kling_cli.tunnels.ssh.target import SSH_PORT, SshTarget, how_to_accept

RECONNECT_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
KEEPALIVE_MISSED: Final = 3  # then the connection is taken for broken
_CONNECT_S: Final = 15.0
_CLOSE_S: Final = 1.0
_NO_ADDRESS: Final = "127.255.255.254"  # nobody's; without one a name is tried as one
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] ")
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

logging.getLogger("asyncssh").setLevel(logging.CRITICAL + 1)  # errors are ours to say


class UnknownHostKeyError(TunnelError):
    """The server's key is in no `known_hosts`; `line` is what would stand there."""

    def __init__(self, target: SshTarget, host: str, key: asyncssh.SSHKey) -> None:
        self.fingerprint = key.get_fingerprint()
        self.kind = key.get_algorithm()
        self.line = f"{host} {key.export_public_key().decode().strip()}\n"
        super().__init__(
            f"the key of {host} is not known: {self.kind} {self.fingerprint}",
            hint=how_to_accept(target),
        )


class PermanentError(TunnelError):
    """The server refuses for a reason that does not pass by itself."""


@asynccontextmanager
async def open_tunnel(
    target: SshTarget, port: int, timeout_s: float
) -> AsyncIterator[Tunnel]:
    """Open a tunnel to 127.0.0.1:`port` and keep it open until the block ends.

    Raises: `UnknownHostKeyError`, `TunnelError` within `timeout_s`.
    """
    connection = _Connection(target, port)
    keeping: asyncio.Task[None] | None = None
    try:
        await connection.open(timeout_s)
        keeping = asyncio.create_task(connection.keep_open())
        yield connection.handle
    finally:
        with anyio.CancelScope(shield=True):
            connection.handle.close()
            if keeping is not None:
                keeping.cancel()
                await asyncio.wait([keeping])
            await connection.close()


def is_host_key_known(target: SshTarget) -> bool:
    """Return whether a key of the server stands in `known_hosts`; asks nobody.

    Raises: `TunnelError` when the person's files cannot be read.
    """
    with _failures_named(target):
        options = _options(target)
        host = options.host_key_alias or options.host or target.host
        return _has_key(_known_hosts_files(options), host, _NO_ADDRESS, options.port)
    raise AssertionError  # pragma: no cover -- the block returns or raises


def accept_host_key(target: SshTarget, person: Person) -> None:
    """Show an unknown key to `person`; write it down if they say that it is right."""
    try:
        if not is_host_key_known(target):
            anyio.run(_look_at_host_key, target)
    except UnknownHostKeyError as exc:
        person.tell(exc.message)
        if person.confirm("Is this the right key? It will be remembered"):
            _remember(target, exc.line, person)
    except TunnelError as exc:
        person.tell(exc.message)


async def _look_at_host_key(target: SshTarget) -> None:
    """Raises: `UnknownHostKeyError`, `TunnelError`."""
    connection = _Connection(target, 9)  # the key comes before any forward
    try:
        await connection.open(_CONNECT_S)
    finally:
        await connection.close()


def _remember(target: SshTarget, line: str, person: Person) -> None:
    path = _known_hosts_files(_options(target))[0]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+"
        ) as file:
            is_fresh = file.seek(0, os.SEEK_END) == 0
            if not is_fresh:
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode())
    except OSError as exc:
        person.tell(f"{path} cannot be written: {exc.strerror}")


class _Client(asyncssh.SSHClient):
    """Decides about host keys that `known_hosts` does not have: none is accepted."""

    def __init__(self, target: SshTarget, files: list[Path]) -> None:
        self._target = target
        self._files = files
        self.objection: TunnelError | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        named = host if port == SSH_PORT else f"[{host}]:{port}"
        if _has_key(self._files, host, addr, port):
            self.objection = PermanentError(
                f"the key of {named} is another one than before: "
                f"{key.get_algorithm()} {key.get_fingerprint()}",
                hint="somebody may be in between; if the server was set up anew, take "
                f"its old key out of {self._files[0]}",
            )
        else:
            self.objection = UnknownHostKeyError(self._target, named, key)
        return False


class _Connection:
    """One tunnel: the connection that it has now, and what becomes of it."""

    def __init__(self, target: SshTarget, port: int) -> None:
        self.handle = TunnelHandle(target.name)
        self._target = target
        self._port = port
        self._connection: asyncssh.SSHClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, timeout_s: float) -> None:
        """Connect, log in and have the port forwarded.

        Raises: `UnknownHostKeyError`, `PermanentError`, `TunnelError` in time.
        """
        try:
            with anyio.fail_after(timeout_s):
                self.handle.report_up(await self._connect())
        except TimeoutError:
            await self.close()
            raise TunnelError(
                f"{self._target.host} opened no tunnel within {timeout_s:g} s",
                hint="see whether this network lets ssh out, or use --callback off",
            ) from None

    async def keep_open(self) -> None:
        """Connect again whenever the connection has ended; ends with the tunnel."""
        while self._connection is not None:
            await self._connection.wait_closed()
            self.handle.report_down(f"the connection to {self._target.host} broke")
            await self._reconnect()

    async def close(self) -> None:
        """End the connection: in order if that takes no longer than a second."""
        connection, self._connection = self._connection, None
        if self._reading is not None:
            self._reading.cancel()
        if connection is not None:
            connection.close()
            with anyio.move_on_after(_CLOSE_S):
                await connection.wait_closed()
            connection.abort()

    async def _reconnect(self) -> None:
        attempt = 0
        while True:
            await anyio.sleep(RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)])
            attempt += 1
            await self.close()
            try:
                await self.open(_CONNECT_S)
            except (PermanentError, UnknownHostKeyError) as exc:
                self.handle.report_died(exc.message)
                return
            except TunnelError:
                continue
            return

    async def _connect(self) -> str:
        """Return the public URL of a new connection."""
        with _failures_named(self._target):
            options = _options(self._target)
            client = _Client(self._target, _known_hosts_files(options))
            try:
                self._connection = await asyncssh.connect(
                    options=options,
                    host=options.host or self._target.host,
                    client_factory=lambda: client,
                )
            except asyncssh.HostKeyNotVerifiable:
                raise client.objection or _untrusted(self._target) from None
            listener = await self._connection.forward_remote_port(
                self._target.listen_host,
                self._target.listen_port,
                "127.0.0.1",
                self._port,
            )
            if self._target.public_url is not None:
                port = str(listener.get_port())
                return self._target.public_url.replace("{port}", port)
            return await self._read_url(self._connection)
        raise AssertionError  # pragma: no cover -- the block returns or raises

    async def _read_url(self, connection: asyncssh.SSHClientConnection) -> str:
        """Return the URL that the server says, and go on reading: it may change."""
        process = await connection.create_process(
            stderr=asyncssh.STDOUT, encoding="utf-8", errors="replace"
        )
        said: list[str] = []
        async for line in _lines(process):
            said.append(line)
            url = self._target.find_url(line)
            if url is not None:
                self._reading = asyncio.create_task(self._follow_url(process))
                return url
        words = one_line(" ".join(said)) or "nothing"
        raise TunnelError(
            f"{self._target.host} named no URL; it said: {words}",
            hint="try again, or use another: `kling tunnel list`",
        )

    async def _follow_url(self, process: asyncssh.SSHClientProcess[str]) -> None:
        async for line in _lines(process):
            url = self._target.find_url(line)
            if url is not None:
                self.handle.report_up(url)


async def _lines(process: asyncssh.SSHClientProcess[str]) -> AsyncIterator[str]:
    with suppress(asyncssh.Error, OSError):
        async for line in process.stdout:
            yield _ESCAPES.sub("", line).strip()


def _options(target: SshTarget) -> Any:
    """Return the options of a connection: the person's own, or an anonymous one's."""
    how: dict[str, Any] = {
        "host": target.host,
        "keepalive_interval": target.keepalive_s,
        "keepalive_count_max": KEEPALIVE_MISSED,
        "connect_timeout": _CONNECT_S,
    }
    if target.port is not None:
        how["port"] = target.port
    if target.username is not None:
        how["username"] = target.username
    if target.is_anonymous:
        how |= {
            "config": None,
            "agent_path": None,
            "client_keys": [asyncssh.generate_private_key("ssh-ed25519")],
            "password": "",  # the services that ask for one take none
        }
    return asyncssh.SSHClientConnectionOptions(**how)


def _known_hosts_files(options: Any) -> list[Path]:
    """Return the files of known hosts, the one to write first."""
    named = options.known_hosts
    if isinstance(named, list | tuple) and named:
        return [Path(str(each)).expanduser() for each in named]
    return [Path.home() / ".ssh/known_hosts"]


def _has_key(files: list[Path], host: str, addr: str, port: int | None) -> bool:
    """Return whether any key for this host stands in `files`."""
    there = [str(path) for path in files if path.is_file()]
    if not there:
        return False
    known = asyncssh.read_known_hosts(there)
    trusted, authorities, *_ = known.match(host, addr, port)
    return bool(trusted) or bool(authorities)


@contextmanager
def _failures_named(target: SshTarget) -> Iterator[None]:
    """Turn what asyncssh and the system raise into ours."""
    who = f"{target.username}@{target.host}" if target.username else target.host
    try:
        yield
    except asyncssh.PermissionDenied as exc:
        raise PermanentError(
            f"{who} refused the login: {one_line(exc.reason)}",
            hint="a key that the server knows is needed, without a passphrase or in "
            "the agent: ssh-copy-id, ssh-add",
        ) from exc
    except asyncssh.ChannelListenError as exc:
        raise TunnelError(
            f"{who} refused to forward a port: {one_line(str(exc))}",
            hint="allow it there (AllowTcpForwarding, PermitListen), or take another "
            "remote_port",
        ) from exc
    except (asyncssh.ConfigParseError, asyncssh.KeyImportError) as exc:
        raise PermanentError(
            f"the ssh configuration cannot be used: {one_line(str(exc))}",
            hint="correct ~/.ssh/config, ~/.ssh/known_hosts or the key",
        ) from exc
    except (asyncssh.Error, OSError, ValueError, KeyError, RuntimeError) as exc:
        raise TunnelError(
            f"no ssh connection to {who}: {_reason(exc)}",
            hint="see whether the address is right, or use --callback off",
        ) from exc


def _reason(exc: Exception) -> str:
    return one_line(_ERRNO.sub("", str(exc))) or type(exc).__name__


def _untrusted(target: SshTarget) -> TunnelError:
    return PermanentError(
        f"the key of {target.host} is not trusted",
        hint="see the lines about it in ~/.ssh/known_hosts",
    )
