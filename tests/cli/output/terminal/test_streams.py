"""Each case is a process of its own: it closes, fills and breaks its streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITE = """
import sys
from kling_cli.cli.output.terminal.streams import (
    close_streams, open_streams, write_message, write_result
)
open_streams()
{before}
write_result("result " + {text})
write_message("note")
close_streams()
"""


def program(before: str = "", text: str = "'x'") -> tuple[str, ...]:
    return (sys.executable, "-c", WRITE.format(before=before, text=text))


def test_results_and_notes_go_their_own_ways() -> None:
    printed = subprocess.run(program(), capture_output=True, check=True)

    assert (printed.stdout, printed.stderr) == (b"result x\n", b"note\n")


def test_a_result_keeps_bytes_that_are_no_text() -> None:
    printed = subprocess.run(
        program(text="'\\udcff猫'"),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert printed.stdout == b"result \xff" + "猫\n".encode()


def test_what_was_printed_before_stands_before() -> None:
    printed = subprocess.run(program("print('first')"), capture_output=True, check=True)

    assert printed.stdout == b"first\nresult x\n"


def test_a_reader_that_has_gone_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    printed = subprocess.run(
        program(), stdout=writing, stderr=subprocess.PIPE, check=True
    )

    os.close(writing)
    assert printed.stderr == b"note\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_an_error_with_a_hint() -> None:
    with Path("/dev/full").open("wb") as full:
        printed = subprocess.run(
            program(), stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert b"NotSavedError: could not write to stdout" in printed.stderr
    assert b"Exception ignored" not in printed.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_stderr_is_ignored() -> None:
    with Path("/dev/full").open("wb") as full:
        printed = subprocess.run(
            program(), stdout=subprocess.PIPE, stderr=full, check=True
        )

    assert printed.stdout == b"result x\n"


@pytest.mark.parametrize("closing", ["1>&-", "2>&-"])
def test_closed_streams_are_let_be(closing: str) -> None:
    printed = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *program()],
        capture_output=True,
        check=True,
    )

    assert b"note" not in printed.stdout
    assert b"Error" not in printed.stderr


def test_what_is_opened_later_never_gets_the_number_of_a_closed_stream(
    tmp_path: Path,
) -> None:
    then = f"sys.exit(open({str(tmp_path / 'file')!r}, 'w').fileno())"

    printed = subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *program(then)], check=False
    )

    assert printed.returncode > 2


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_lets_us_wait_gets_all_of_it(stream: str) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    write = {"stdout": "write_result", "stderr": "write_message"}[stream]

    with subprocess.Popen(
        program(f"{write}('é' * 300_000)"),
        stdout=writing if stream == "stdout" else None,
        stderr=writing if stream == "stderr" else None,
    ) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            printed = pipe.read()

    assert process.returncode == 0
    assert "é" * 300_000 in printed.decode()
