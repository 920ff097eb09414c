"""A bug's traceback, kept for the person who will mend it: without secrets."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Mapping
from pathlib import Path

_SECRET_VARIABLES = (
    "KLING_API_KEY",
    "KLING_ACCESS_KEY",
    "KLING_SECRET_KEY",
    "KLING_WEBHOOK_SECRET",
    "NGROK_AUTHTOKEN",
)
_SECRET_SHAPES = (
    re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"),  # a JWT
    re.compile(r"(?<=Bearer )\S+"),
    re.compile(r"whsec_[\w+/=-]+"),
    re.compile(r"(?<=/callback/)[^\s'\"]+"),  # a capability
    re.compile(r"(?<=\?)[^\s'\"]+"),  # what signs a URL
)
_HIDDEN = "[hidden]"


def write_report(exc: BaseException, environ: Mapping[str, str]) -> Path | None:
    """Write the traceback into the state folder and return where, if that is possible.

    With `KLING_DEBUG=1` it goes to stderr instead. Local variables are never included.
    """
    text = scrubbed("".join(traceback.format_exception(exc)), environ)
    if environ.get("KLING_DEBUG") == "1":
        from kling_cli.cli.output.streams import write_note

        write_note(text)
        return None
    try:
        return _write(text, _state_dir(environ))
    except (OSError, RuntimeError):  # RuntimeError: no home folder is known
        return None


def headline(exc: BaseException, environ: Mapping[str, str]) -> str:
    """Return the exception in one line of at most 200 characters, without secrets."""
    text = " ".join("".join(traceback.format_exception_only(exc)).split())
    return scrubbed(text, environ)[:200]


def scrubbed(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` without the secrets of the environment and what looks like one."""
    for variable in _SECRET_VARIABLES:
        for secret in environ.get(variable, "").split():
            text = text.replace(secret, _HIDDEN)
    for shape in _SECRET_SHAPES:
        text = shape.sub(_HIDDEN, text)
    return text


def _state_dir(environ: Mapping[str, str]) -> Path:
    if environ.get("KLING_STATE_DIR"):
        return Path(environ["KLING_STATE_DIR"]).expanduser()
    import platformdirs

    return platformdirs.user_state_path("kling")


def _write(text: str, state_dir: Path) -> Path:
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = state_dir / f"crash-{os.getpid()}.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(
        descriptor, "w", encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.write(text)
    return path
