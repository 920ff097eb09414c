"""Entry point of the program: runs the command line, reports failures."""

from __future__ import annotations

import gc
import os
import sys

from kling_cli.cli.output.terminal.streams import close_streams, open_streams

# Container objects; the default of 700 scans what is being imported dozens of times.
_GC_THRESHOLD = 50_000


def main() -> int:
    """Be the program: run the command line in a process that then ends."""
    gc.set_threshold(_GC_THRESHOLD)
    code = run_command_line()
    gc.freeze()  # all is closed; the interpreter need not collect garbage as it exits
    return code


def run_command_line() -> int:
    """Run `kling` with the arguments of this process and return its exit code."""
    open_streams()
    arguments = sys.argv[1:]
    if "_KLING_COMPLETE" in os.environ:
        # typer formats completions with rich where it is installed, which takes longer
        # than the rest of a completion; ours need no formatting. This hides rich.
        sys.modules["rich"] = None  # type: ignore[assignment]  # -- the documented way
    if arguments in (["--version"], ["-V"]):
        return _version()
    try:
        code = _run(arguments or ["--help"])
    except BaseException as exc:  # noqa: BLE001 -- every failure gets a message and an exit code
        from kling_cli.cli.failure import report_failure

        code = report_failure(exc, arguments)
    close_streams()
    return code


def _version() -> int:
    from kling_cli import __version__

    try:
        print(f"kling {__version__}", flush=True)  # noqa: T201 -- before typer is loaded
    except OSError:
        close_streams()
    return 0


def _run(arguments: list[str]) -> int:
    import typer

    from kling_cli.cli.app import app

    command = typer.main.get_command(app)
    code = command.main(args=arguments, prog_name="kling", standalone_mode=False)
    return code if isinstance(code, int) else 0
