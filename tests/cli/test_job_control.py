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

from tests.cli.test_listen_keys import post
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
        """Return the next place where `pattern` stands, after the last one."""
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
    with shell(kling) as person:
        person.type(f"{' '.join(kling.command('listen', '--no-token'))} &\n")
        person.wait_for("q quit")
        person.type("jobs -r; echo d''one\n")
        person.wait_for("Running.*listen")
        person.wait_for("done")
        person.type("fg\n")
        person.wait_for("local only · 0 received")
        person.type("d")
        person.wait_for("no callback yet")
        person.type(CTRL_Z)
        person.wait_for("Stopped.*listen")
        person.type("fg\n")
        person.wait_for("local only · 0 received")
        person.type("d")
        person.wait_for("no callback yet")
        person.type("q")
        person.wait_for(r"stopped \(key q\)")
        person.type("echo e''choed; stty -a\n")
        person.wait_for("echoed")
        person.wait_for(" icanon .* echo ")


def test_a_display_leaves_the_terminal_to_the_shell(kling: Kling) -> None:
    with shell(kling) as person:
        job = kling.command("text2video", "hi", "--sandbox")
        person.type(f"{' '.join(job)}\n")
        person.wait_for(re.escape(HIDE))
        person.wait_for("submitted")
        person.type(CTRL_Z)
        person.wait_for(re.escape(SHOW))
        person.wait_for("Stopped.*text2video")
        person.type("bg\n")
        person.wait_for(r"text2video.*&")
        person.wait_for("done: ")
        person.type("echo o''ver\n")
        rest = person.wait_for(rf"[^{HIDE[0]}]*over")

    assert rest


def test_a_key_stays_hidden_after_the_prompt_was_stopped(kling: Kling) -> None:
    prompt = r"it is not shown\): "
    with shell(kling) as person:
        person.type(f"{' '.join(kling.command('auth', 'login', '--no-verify'))}\n")
        person.wait_for(prompt)
        person.type(CTRL_Z)
        person.wait_for("Stopped.*auth")
        person.type("fg\n")
        person.wait_for(prompt)
        person.type("sesame-in-the-dark\n")
        person.wait_for("logged in|kept|stored|API key")
        person.type("echo o''ver\n")
        person.wait_for("over")

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
    said = b""
    while b"0 received" not in said:
        said += os.read(master, 4096)
    found = re.search(r"127\.0\.0\.1:(\d+)(/callback)", said.decode())
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
