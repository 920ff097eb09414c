from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.kling import Kling
from tests.support.program import Program
from tests.support.secrets import Secrets
from tests.support.terminal import Terminal


def python(
    code: str,
    folder: Path,
    *,
    stdin: bytes | None = None,
    terminal: Terminal | None = None,
) -> Program:
    command = (sys.executable, "-c", code)
    return Program(command, env={}, cwd=folder, stdin=stdin, terminal=terminal)


def test_output_is_read_while_the_program_runs(tmp_path: Path) -> None:
    code = "import sys; print('ready', file=sys.stderr, flush=True); print(input())"

    with python(code, tmp_path, stdin=b"hello\n") as program:
        program.wait_for("ready")
        result = program.finish()

    assert (result.exit_code, result.stdout) == (0, "hello\n")


def test_waiting_for_output_that_never_comes_fails_at_the_end(tmp_path: Path) -> None:
    with (
        python("print('no')", tmp_path) as program,
        pytest.raises(AssertionError, match="ended without 'yes'"),
    ):
        program.wait_for("yes", stream="stdout")


def test_a_signal_shows_in_the_exit_code(tmp_path: Path) -> None:
    with python("print(1, flush=True); input()", tmp_path, stdin=None) as waiting:
        pass
    with python(
        "import signal; print('up', flush=True); signal.pause()", tmp_path
    ) as program:
        program.wait_for("up", stream="stdout")
        program.send(signal.SIGTERM)
        result = program.finish()

    assert waiting.process.returncode is not None
    assert result.exit_code == -signal.SIGTERM


def test_on_a_terminal_it_sees_a_terminal(tmp_path: Path) -> None:
    code = "import os, sys; print(os.get_terminal_size(2).columns, file=sys.stderr)"

    with python(code, tmp_path, terminal=Terminal(columns=40)) as program:
        result = program.finish()

    assert result.stderr == "40\r\n"


def test_secrets_are_found_in_every_file_but_their_home(tmp_path: Path) -> None:
    secrets = Secrets({"API key": "key-123"})
    (tmp_path / "credentials").write_text("key-123")
    (tmp_path / "log").write_text("sent key-123")
    (tmp_path / "journal").write_text("/callback/text2video/nonce-1/" + "m" * 32)

    assert secrets.found_below(tmp_path) == [
        "a callback path with its mac in journal",
        "API key in log",
    ]


def test_a_traceback_or_a_printed_secret_fails_the_run(tmp_path: Path) -> None:
    kling = Kling(tmp_path, {"KLING_API_KEY": "key-123"})
    kling.secrets.add("API key", "key-123")

    result = kling.run("key-123")

    assert result.exit_code == 2
    assert [line.split(" said by")[0] for line in kling.check()] == ["API key"]
