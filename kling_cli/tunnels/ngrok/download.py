"""Gets the ngrok agent from ngrok, through pyngrok; only when a person has said yes."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from kling_cli.errors import TunnelError

_TIMEOUT_S = 30.0  # of silence, not of the whole download


def download_agent(path: Path, tell: Callable[[str], None]) -> None:
    """Put the newest agent at `path`.

    Raises: `TunnelError` when it could not be downloaded or unpacked.
    """
    from pyngrok import installer
    from pyngrok.exception import PyngrokError

    try:
        with redirect_stdout(_Progress(tell)), _private_downloads():
            installer.install_ngrok(str(path), timeout=_TIMEOUT_S)
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
