"""Every hint with a command in it is run in the state that produced it.

The commands that messages may name are collected from the source; each is printed by
some scene here, which runs what was printed, in the same home and against the same
sandbox. A hint that is new is found by itself; without a scene it fails here.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import kling_cli
from kling_cli.cli.command_table import entries
from tests.support.images import png
from tests.support.in_process import run_in_process
from tests.support.recorder import Recorder, recorder
from tests.support.sandbox_server import API_KEY, SandboxServer, run_sandbox_server

NAMES = sorted((each.name for each in entries()), key=len, reverse=True)
COMMAND = re.compile(rf"\bkling (?:{'|'.join(NAMES)}|\{{\}})(?![\w-])[^;,`(|\n]*")
# The first word after a command that is no longer part of it.
PROSE = re.compile(
    r" (?:shows|lists|has|saves|opens|looks|receives|sends?|tries|asks|waits|to|again"
    r"|with|then|another|does)\b.*| - .*| or .*"
)

# What is not run here, and why.
EXEMPT = {
    'kling text2video "A paper boat on a rainy street" --sandbox': "an example of help",
    "kling models": "at the end of a help text",
    "kling models MODEL": "below a table, on a terminal only",
    "kling sandbox": "serves until Ctrl-C",
    "kling listen": "serves until Ctrl-C",
    "kling listen --rotate-token": "serves until Ctrl-C",
    "kling trigger": "beside `kling listen`; run as `kling trigger succeeded` here",
    "kling sandbox --help": "of options that no command line can say",
    "kling auth logout": "of a credential store that is damaged",
    "kling auth login {} < FILE": "of a key typed at a terminal",
    "kling auth login --no-verify": "of a key typed at a terminal",
    "kling account balance": "of an account without packs; the sandbox has some",
    "kling events show {}": "of a body too long to be shown",
    "kling replay --failed": "of a handler that never answers",
    "kling download {} --open": "opens a program of the desktop",
    "kling wait {} --open": "opens a program of the desktop",
    "kling tunnel test {}": "of an ssh server; run by test_tunnel_prompt.py",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A line that fails, or finds nothing, and the commands that it is to name.

    `before` is run first. A signal comes once a request of the kind `stop_at` was
    answered so often. Afterwards all goes well again, and what was printed is run: it
    ends with one of the codes `then`.
    """

    line: str
    hints: tuple[str, ...] = ()
    code: int
    before: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    stop_at: tuple[str, int] | None = None
    env: tuple[tuple[str, str], ...] = ()
    then: tuple[int, ...] = (0,)
    is_again: bool = False


MAKE = 'kling text2video "a boat" --external-id mine --callback off'
CALLED_BACK = 'kling text2video "a boat" --external-id mine'
LEAVE = f"{MAKE} --no-wait"
SCENES = {
    "stopped while it waits": Scene(
        line=MAKE, faults=("task:stuck",), stop_at=("query", 1), code=130,
        hints=("kling wait {}",),
    ),
    "stopped while the create call is out and arrives": Scene(
        line=MAKE, faults=("create:accept-hang",), stop_at=("create", 1), code=130,
        hints=("kling wait {}",),
    ),
    "stopped while the create call is out and is lost": Scene(
        line=MAKE, faults=("create:hang",), stop_at=("create", 1), code=130,
        hints=("kling wait {}",), then=(6,),
    ),
    "stopped while it waits for a slot": Scene(
        line=MAKE, faults=("create:1303x0",), stop_at=("create", 1), code=130,
        is_again=True,
    ),
    "a job that never arrived, waited for": Scene(
        line="kling wait mine", code=6,
        before=(f"{MAKE} --timeout 1 # create:500x0",),
    ),
    "the time is over": Scene(
        line=f"{MAKE} --timeout 1", faults=("task:stuck",), code=5,
        hints=("kling wait {}",),
    ),
    "the outcome is unknown": Scene(
        line=f"{MAKE} --timeout 1", faults=("create:accept-reset", "query:500x0"),
        code=11, hints=("kling wait {}",),
    ),
    "no slot": Scene(
        line=f"{MAKE} --timeout 1", faults=("create:1303x0",), code=7,
        hints=("kling list",),
    ),
    "refused, and run again": Scene(
        line=MAKE, faults=("create:1201",), code=2, is_again=True
    ),
    "the key is refused": Scene(
        line="kling status mine", before=(LEAVE,), faults=("query:1002x0",), code=3,
        hints=("kling auth status", "kling auth login"),
    ),
    "nobody is logged in": Scene(
        line=MAKE, env=(("KLING_API_KEY", ""),), code=3, hints=("kling auth login",)
    ),
    "the connection breaks": Scene(
        line="kling status mine", before=(LEAVE,), faults=("query:resetx0",), code=6,
        hints=("kling doctor",),
    ),
    "stopped while it saves": Scene(
        line=MAKE, faults=("download:hang",), stop_at=("download", 1), code=130,
        hints=("kling download {}",),
    ),
    "nothing to save yet": Scene(
        line="kling download mine", before=(LEAVE,), faults=("task:stuck",), code=9,
        hints=("kling wait {}",),
    ),
    "nobody knows the task": Scene(
        line="kling status nobody", code=2, hints=("kling list",)
    ),
    "the external id was used": Scene(
        line=MAKE, before=(LEAVE,), code=2, hints=("kling status {}",)
    ),
    "a local file where Kling fetches": Scene(
        line="kling video-to-audio film.mp4", before=(LEAVE,), code=2,
        hints=("kling status TASK_ID",),
    ),
    "a task that has not made a video yet": Scene(
        line="kling video-extend mine", before=(LEAVE,), faults=("task:stuck",), code=2,
        hints=("kling wait {}", "kling status {}"),
    ),
    "no last task": Scene(line="kling status last", code=2, hints=("kling list",)),
    "no last task of a sandbox": Scene(
        line="kling status last --sandbox", code=2, hints=("kling list --sandbox",)
    ),
    "nothing to wait for": Scene(
        line="kling wait", before=(MAKE,), code=0, hints=("kling wait TASK_ID",)
    ),
    "an empty task id": Scene(line="kling status ''", code=2, hints=("kling list",)),
    "no such callback": Scene(
        line="kling events show 99", code=2, hints=("kling events",)
    ),
    "no callback to replay": Scene(
        line="kling replay 99", code=2, hints=("kling events",)
    ),
    "replay of nothing": Scene(
        line="kling replay", code=2, hints=("kling replay last",), then=(2,)
    ),
    "exported in no way": Scene(
        line="kling events export", code=2, hints=("kling events export --jsonl",)
    ),
    "a path that has placeholders": Scene(
        line="kling api GET /tasks/{id}", code=2,
        hints=("kling api GET /tasks -f task_ids=ID",), before=(LEAVE,),
    ),
    "a method that is none": Scene(
        line="kling api FETCH /tasks", code=2,
        hints=("kling api GET /tasks -f task_ids=988755600534027551",),
    ),
    "no scenario": Scene(
        line="kling trigger --to http://127.0.0.1:9", code=2,
        hints=("kling trigger succeeded",), then=(6,),
    ),
    "all scenarios and one": Scene(
        line="kling trigger succeeded --all", code=2, hints=("kling trigger --all",),
        then=(6,),
    ),
    "no request": Scene(line="kling run", code=2, hints=("kling run FILE.json",)),
    "no command of a group": Scene(
        line="kling auth", code=2, hints=("kling auth --help",)
    ),
    "no such model": Scene(
        line="kling models nothing-like-it", code=2, hints=("kling models",)
    ),
    "an empty list": Scene(
        line="kling list --status failed", before=(MAKE,), code=0,
        hints=("kling list", "kling list --remote"),
    ),
    "nothing was spent": Scene(
        line="kling account balance --since 1h", code=0,
        hints=("kling account packs",),
    ),
    "no voices of one's own": Scene(
        line="kling voices --own", code=0, hints=("kling {} create --help",)
    ),
    "no such voice": Scene(
        line="kling voices show 1", code=2, hints=("kling {}", "kling list")
    ),
    "no voice to delete": Scene(
        line="kling voices delete 1 --yes", code=2, hints=("kling {} --own",)
    ),
    "a file of a job that was not submitted": Scene(
        line="kling open mine", before=(f"{MAKE} # create:1201",), code=2,
        hints=("kling list --search {}",),
    ),
    "nobody to type a key": Scene(
        line="kling auth login", code=2, hints=("kling auth login --with-key < FILE",)
    ),
    "nobody to ask whether to delete": Scene(
        line="kling voices delete 1", code=2, hints=("kling {} delete {} --yes",),
        then=(2,),
    ),
    "a raw call in doubt": Scene(
        line="kling api POST /text-to-video/kling-3.0-turbo -f prompt=boat",
        faults=("create:accept-reset",), code=11, hints=("kling list --remote",),
    ),
    "a raw call of the older kind in doubt": Scene(
        line="kling api POST /v1/videos/image2video -f image=https://a.test/b.png"
        " -f model_name=kling-v3 -f prompt=boat",
        faults=("create:accept-reset",), code=11, hints=("kling api GET {}",),
    ),
    "a callback that was passed on nowhere": Scene(
        line="kling replay last", before=(CALLED_BACK,), code=2,
        hints=("kling replay {} --to 3000",), then=(6,),
    ),
    "a body that has no such place": Scene(
        line="kling replay last --to 9 --set id.place=1", before=(CALLED_BACK,),
        code=2, hints=("kling events show N",),
    ),
    "nobody takes a callback": Scene(
        line="kling listen --no-token --forward-to APP/x -- kling trigger succeeded",
        code=0, hints=("kling replay {}",),
    ),
    "a tunnel that is none": Scene(
        line="kling tunnel test none", code=2, hints=("kling tunnel list",)
    ),
    "no such effect": Scene(
        line="kling effects zzzzz cat.png", code=2, hints=("kling {} --list",)
    ),
    "no tunnel is set up": Scene(
        line="kling tunnel test", env=(("PATH", "/nowhere"),), code=12,
        hints=("kling tunnel list", "kling tunnel use localhost.run"),
    ),
}  # fmt: skip


def templates() -> set[str]:
    """Return the commands that strings of the source name, `{}` where a value goes."""
    found: set[str] = set()
    for path in Path(kling_cli.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in _strings(tree):
            found.update(commands_in(_text(node)))
    return found


def _strings(node: ast.AST) -> Iterator[ast.expr]:
    """Yield strings but for docstrings and the help of options and groups."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(
            child.value, ast.Constant
        )
        is_help = (isinstance(child, ast.keyword) and child.arg == "help") or (
            isinstance(child, ast.Call) and ast.unparse(child.func) == "GroupHelp"
        )
        if not is_docstring and not is_help:
            yield from _strings(child)


def _text(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
    )


def commands_in(text: str) -> list[str]:
    """Return the commands that a text names, without the surrounding words."""
    return [PROSE.sub("", each).strip(" .)") for each in COMMAND.findall(text)]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server(task_seconds=0.05) as served:
        yield served


@pytest.fixture
def app() -> Iterator[Recorder]:
    """Serve an app that accepts no callback."""
    with recorder() as there:
        there.statuses[:] = [500]
        yield there


@pytest.fixture
def here(
    sandbox: SandboxServer, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    folder = own_home / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    environment = {
        **sandbox.env,
        "KLING_STATE_DIR": str(own_home / "state"),
        "KLING_CONFIG_DIR": str(own_home / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "NO_COLOR": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (folder / "key.txt").write_text(API_KEY)
    (folder / "cat.png").write_bytes(png())
    (folder / "FILE.json").write_text(
        '{"product": "text2video", "fields": {"prompt": "a boat"}}'
    )
    return folder


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs lines in this process as a shell would, beside `sandbox` and `app`."""

    sandbox: SandboxServer
    app: Recorder
    here: Path

    def run(self, line: str) -> tuple[int, str]:
        """Return the exit code and stderr; the key is on standard input."""
        line, _, faults = line.partition(" # ")
        self.sandbox.faults(*faults.split())
        line = line.partition(" < ")[0]
        key = (self.here / "key.txt").read_bytes()
        result = run_in_process(shlex.split(line)[1:], stdin=key)
        return result.exit_code, result.stderr

    def recover(self) -> None:
        """Remove all faults; jobs that were stuck succeed."""
        self.sandbox.faults()
        self.app.statuses[:] = [200]
        for task in self.sandbox.tasks:
            if task["status"] not in ("succeeded", "failed"):
                self.sandbox.end(task["id"])

    def filled_in(self, command: str) -> str:
        """Return the command with its placeholders filled in."""
        ids = [task["id"] for task in self.sandbox.tasks]
        known = re.sub(r"\b(TASK_ID|ID)\b", ids[-1] if ids else "1", command)
        known = re.sub(r"\bN\b", "1", known)
        is_typed_into = known == "kling auth login"  # and here is no terminal
        return f"{known} --with-key" if is_typed_into else known


@pytest.fixture
def shell(sandbox: SandboxServer, app: Recorder, here: Path) -> Shell:
    return Shell(sandbox, app, here)


@contextmanager
def stopped(sandbox: SandboxServer, at: tuple[str, int] | None) -> Iterator[None]:
    """Send this process SIGINT once so many requests of a kind came within."""
    if at is None:
        yield
        return
    kind, times = at
    wanted = sandbox.counts.get(kind, 0) + times

    def stop() -> None:
        sandbox.wait_until(lambda state: state["counts"][kind] >= wanted)
        threading.Event().wait(0.3)  # for the answer to arrive
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("name", SCENES)
def test_what_a_hint_says_can_be_done(
    name: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SCENES[name]
    line = scene.line.replace("APP", shell.app.url)
    of_tasks = [each for each in scene.faults if each.startswith("task:")]
    for each in scene.before:
        shell.run(each if " # " in each else f"{each} # {' '.join(of_tasks)}")

    with monkeypatch.context() as changed, stopped(shell.sandbox, scene.stop_at):
        for key, value in scene.env:
            changed.setenv(key, value)
        code, printed = shell.run(f"{line} # {' '.join(scene.faults)}")

    assert code == scene.code, printed
    hints = commands_in(printed)
    for hint in scene.hints:
        form = re.compile(re.escape(hint).replace(r"\{\}", ".*"))
        assert any(form.fullmatch(each) for each in hints), (hint, hints, printed)
    shell.recover()
    for command in [line] if scene.is_again else hints:
        code, printed = shell.run(shell.filled_in(command))
        assert code in scene.then, (command, printed)


def test_every_command_that_a_message_names_is_tried() -> None:
    tried = {hint for scene in SCENES.values() for hint in scene.hints}

    assert templates() - tried - set(EXEMPT) == set()
    assert (tried | set(EXEMPT)) - templates() == set()  # nothing of the past
