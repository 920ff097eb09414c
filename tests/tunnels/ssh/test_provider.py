"""The ssh provider against a real ssh server on loopback."""

from __future__ import annotations

import asyncio
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import asyncssh
import pytest

from kling_cli.errors import TunnelError, UsageError
from kling_cli.settings.settings import read_settings
from kling_cli.tunnels.chain import provider_for
from kling_cli.tunnels.provider import NotSetUpError, Tunnel, TunnelEvent
from kling_cli.tunnels.ssh.connection import UnknownHostKeyError, accept_host_key
from kling_cli.tunnels.ssh.provider import (
    FACTORY,
    LOCALHOST_RUN,
    PINGGY,
    SERVEO,
    SshFactory,
    SshProvider,
)
from kling_cli.tunnels.ssh.target import SshTarget, read_target
from tests.support.echo import Echo, echo_server
from tests.support.ssh_server import SshServer, ssh_server

pytestmark = pytest.mark.anyio
OPENING_S = 30  # patience with a busy machine


@pytest.fixture
def unknown_server(own_home: Path) -> Iterator[SshServer]:
    """Give a server that nobody knows yet."""
    with ssh_server(own_home) as server:
        yield server


@pytest.fixture
def server(unknown_server: SshServer) -> SshServer:
    unknown_server.welcome()
    return unknown_server


@pytest.fixture
def app() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


def target_of(server: SshServer) -> SshTarget:
    return read_target(server.address, shown=server.address)


def ask(url: str) -> int:
    with urllib.request.urlopen(url, data=b"x") as answer:  # noqa: S310 -- it is http
        return int(answer.status)


class Opened:
    """An open tunnel and its events."""

    def __init__(self, tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self._events = tunnel.events()

    async def next_event(self) -> TunnelEvent | None:
        with anyio.fail_after(10):
            return await anext(self._events, None)


@pytest.fixture
async def opened(server: SshServer, app: Echo) -> AsyncIterator[Opened]:
    provider = SshProvider(target_of(server))
    async with provider.open(app.port, timeout_s=OPENING_S) as tunnel:
        yield Opened(tunnel)


async def run(work: object) -> None:
    """Do something with the server, which lives in another thread."""
    await anyio.to_thread.run_sync(work)  # type: ignore[arg-type]  # a bound method


async def test_a_request_from_outside_comes_in_and_nothing_is_left(
    server: SshServer, app: Echo
) -> None:
    provider = SshProvider(target_of(server))

    async with provider.open(app.port, timeout_s=OPENING_S) as tunnel:
        status = await anyio.to_thread.run_sync(ask, f"{tunnel.public_url}/a")

        assert status == 200
        assert app.paths == ["/a"]
        assert tunnel.provider_name == "ssh"
    await run(lambda: server.wait_until(lambda: not server.connections))


async def test_a_host_of_the_persons_ssh_configuration_is_understood(
    server: SshServer,
) -> None:
    (server.home / "id_ed25519").rename(server.home / "other")
    (server.home / "config").write_text(
        f"Host mine\n  HostName 127.0.0.1\n  Port {server.port}\n  User me\n"
        f"  IdentityFile {server.home / 'other'}\n"
    )
    address = "ssh://mine?url=http://127.0.0.1:{port}"

    provider = SshProvider(read_target(address, shown=address))
    async with provider.open(9, timeout_s=OPENING_S):
        assert server.forwarded == 1


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="there is no ssh-agent")
async def test_an_agent_may_have_the_key_instead_of_a_file(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (server.home / "id_ed25519").unlink()
    socket = tmp_path / "agent"
    agent = await asyncio.create_subprocess_exec("ssh-agent", "-D", "-a", str(socket))
    while not socket.exists():  # noqa: ASYNC110 -- another program makes it
        await anyio.sleep(0.01)
    try:
        async with asyncssh.connect_agent(str(socket)) as line:
            await line.add_keys([server.client_key()])
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        async with SshProvider(target_of(server)).open(9, timeout_s=OPENING_S):
            assert server.forwarded == 1
    finally:
        agent.terminate()
        await agent.wait()


@pytest.mark.parametrize("what", ["dropped", "gone for a while"])
async def test_a_broken_connection_is_made_anew_and_a_moved_url_is_said(
    what: str, server: SshServer, opened: Opened, app: Echo
) -> None:
    before = opened.tunnel.public_url

    if what == "dropped":
        await run(server.drop)
    else:
        await run(server.stop)
    down = await opened.next_event()
    if what != "dropped":
        await run(server.start)
    back = await opened.next_event()

    assert down is not None
    assert (down.state, down.public_url) == ("down", before)
    assert "127.0.0.1" in (down.detail or "")
    assert back is not None
    assert back.state == ("up" if back.public_url == before else "moved")
    assert await anyio.to_thread.run_sync(ask, f"{back.public_url}/again") == 200
    assert app.paths == ["/again"]


async def test_a_server_that_is_another_one_now_is_not_connected_to(
    server: SshServer, opened: Opened
) -> None:
    await run(server.change_key)
    down = await opened.next_event()
    died = await opened.next_event()

    assert down is not None
    assert down.state == "down"
    assert died is not None
    assert died.state == "died"
    assert "another one than before" in (died.detail or "")
    assert await opened.next_event() is None
    assert server.forwarded == 1


async def test_a_connection_that_is_silent_is_taken_for_broken(
    server: SshServer, app: Echo
) -> None:
    """With the seconds that are the default: 40 s, of the 45 s that are promised."""
    target = target_of(server)
    relay = Relay(server.port)
    async with relay:
        patched = replace(target, port=relay.port, keepalive_s=0.1)
        line = server.known_hosts_line.replace(str(server.port), str(relay.port), 1)
        (server.home / "known_hosts").write_text(line)
        async with SshProvider(patched).open(app.port, timeout_s=OPENING_S) as tunnel:
            events = tunnel.events()
            relay.is_stuck = True
            with anyio.fail_after(10):
                event = await anext(events)

    assert event.state == "down"
    assert (target.keepalive_s * (3 + 1)) <= 45


class Relay:
    """Passes bytes between a client and a server until it is stuck."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.is_stuck = False
        self.port = 0

    async def __aenter__(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers += [writer, there[1]]
        for source, sink in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.create_task(self._pump(source, sink)))

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(65536):
                if not self.is_stuck:
                    sink.write(chunk)


async def test_an_unknown_key_is_accepted_by_a_person_once_and_by_nobody_else(
    unknown_server: SshServer,
) -> None:
    unknown_server.welcome()
    known_hosts = unknown_server.home / "known_hosts"
    known_hosts.write_text("# mine, without a line break")
    target = target_of(unknown_server)
    person = Person(says=False)

    with pytest.raises(UnknownHostKeyError, match="SHA256:") as caught:
        async with SshProvider(target).open(9, timeout_s=OPENING_S):
            pytest.fail("it was opened")
    await anyio.to_thread.run_sync(accept_host_key, target, person)
    refused = known_hosts.read_text()
    person.says = True
    await anyio.to_thread.run_sync(accept_host_key, target, person)
    await anyio.to_thread.run_sync(accept_host_key, target, person)
    async with SshProvider(target).open(9, timeout_s=OPENING_S):
        pass

    assert "kling tunnel test 'ssh://" in (caught.value.hint or "")
    assert refused == "# mine, without a line break"
    assert len(person.asked) == 2
    assert re.search(r"ssh-ed25519 SHA256:", person.told[0])
    kept = f"# mine, without a line break\n{unknown_server.known_hosts_line}"
    assert known_hosts.read_text() == kept


def test_what_keeps_a_key_from_being_accepted_is_said(
    unknown_server: SshServer, own_home: Path
) -> None:
    person = Person(says=True)
    (own_home / ".ssh").write_text("a file, where a folder belongs")

    accept_host_key(target_of(unknown_server), person)
    unknown_server.stop()
    accept_host_key(target_of(unknown_server), person)

    assert "cannot be written" in person.told[1]
    assert "no ssh connection" in person.told[2]


class Person:
    """Somebody who is asked."""

    def __init__(self, *, says: bool) -> None:
        self.says = says
        self.asked: list[str] = []
        self.told: list[str] = []

    def tell(self, line: str) -> None:
        self.told.append(line)

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.says


def deny_login(server: SshServer) -> None:
    server.takes_logins = False


def deny_forward(server: SshServer) -> None:
    server.takes_forwards = False


def be_silent(server: SshServer) -> None:
    server.stop()
    server.is_silent = True
    server.start()


def break_config(server: SshServer) -> None:
    (server.home / "config").write_text("Port none\n")


@pytest.mark.parametrize(
    ("spoil", "said", "hint"),
    [
        pytest.param(deny_login, "refused the login", "ssh-add", id="login"),
        pytest.param(deny_forward, "forward a port", "AllowTcp", id="forward"),
        pytest.param(SshServer.change_key, "another one", "known_hosts", id="key"),
        pytest.param(SshServer.stop, "no ssh connection", "--callback off", id="gone"),
        pytest.param(be_silent, "within 3 s", "this network", id="silent"),
        pytest.param(break_config, "configuration", "config", id="config"),
    ],
)
async def test_a_refusal_is_told_in_one_sentence_with_a_remedy(
    server: SshServer, spoil: object, said: str, hint: str
) -> None:
    await run(lambda: spoil(server))  # type: ignore[operator]  # each takes the server

    with pytest.raises(TunnelError, match=said) as caught:
        async with SshProvider(target_of(server)).open(9, timeout_s=3):
            pytest.fail("it was opened")

    assert hint in (caught.value.hint or "")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("service", "line", "url"),
    [
        pytest.param(
            LOCALHOST_RUN,
            "abc.lhr.life tunneled with tls termination, https://abc.lhr.life",
            "https://abc.lhr.life",
            id="localhost.run",
        ),
        pytest.param(
            SERVEO,
            "Forwarding HTTP traffic from https://a1b2.serveousercontent.com",
            "https://a1b2.serveousercontent.com",
            id="serveo",
        ),
        pytest.param(
            PINGGY,
            "https://rnabc-192-0-2-1.a.free.pinggy.link",
            "https://rnabc-192-0-2-1.a.free.pinggy.link",
            id="pinggy",
        ),
    ],
)
def test_a_service_is_anonymous_and_names_its_url_on_a_line(
    service: SshFactory, line: str, url: str
) -> None:
    target = service.service

    assert target is not None
    assert target.is_anonymous
    assert target.find_url(line) == url
    assert (
        target.find_url("Welcome! See https://dashboard.pinggy.io, https://x.org")
        is None
    )


async def test_a_services_url_is_read_from_its_session_and_may_move(
    server: SshServer, app: Echo
) -> None:
    """As localhost.run does it; with nothing of the person's shown to it."""
    line = "http://127.0.0.1:{port} is \x1b[1myours\x1b[0m\n"
    server.greeting = "Welcome.\n" + line + line.replace("127.0.0.1", "localhost")
    (server.home / "id_ed25519").unlink()
    target = SshTarget(
        name="service",
        shown="service",
        host="127.0.0.1",
        port=server.port,
        username="nokey",
        listen_port=80,
        url_pattern=re.compile(r"(http://\S+) is yours"),
        is_anonymous=True,
    )

    async with SshProvider(target).open(app.port, timeout_s=OPENING_S) as tunnel:
        opened = Opened(tunnel)
        first = await opened.next_event()
        status = await anyio.to_thread.run_sync(ask, tunnel.public_url)
        await run(server.drop)
        then = [await opened.next_event(), await opened.next_event()]

    assert status == 200
    assert first is not None
    assert (first.state, first.public_url[:17]) == ("moved", "http://localhost:")
    assert [event.state for event in then if event] == ["down", "moved"]


async def test_a_service_that_names_no_url_is_said_with_its_words(
    server: SshServer,
) -> None:
    server.greeting, server.hangs_up = "Sorry,\nwe are full.\n", True
    target = replace(
        target_of(server), public_url=None, url_pattern=re.compile("(never)")
    )

    with pytest.raises(TunnelError, match=r"named no URL; it said: Sorry, we are full"):
        async with SshProvider(target).open(9, timeout_s=OPENING_S):
            pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(
            "ssh://me@h.example:2222?url=https://hooks.example/&remote_port=9000",
            ("h.example", 2222, "me", "localhost", 9000, "https://hooks.example"),
            id="all of it",
        ),
        pytest.param(
            "ssh://h.example",
            ("h.example", None, None, "", 0, "http://h.example:{port}"),
            id="a host",
        ),
    ],
)
def test_an_address_says_where_to_connect_and_what_to_forward(
    address: str, expected: tuple[object, ...]
) -> None:
    found = read_target(address, shown="ssh")

    assert expected == (
        found.host,
        found.port,
        found.username,
        found.listen_host,
        found.listen_port,
        found.public_url,
    )


@pytest.mark.parametrize(
    "rest", ["?uri=https://x", "/path", "?remote_port=x", "?url=ftp://x"]
)
def test_nonsense_in_an_address_is_said(rest: str) -> None:
    with pytest.raises(UsageError, match="ssh://h"):
        read_target(f"ssh://h{rest}", shown="ssh")


def test_a_server_of_ones_own_comes_from_the_settings(
    server: SshServer, tmp_path: Path
) -> None:
    environ = {"KLING_STATE_DIR": str(tmp_path), "KLING_CONFIG_DIR": str(tmp_path)}
    bare = read_settings(environ)
    (tmp_path / "config.toml").write_text(f'[ssh]\nserver = "{server.address}"\n')
    configured = read_settings(environ)
    typed = read_settings(environ, {"tunnel": server.address})

    with pytest.raises(NotSetUpError):
        provider_for(bare, "ssh")
    [unset] = FACTORY.checks(bare, "")
    [known] = FACTORY.checks(configured, "")
    (server.home / "known_hosts").unlink()
    [unknown] = FACTORY.checks(typed, "")

    assert provider_for(configured, "ssh").name == "ssh"
    assert provider_for(configured, "auto").name == "ssh"
    assert provider_for(typed, typed.tunnel).name == "ssh"
    assert (unset.is_ok, known.is_ok, unknown.is_ok) == (False, True, False)
    assert "ssh.server" in unset.remedy
    assert "kling tunnel test" in unknown.remedy
