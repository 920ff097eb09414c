"""The ngrok agent program: where it is, its version, how it is downloaded."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from kling_cli.errors import TunnelError
from kling_cli.tunnels.agents import process
from kling_cli.tunnels.agents.process import is_program

OLDEST = (3, 30)  # Source: pyngrok 9 changelog: /api/endpoints needs an agent of 3.30
_SHIM_HEAD_BYTES = 2048
_DOWNLOAD_S = 30.0  # of silence, not of the whole download
_HOW_TO_GET = (
    "get ngrok from https://ngrok.com/download (3.30 or newer), "
    "or do without a tunnel: --callback off"
)


def find_agent(ngrok_path: str | None = None, search_path: str | None = None) -> Path:
    """Return the ngrok agent: `ngrok_path`, pyngrok's own folder, then `search_path`.

    `search_path` is in the form of `PATH`, and `PATH` when None. Nothing is downloaded
    and pyngrok's script of the same name is never taken for the agent.

    Raises: `TunnelError` with how to get one.
    """
    if ngrok_path:
        return _configured(Path(ngrok_path))
    for path in _usual_places(search_path):
        if is_program(path) and not is_shim(path):
            return path
    raise TunnelError("the ngrok agent is not installed", hint=_HOW_TO_GET)


def read_version(agent: Path, *, timeout_s: float = 3.0) -> tuple[int, ...]:
    """Return the version of `agent`, which has `timeout_s` to tell it.

    Raises: `TunnelError` when it cannot be run, does not answer or is no ngrok.
    """
    return process.read_version(agent, "ngrok", hint=_HOW_TO_GET, timeout_s=timeout_s)


def require_version(agent: Path) -> str:
    """Return the version of `agent`.

    Raises: `TunnelError` when it is too old for pyngrok, or no agent at all.
    """
    version = read_version(agent)
    said = ".".join(map(str, version))
    if version < OLDEST:
        raise TunnelError(
            f"the ngrok agent {agent} is version {said}; 3.30 or newer is needed",
            hint="run `ngrok update`, or get it from https://ngrok.com/download",
        )
    return said


def install_agent(tell: Callable[[str], None]) -> Path:
    """Download the newest agent to pyngrok's own folder and return where it is.

    pyngrok pins no version and checks no checksum: ask the person before. `tell` is
    given lines of progress; nothing is written to stdout. Takes seconds to a minute.

    Raises: `TunnelError` when it could not be had.
    """
    path = _own_place()
    _download(path, tell)
    require_version(path)
    return path


def is_shim(path: Path) -> bool:
    """Return whether `path` is the Python script that pyngrok installs as `ngrok`.

    Used as the agent, it would leave the real one behind when ended.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_SHIM_HEAD_BYTES)
    except OSError:
        return False
    return head.startswith(b"#!") and b"from pyngrok" in head


def _configured(path: Path) -> Path:
    if not is_program(path):
        raise TunnelError(
            f"PYNGROK_NGROK_PATH names {path}, which is not a program",
            hint="correct it, or unset it to have ngrok looked for",
        )
    if is_shim(path):
        raise TunnelError(
            f"PYNGROK_NGROK_PATH names {path}: pyngrok's script, not the agent",
            hint=_HOW_TO_GET,
        )
    return path.absolute()


def _usual_places(search_path: str | None) -> Iterator[Path]:
    own = _own_place()
    yield own
    folders = os.environ.get("PATH", "") if search_path is None else search_path
    for folder in filter(None, folders.split(os.pathsep)):
        yield Path(folder).absolute() / own.name


def _own_place() -> Path:
    from pyngrok import installer

    return Path(installer.get_default_ngrok_dir(), installer.get_ngrok_bin())


def _download(path: Path, tell: Callable[[str], None]) -> None:
    """Put the newest agent at `path`.

    Raises: `TunnelError` when it could not be downloaded or unpacked.
    """
    from pyngrok import installer
    from pyngrok.exception import PyngrokError

    try:
        with redirect_stdout(_Progress(tell)), _private_downloads():
            installer.install_ngrok(str(path), timeout=_DOWNLOAD_S)
    except (PyngrokError, OSError) as exc:
        raise TunnelError(
            f"ngrok could not be downloaded: {exc}",
            hint="get it from https://ngrok.com/download",
        ) from exc


class _Progress(io.TextIOBase):
    """What pyngrok takes for stdout: turns its rewritten line into lines."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def write(self, text: str) -> int:
        if text.strip():
            self._tell(text.strip())
        return len(text)


@contextmanager
def _private_downloads() -> Iterator[None]:
    """Have pyngrok's download land in a folder nobody else can write to.

    It has a fixed name in the folder for temporary files, and is run afterwards.
    """
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
