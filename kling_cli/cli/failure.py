"""Handling of failures at the boundary: error output, exit code, crash report."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from kling_cli.errors import ExitCode, KlingError, StoppedError, UsageError

_SECRET_VARIABLES = (
    "KLING_API_KEY",
    "KLING_ACCESS_KEY",
    "KLING_SECRET_KEY",
    "KLING_WEBHOOK_SECRET",
    "NGROK_AUTHTOKEN",
)
_SECRET_PATTERNS = (
    re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"),  # a JWT
    re.compile(r"(?<=Bearer )\S+"),
    re.compile(r"whsec_[\w+/=-]+"),
    re.compile(r"(?<=/callback/)[^\s'\"]+"),  # the secret of a callback URL
    re.compile(r"(?<=\?)[^\s'\"]+"),  # what signs a URL
)
_REDACTED = "[hidden]"


def write_crash_report(exc: BaseException, environ: Mapping[str, str]) -> Path | None:
    """Write the traceback, without secrets, into the state folder; return its path.

    With `KLING_DEBUG=1` it goes to stderr instead. Local variables are never included.
    """
    text = redacted("".join(traceback.format_exception(exc)), environ)
    if environ.get("KLING_DEBUG") == "1":
        from kling_cli.cli.output.terminal.streams import write_message

        write_message(text)
        return None
    try:
        return _write(text, _state_dir(environ))
    except (OSError, RuntimeError):  # RuntimeError: no home folder is known
        return None


def exception_summary(exc: BaseException, environ: Mapping[str, str]) -> str:
    """Return the exception in one line of at most 200 characters, without secrets."""
    text = " ".join("".join(traceback.format_exception_only(exc)).split())
    return redacted(text, environ)[:200]


def redacted(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` without secrets of the environment and what looks like one."""
    for variable in _SECRET_VARIABLES:
        for secret in environ.get(variable, "").split():
            text = text.replace(secret, _REDACTED)
    for shape in _SECRET_PATTERNS:
        text = shape.sub(_REDACTED, text)
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


def report_failure(exc: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong, as JSON where it was asked for, and return the exit code."""
    if isinstance(exc, BrokenPipeError):
        return _reader_gone()
    if isinstance(exc, SystemExit):
        if isinstance(exc.__context__, BrokenPipeError):  # met by rich or typer
            return _reader_gone()
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    if type(exc).__name__ == "NoArgsIsHelpError":  # typer's, with the help in it
        return _show_help(exc)
    error = as_kling_error(exc)
    if _is_json_requested(arguments):
        _print_document(error, arguments)
    _print_lines(error)
    return int(error.exit_code)


def as_kling_error(exc: BaseException) -> KlingError:
    """Return an exception as an error of ours; a bug is also written to a file."""
    exc = _unwrapped_group(exc)
    if isinstance(exc, KlingError):
        return exc
    if isinstance(exc, KeyboardInterrupt):
        return StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED)
    typer = sys.modules.get("typer")  # not there when importing it is what failed
    if typer is not None and isinstance(exc, typer.TyperException):
        return _usage_error(exc)
    if typer is not None and isinstance(exc, typer.Abort):
        return StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED)
    return _internal_error(exc)


def _unwrapped_group(exc: BaseException) -> BaseException:
    """Return the only exception of a group, or the group itself."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc


def _usage_error(exc: Exception) -> UsageError:
    """Return typer's error about the command line as a `UsageError`."""
    message = str(getattr(exc, "format_message", exc.__str__)())
    context = getattr(exc, "ctx", None)
    path = context.command_path if context is not None else "kling"
    return UsageError(message.strip(), hint=f"{path} --help")


def _internal_error(exc: BaseException) -> KlingError:

    place = write_crash_report(exc, os.environ)
    where = f"the traceback is in {place}" if place else "KLING_DEBUG=1 shows more"
    return KlingError(
        f"kling has a bug, sorry: {exception_summary(exc, os.environ)}",
        hint=f"{where}; no task is lost: run `kling list`",
    )


def _show_help(exc: BaseException) -> int:
    from kling_cli.cli.output.terminal.streams import write_result

    write_result(str(exc).rstrip("\n"))
    return int(ExitCode.DONE)


def _reader_gone() -> int:
    from kling_cli.cli.output.terminal.streams import discard_stdout

    discard_stdout()
    return int(ExitCode.DONE)


def _is_json_requested(arguments: Sequence[str]) -> bool:
    """Return whether `--json` was typed, even on a line that could not be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _command_name(arguments: Sequence[str]) -> str:
    """Return the command that was typed, with its sub-command if it has such."""
    from kling_cli.cli.command_table import canonical_name

    words = [each for each in arguments if not each.startswith("-")]
    first, second, *_ = [*words, "", ""]
    known = _SUB_COMMANDS.get(first)
    if known is None:
        return canonical_name(first) or "kling"
    return f"{first} {second if second in known else known[0]}"


# The first is the default.
_SUB_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "voices": ("list", "show", "create", "delete"),
    "elements": ("list", "show", "create", "delete"),
    "account": ("packs", "billing", "balance"),
    "tunnel": ("list", "test", "use"),
}


def _print_document(error: KlingError, arguments: Sequence[str]) -> None:
    from kling_cli.cli.output.json_document import failure_document, print_document

    try:
        print_document(failure_document(_command_name(arguments), error))
    except KlingError as unwritable:
        _print_lines(unwritable)


def _print_lines(error: KlingError) -> None:
    from kling_cli.cli.output.plain_lines import error_lines
    from kling_cli.cli.output.terminal.streams import write_message

    for line in error_lines(error):
        write_message(line)
