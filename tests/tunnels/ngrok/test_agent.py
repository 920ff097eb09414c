"""Finding the ngrok program, knowing its age, and getting one."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pyngrok import installer

from kling_cli.errors import TunnelError
from kling_cli.tunnels.ngrok import agent

REAL = "#!/bin/sh\necho ngrok version 3.39.8\n"
SHIM = f"#!{sys.executable}\nimport sys\nfrom pyngrok.ngrok import main\nmain()\n"
LONG_SHIM = (
    "#!/bin/sh\n'''exec' /a b \"$0\" \"$@\"\n' '''\nfrom pyngrok.ngrok import x\n"
)


def program(path: Path, text: str = REAL, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def own_place() -> Path:
    """Return where pyngrok would install the agent in this test's home."""
    return Path(installer.get_default_ngrok_dir(), "ngrok")


def test_the_configured_agent_is_taken_first(tmp_path: Path, own_place: Path) -> None:
    program(own_place)
    chosen = program(tmp_path / "chosen")

    assert agent.find_agent(str(chosen)) == chosen


def test_a_relative_path_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "chosen")
    monkeypatch.chdir(tmp_path)

    assert agent.find_agent("chosen") == tmp_path / "chosen"


def test_pyngroks_own_folder_comes_before_the_path(
    tmp_path: Path, own_place: Path
) -> None:
    program(own_place)
    program(tmp_path / "ngrok")

    assert agent.find_agent(search_path=str(tmp_path)) == own_place


@pytest.mark.parametrize("shim", [SHIM, LONG_SHIM], ids=["short", "long shebang"])
def test_a_real_agent_behind_pyngroks_script_is_found(
    tmp_path: Path, shim: str
) -> None:
    program(tmp_path / "venv/ngrok", shim)
    real = program(tmp_path / "usr/ngrok")
    search_path = os.pathsep.join([str(tmp_path / "venv"), "", str(tmp_path / "usr")])

    assert agent.find_agent(search_path=search_path) == real


def test_the_script_of_the_pyngrok_installed_here_is_recognised() -> None:
    path = shutil.which("ngrok", path=str(Path(sys.executable).parent))

    assert path is not None
    assert agent.is_shim(Path(path))


def test_the_path_of_the_environment_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = program(tmp_path / "ngrok")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert agent.find_agent() == real


def test_no_agent_anywhere_says_how_to_get_one(tmp_path: Path) -> None:
    program(tmp_path / "ngrok", mode=0o644)

    with pytest.raises(TunnelError, match="not installed") as caught:
        agent.find_agent(search_path=str(tmp_path))

    assert "https://ngrok.com/download" in str(caught.value.hint)


def test_a_configured_agent_that_is_not_there_is_not_replaced_by_another(
    tmp_path: Path, own_place: Path
) -> None:
    program(own_place)

    with pytest.raises(TunnelError, match=r"PYNGROK_NGROK_PATH names .*nowhere"):
        agent.find_agent(str(tmp_path / "nowhere"))


def test_pyngroks_script_is_refused_as_the_configured_agent(tmp_path: Path) -> None:
    shim = program(tmp_path / "ngrok", SHIM)

    with pytest.raises(TunnelError, match="pyngrok's script"):
        agent.find_agent(str(shim))


def test_what_cannot_be_read_is_no_script_of_pyngroks(tmp_path: Path) -> None:
    assert not agent.is_shim(tmp_path)


@pytest.mark.parametrize(
    ("said", "version"),
    [("3.39.8", (3, 39, 8)), ("3.30.0-rc1", (3, 30, 0)), ("4", (4,))],
)
def test_the_version_is_read(
    tmp_path: Path, said: str, version: tuple[int, ...]
) -> None:
    path = program(tmp_path / "ngrok", f"#!/bin/sh\necho ngrok version {said}\n")

    assert agent.read_version(path) == version


def test_an_agent_too_old_for_pyngrok_is_refused_before_it_is_started(
    tmp_path: Path,
) -> None:
    path = program(tmp_path / "ngrok", "#!/bin/sh\necho ngrok version 3.29.9\n")

    with pytest.raises(TunnelError, match=r"version 3\.29\.9; 3\.30") as caught:
        agent.require_version(path)

    assert "ngrok update" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("#!/bin/sh\necho hello\n", "is not an ngrok agent", id="other"),
        pytest.param("#!/bin/sh\nexit 3\n", "is not an ngrok agent", id="fails"),
        pytest.param("#!/no/such/shell\n", "cannot be run", id="cannot run"),
        pytest.param("\x7fELF nonsense", "cannot be run", id="wrong machine"),
    ],
)
def test_a_program_that_is_no_agent_is_said_to_be_none(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(TunnelError, match=says):
        agent.require_version(program(tmp_path / "ngrok", text))


def test_a_program_that_never_answers_is_given_up(tmp_path: Path) -> None:
    path = program(tmp_path / "ngrok", "#!/bin/sh\nexec sleep 60\n")

    with pytest.raises(TunnelError, match=r"did not tell its version in 0\.2 s"):
        agent.read_version(path, timeout_s=0.2)


@pytest.fixture
def archive_url(tmp_path: Path) -> Iterator[str]:
    """Serve an archive with an agent in it, as ngrok's download page does."""
    folder = tmp_path / "served"
    folder.mkdir()
    with tarfile.open(folder / "agent.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("ngrok")
        entry.size = len(REAL)
        archive.addfile(entry, io.BytesIO(REAL.encode()))

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args: object) -> None:
            """Say nothing: the test reads stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/agent.tgz"
    server.shutdown()
    server.server_close()
    thread.join()
    gc.collect()  # now, while the warning below is ignored


unclosed = pytest.mark.filterwarnings(
    "ignore::ResourceWarning"  # pyngrok leaves its download's connection open
)


def offer(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Have pyngrok's table of downloads name `url` for this machine."""
    name = f"{installer.get_system()}_{installer.get_arch()}"
    monkeypatch.setitem(installer.PLATFORMS, name, url)


@unclosed
def test_an_agent_is_installed_where_it_is_found_later(
    archive_url: str,
    own_place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    offer(monkeypatch, archive_url)
    told: list[str] = []

    path = agent.install_agent(told.append)

    assert path == own_place
    assert agent.find_agent(search_path="") == own_place
    assert any("Downloading ngrok" in line for line in told)
    assert capfd.readouterr() == ("", "")


@unclosed
def test_a_download_lands_where_nobody_else_can_change_it(
    archive_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    offer(monkeypatch, archive_url)
    seen: list[str] = []

    agent.install_agent(lambda _: seen.extend(path.name for path in shared.iterdir()))

    assert "agent.tgz" not in seen
    assert list(shared.iterdir()) == []
    assert tempfile.tempdir == str(shared)


@unclosed
def test_a_download_that_fails_says_so_and_leaves_nothing(
    archive_url: str,
    own_place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    offer(monkeypatch, archive_url + ".not")

    with pytest.raises(TunnelError, match="could not be downloaded") as caught:
        agent.install_agent(lambda _: None)

    assert "https://ngrok.com/download" in str(caught.value.hint)
    assert not own_place.exists()
    assert capfd.readouterr() == ("", "")


def test_looking_for_an_agent_never_touches_the_disk(
    own_place: Path, own_home: Path
) -> None:
    def fingerprint() -> str:
        names = sorted(str(path) for path in own_home.rglob("*"))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    before = fingerprint()
    with pytest.raises(TunnelError):
        agent.find_agent(search_path="")

    assert fingerprint() == before


def test_help_costs_no_pyngrok() -> None:
    """Whoever only names the provider has not paid for the library."""
    code = (
        "import sys, kling_cli.tunnels.ngrok.provider;"
        "print([m for m in ('pyngrok', 'psutil', 'yaml', 'httpx') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout

    assert said.strip() == "[]"
