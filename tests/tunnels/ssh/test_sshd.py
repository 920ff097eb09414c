"""The ssh provider against OpenSSH's own server, where there is one."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import anyio
import asyncssh
import pytest

from kling_cli.tunnels.ssh.provider import SshProvider
from kling_cli.tunnels.ssh.target import read_target
from tests.support.echo import Echo, echo_server

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(SSHD is None, reason="there is no sshd on this machine"),
]
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


@pytest.fixture
def app() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
def sshd(tmp_path: Path, own_home: Path) -> Iterator[int]:
    """Run sshd for the person who runs the test; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    host, client = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (tmp_path / "host_key").touch(mode=0o600)
    (tmp_path / "host_key").write_bytes(host.export_private_key())
    (tmp_path / "authorized_keys").write_bytes(client.export_public_key())
    (tmp_path / "config").write_text(CONFIG.format(port=port, folder=tmp_path))
    home = own_home / ".ssh"
    home.mkdir(mode=0o700)
    (home / "id_ed25519").touch(mode=0o600)
    (home / "id_ed25519").write_bytes(client.export_private_key())
    key = host.export_public_key().decode()
    (home / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it shuts itself up
    command = [str(SSHD), "-D", "-e", "-f", str(tmp_path / "config")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Server listening" in line:
                break
        yield port
        process.terminate()


async def test_a_request_comes_in_through_debians_sshd(sshd: int, app: Echo) -> None:
    address = (
        f"ssh://{getpass.getuser()}@127.0.0.1:{sshd}?url=http://127.0.0.1:{{port}}"
    )
    provider = SshProvider(read_target(address, shown=address))

    async with provider.open(app.port, timeout_s=30) as tunnel:
        status = await anyio.to_thread.run_sync(ask, tunnel.public_url)

    assert status == 200
    assert app.paths == ["/a"]


def ask(url: str) -> int:
    with urllib.request.urlopen(f"{url}/a", data=b"x") as answer:  # noqa: S310 -- http
        return int(answer.status)
