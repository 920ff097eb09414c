"""`&`, Ctrl-Z, `bg`, `fg` in a real shell, and a terminal that vanishes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.cli.output.listener.test_keys import post
from tests.support.kling import Kling
from tests.support.program import Program
from tests.support.terminal import Terminal

SHELL = """
import fcntl, os, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
"""
CTRL_Z = "\x1a"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Shell:
    """An interactive shell that controls a terminal."""

    def __init__(self, program: Program, terminal: Terminal) -> None:
        self._program = program
        self._terminal = terminal
        self._seen = 0

    def type(self, text: str) -> None:
        self._terminal.type(text)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the next match of `pattern`, after the last one."""
        skipped = rf"(?s)\A.{{{self._seen}}}.*?(?P<found>{pattern})"
        found = self._program.wait_for(skipped, stream="stdout")
        self._seen = found.end("found")
        return found


@contextmanager
def shell(kling: Kling) -> Iterator[Shell]:
    terminal = Terminal(streams=("stdin", "stdout", "stderr"), columns=100)
    run = "kling() { " + " ".join(kling.command('"$@"')) + "; }"
    env = {**kling.env, "TERM": "xterm", "PS1": "$ ", "KLING": run}
    with Program(
        (sys.executable, "-c", SHELL), env=env, cwd=kling.here, terminal=terminal
    ) as program:
        opened = Shell(program, terminal)
        opened.wait_for(r"\$ ")
        opened.type('eval "$KLING"; bind "set enable-bracketed-paste off"\n')
        yield opened
        opened.type("exit\n")
        kling.results.append(program.finish())


def test_a_listener_reads_keys_only_in_the_foreground(kling: Kling) -> None:
    with shell(kling) as terminal_shell:
        terminal_shell.type(f"{' '.join(kling.command('listen', '--no-token'))} &\n")
        terminal_shell.wait_for("q quit")
        terminal_shell.type("jobs -r; echo d''one\n")
        terminal_shell.wait_for("Running.*listen")
        terminal_shell.wait_for("done")
        terminal_shell.type("fg\n")
        terminal_shell.wait_for("local only · 0 received")
        terminal_shell.type("d")
        terminal_shell.wait_for("no callback yet")
        terminal_shell.type(CTRL_Z)
        terminal_shell.wait_for("Stopped.*listen")
        terminal_shell.type("fg\n")
        terminal_shell.wait_for("local only · 0 received")
        terminal_shell.type("d")
        terminal_shell.wait_for("no callback yet")
        terminal_shell.type("q")
        terminal_shell.wait_for(r"stopped \(key q\)")
        terminal_shell.type("echo e''choed; stty -a\n")
        terminal_shell.wait_for("echoed")
        terminal_shell.wait_for(" icanon .* echo ")


def test_a_display_leaves_the_terminal_to_the_shell(kling: Kling) -> None:
    with shell(kling) as terminal_shell:
        job = kling.command("text2video", "hi", "--sandbox")
        terminal_shell.type(f"{' '.join(job)}\n")
        terminal_shell.wait_for(re.escape(HIDE))
        terminal_shell.wait_for("submitted")
        terminal_shell.type(CTRL_Z)
        terminal_shell.wait_for(re.escape(SHOW))
        terminal_shell.wait_for("Stopped.*text2video")
        terminal_shell.type("bg\n")
        terminal_shell.wait_for(r"text2video.*&")
        terminal_shell.wait_for("done: ")
        terminal_shell.type("echo o''ver\n")
        rest = terminal_shell.wait_for(rf"[^{HIDE[0]}]*over")

    assert rest


def test_a_key_stays_hidden_after_the_prompt_was_stopped(kling: Kling) -> None:
    prompt = r"it is not shown\): "
    with shell(kling) as terminal_shell:
        terminal_shell.type(
            f"{' '.join(kling.command('auth', 'login', '--no-verify'))}\n"
        )
        terminal_shell.wait_for(prompt)
        terminal_shell.type(CTRL_Z)
        terminal_shell.wait_for("Stopped.*auth")
        terminal_shell.type("fg\n")
        terminal_shell.wait_for(prompt)
        terminal_shell.type("sesame-in-the-dark\n")
        terminal_shell.wait_for("logged in|kept|stored|API key")
        terminal_shell.type("echo o''ver\n")
        terminal_shell.wait_for("over")

    assert "sesame" not in kling.results[-1].stdout


def test_a_terminal_that_vanishes_costs_nothing_and_ends_nothing(
    kling: Kling,
) -> None:
    master, slave = pty.openpty()
    listening = subprocess.Popen(
        [
            "sh",
            "-c",
            'trap "" HUP; exec "$@"',
            "sh",
            *kling.command("listen", "--no-token"),
        ],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=kling.here,
        env={**kling.env, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(slave)
    printed = b""
    while b"0 received" not in printed:
        printed += os.read(master, 4096)
    found = re.search(r"127\.0\.0\.1:(\d+)(/callback)", printed.decode())
    assert found is not None

    os.close(master)
    time.sleep(0.2)
    used = psutil.Process(listening.pid).cpu_times().user
    time.sleep(0.5)
    spent = psutil.Process(listening.pid).cpu_times().user - used
    post(int(found[1]), found[2], b'{"task_id": "test", "status": "succeed"}')
    listening.send_signal(signal.SIGTERM)
    code = listening.wait(30)

    assert spent < 0.25
    assert code == 143
    assert not list(kling.state_dir.glob("crash-*"))
