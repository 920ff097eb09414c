"""Finds the shell blocks of Markdown pages, and runs them in bash as they stand."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.program import PATIENCE_S, Program, Result
from tests.support.terminal import Terminal

LANGUAGES = ("sh", "bash", "shell", "console")
CTRL_C = 128 + signal.SIGINT
_FENCE = re.compile(r"^(`{3,})(\S*).*\n((?:.*\n)*?)^\1`*$", re.MULTILINE)
_LOOK_EVERY_S = 0.05
_SHOWN_WITHIN_S = 15.0

# Bash reads it before the block: the first command that fails ends the block and is
# named. A command that was to serve until Ctrl-C has not failed.
_PREAMBLE = f"""
set -o errtrace -o pipefail
trap 'code=$?
[ $code = {CTRL_C} ] || {{ echo "exit $code: $BASH_COMMAND" >&2; exit $code; }}' ERR
"""

# What differs from run to run in what is shown.
_VARYING = {
    r"https?://\S+": "URL",
    r"\b\d{18}\b": "ID",
    r"\bkling-[0-9a-f]{20}\b": "EXTERNAL-ID",
    r"\b\d\d:\d\d:\d\d\b": "CLOCK",
    r"\b(\d+m )?[\d.]+m?s\b": "TIME",
    r"\b[\d.]+ [KM]B": "SIZE",
    r"#\d+": "#N",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a page; `line` is that of its fence."""

    page: str
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line} {self.script.lstrip('# ')[:30]}".strip()

    @property
    def script(self) -> str:
        """The commands: of a console those lines that begin with `$ `."""
        if self.language != "console":
            return self.text
        lines = self.text.splitlines(keepends=True)
        return "".join(line[2:] for line in lines if line.startswith("$ "))

    @property
    def serves(self) -> bool:
        """Whether a command in it may go on until Ctrl-C."""
        return bool(re.search(r"\bkling (listen|sandbox)\b", self.script))

    @property
    def shown(self) -> list[str]:
        """What a console shows beside the commands."""
        if self.language != "console":
            return []
        return [line for line in self.text.splitlines() if not line.startswith("$ ")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The surroundings of a block beyond an account and the files that it names.

    `answer` is typed at a terminal when the block asks for it by `prompt`. `beside`
    serves in another terminal from before the block until after it. `meanwhile` is
    typed there while a command of the block serves; that gets Ctrl-C afterwards. Files
    like `leaves` have to be there in the end, and jobs with the prompts of `sends`.
    Where steps of a task are shown, `task_s` keeps them apart.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    task_s: float | None = None
    prompt: str = ""
    answer: str = ""
    beside: str = ""
    meanwhile: str = ""
    leaves: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()


def blocks(page: Path, root: Path) -> Iterator[Block]:
    """Yield every fenced block of a page, whatever its language."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        yield Block(
            page=str(page.relative_to(root)),
            line=text.count("\n", 0, found.start()) + 1,
            language=found[2],
            text=found[3],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs scripts in bash, in one folder and one environment."""

    folder: Path
    env: Mapping[str, str]

    def run(self, block: Block, situation: Situation) -> Result:
        """Run the commands of a block to their end."""
        preamble = self.folder.parent / "preamble.sh"
        preamble.write_text(_PREAMBLE)
        env = {**situation.env, "BASH_ENV": str(preamble)}
        terminal = Terminal() if situation.prompt else None
        with ExitStack() as stack:
            if situation.beside:
                beside = stack.enter_context(self._start(f"exec {situation.beside}"))
                _wait_until(lambda: _is_serving(psutil.Process(beside.pid)))
            program = stack.enter_context(
                self._start(block.script, env=env, terminal=terminal)
            )
            if terminal is not None:
                program.wait_for(re.escape(situation.prompt))
                terminal.type(f"{situation.answer}\n")
            if block.serves:
                self._attend(program, situation.meanwhile, block.shown)
            return program.finish()

    def _start(
        self,
        script: str,
        *,
        env: Mapping[str, str] | None = None,
        terminal: Terminal | None = None,
    ) -> Program:
        return Program(
            ("bash", "-c", script),
            env={**self.env, **(env or {})},
            cwd=self.folder,
            terminal=terminal,
        )

    def _attend(self, program: Program, meanwhile: str, shown: list[str]) -> None:
        """Press Ctrl-C in a server once it has printed the expected lines."""
        ended: set[psutil.Process] = set()
        deadline = time.monotonic() + PATIENCE_S
        while program.process.poll() is None and time.monotonic() < deadline:
            for process in set(program.descendants()) - ended:
                if _is_serving(process):
                    if meanwhile:
                        with self._start(meanwhile) as other:
                            assert other.finish().exit_code == 0, other.output("stderr")
                    _wait_until(lambda: not missing(shown, program))
                    process.send_signal(signal.SIGINT)
                    ended.add(process)
            time.sleep(_LOOK_EVERY_S)


def _wait_until(is_so: Callable[[], bool]) -> None:
    """Return when it is so, or when nobody would wait any longer."""
    deadline = time.monotonic() + _SHOWN_WITHIN_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)


def _is_serving(process: psutil.Process) -> bool:
    """Say whether it is a `kling` that serves, and has opened its port."""
    try:
        words = process.cmdline()
        if "--" in words or not {"listen", "sandbox"} & set(words[2:3]):
            return False
        return any(
            each.status == psutil.CONN_LISTEN
            for each in process.net_connections("tcp4")
        )
    except psutil.Error:
        return False  # it has ended


def missing(shown: list[str], result: Program | Result) -> list[str]:
    """Return the expected lines that are missing, in this order."""
    if isinstance(result, Program):
        text = result.output("stderr") + result.output("stdout")
    else:
        text = result.stderr + result.stdout
    lines = iter([_masked(line) for line in text.splitlines()])
    return [line for line in shown if _masked(line) not in lines]


def _masked(line: str) -> str:
    for pattern, word in _VARYING.items():
        line = re.sub(pattern, word, line)
    return line
