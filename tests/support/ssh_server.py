"""A real ssh server on loopback, in a thread of its own, that can be made to misbehave.

    with ssh_server(home) as server:
        server.welcome()                  # as after a person's first `ssh` to it
        run("kling", …, "--tunnel", server.address)

`welcome` gives the home a key that the server takes, and the server's key in its
`known_hosts`. A forward is to a port of this machine.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

PATIENCE_S = 10.0
_PRIVILEGED = 1023


class SshServer:
    """A server that takes one client key, and what it has seen so far."""

    def __init__(self, home: Path) -> None:
        self.home = home / ".ssh"
        self.port = 0
        self.takes_logins = True
        self.takes_forwards = True
        self.is_silent = False
        self.greeting = ""  # what a session is told; {port} is the forwarded port
        self.hangs_up = False  # after the greeting
        self.forwarded = 0  # how many forwards were opened, ever
        self.last_port = 0
        self.n_ignored = 0  # connections of a silent server
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._silent: asyncio.Server | None = None
        self.changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="ssh-server")
        self._thread.start()

    @property
    def address(self) -> str:
        """The value of `--tunnel` that leads here."""
        return f"ssh://me@127.0.0.1:{self.port}?url=http://127.0.0.1:{{port}}"

    @property
    def known_hosts_line(self) -> str:
        key = self._host_key.export_public_key().decode().strip()
        return f"[127.0.0.1]:{self.port} {key}\n"

    def welcome(self) -> None:
        """Give the home a key that is taken, and let it know the server's."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self.home / "id_ed25519"
        key.touch(mode=0o600)
        key.write_bytes(self._client_key.export_private_key())
        (self.home / "known_hosts").write_text(self.known_hosts_line)

    def client_key(self) -> asyncssh.SSHKey:
        return self._client_key

    def change_key(self) -> None:
        """Have another key from the next start on, as a server set up anew."""
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.stop()
        self.start()

    def start(self) -> None:
        """Listen, at the port of before if there was one."""
        self._do(self._start())

    def stop(self) -> None:
        """Break every connection and listen no more."""
        self._do(self._stop())

    def drop(self) -> None:
        """Break every connection."""
        self._do(self._drop())

    def wait_until(self, is_so: Callable[[], bool], timeout_s: float = 10) -> None:
        """Return when `is_so` is, as connections and forwards come and go."""
        with self.changed:
            assert self.changed.wait_for(is_so, timeout_s)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)

    def note(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._settle())
        self._loop.close()

    async def _settle(self) -> None:
        """Let accepted sockets reach their protocols, and aborted ones be closed."""
        for _ in range(5):
            await asyncio.sleep(0)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _start(self) -> None:
        if self.is_silent:
            self._silent = await asyncio.start_server(
                self._ignore, "127.0.0.1", self.port
            )
            self.port = self._silent.sockets[0].getsockname()[1]
            return
        self._acceptor = await asyncssh.create_server(
            lambda: _Session(self),
            "127.0.0.1",
            self.port,
            server_host_keys=[self._host_key],
            process_factory=self._greet,
        )
        self.port = self._acceptor.get_port()

    async def _stop(self) -> None:
        for listener in (self._acceptor, self._silent):
            if listener is not None:
                listener.close()
        if self._silent is not None:
            self._silent = None
        if self._acceptor is not None:
            await self._acceptor.wait_closed()
            self._acceptor = None
        await self._settle()
        await self._drop()
        await self._settle()

    async def _ignore(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.n_ignored += 1
        self.note()
        await reader.read()
        writer.close()
        self.n_ignored -= 1
        self.note()

    async def _drop(self) -> None:
        gone = list(self.connections)
        for connection in gone:
            connection.abort()
        for connection in gone:
            with suppress(Exception):
                await connection.wait_closed()

    async def _greet(self, process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write(self.greeting.replace("{port}", str(self.last_port)))
        if not self.hangs_up:
            with suppress(asyncssh.Error):
                await process.stdin.read()
        process.exit(0)


class _Session(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.add(conn)
        self._server.note()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.connections.discard(self._connection)
        self._server.note()

    def begin_auth(self, _username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = self._server.client_key()
        is_ours = key.public_data == known.public_data
        return self._server.takes_logins and (is_ours or username != "me")

    async def server_requested(self, listen_host: str, listen_port: int) -> Any:
        if not self._server.takes_forwards:
            return False
        bound = listen_port if listen_port > _PRIVILEGED else 0
        listener = await self._connection.forward_local_port(
            "127.0.0.1", bound, listen_host, listen_port
        )
        self._server.forwarded += 1
        self._server.last_port = listener.get_port()
        self._server.note()
        return listener


@contextmanager
def ssh_server(home: Path) -> Iterator[SshServer]:
    """Serve until the block ends; the server is not yet known to `home`."""
    server = SshServer(home)
    try:
        server.start()
        yield server
    finally:
        server.close()


def main() -> None:
    """Serve until stdin ends, for the home in the arguments; print the address."""
    with ssh_server(Path(sys.argv[1])) as server:
        server.welcome()
        print(server.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
