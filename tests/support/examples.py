"""The surroundings of the examples in help texts and documents.

That is a sandbox with an account, an app, a finished job, kept callbacks, and a value
for each placeholder: `FILES`, `KINDS` and `TEXTS` are the one table of those.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import typer

from kling_cli.cli.app import app
from tests.support import agent as agents, sandbox_server
from tests.support.images import jpeg, png
from tests.support.kling import Kling
from tests.support.opener import put_opener
from tests.support.recorder import Recorder, recorder
from tests.support.sandbox_server import SandboxServer, run_sandbox_server
from tests.support.sounds import mp3, wav

Names = tuple[str, ...]

JOB = "boat-1"  # the external id of a job that has ended well
TASK_S = 0.05

# A file that an example names is there: by its name, or else by its suffix.
FILES = {
    "key.txt": sandbox_server.API_KEY.encode(),
    "request.json": json.dumps(
        {"product": "text2video", "fields": {"prompt": "A paper boat"}}
    ).encode(),
    # what a shell, `xargs` or an option parser would spoil
    "prompts.txt": '"Stop", it\'s \\late\\ and   $5\n-n is no option; 漢 *\n'.encode(),
    "test_callbacks.py": b"""
import os, urllib.request
def test_the_handler():
    urllib.request.urlopen(os.environ["KLING_CALLBACK_URL"], b'{"task_id": "t"}')
""",
}
KINDS = {
    ".png": png(),
    ".jpg": jpeg(),
    ".mp3": mp3(3),
    ".wav": wav(3),
    ".txt": b"A paper boat\n",
}
# What stands for a value of the reader's own, and the value.
TEXTS = {
    "KLING_API_KEY=…": f"KLING_API_KEY={sandbox_server.API_KEY}",
    "NGROK_AUTHTOKEN=…": "NGROK_AUTHTOKEN=2ngrokTokenOfTheExamples_1618033988749894",
    "whsec_…": "whsec_dGhlLXdlYmhvb2stc2VjcmV0LW9mLXRoZS10ZXN0cw==",
    "tests/callbacks": "test_callbacks.py",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A sandbox, an app that accepts callbacks, and a state folder with a history."""

    sandbox: SandboxServer
    app: Recorder
    state_dir: Path


@contextmanager
def surroundings(home: Path) -> Iterator[Surroundings]:
    """Serve sandbox and app, with one finished job and stored callbacks."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(
            run_sandbox_server(task_seconds=TASK_S, has_seed_data=True)
        )
        there = stack.enter_context(recorder())
        there.statuses = [500, 200]  # so that there is a failed delivery
        kling = Kling(home, {**sandbox.env, **on_path()})
        listening = ("listen", "--no-token", "--forward-to", f"{there.url}/callback")
        for command in (
            ("text2video", "A paper boat", "--external-id", JOB),
            (*listening, "--", "kling", "trigger", "lifecycle"),
        ):
            result = kling.run(*command)
            assert result.exit_code == 0, result
        yield Surroundings(sandbox=sandbox, app=there, state_dir=kling.state_dir)


def environment(surroundings: Surroundings, home: Path) -> dict[str, str]:
    """Return the environment of a user with an account, with this home."""
    programs = put_opener(home / "bin").parent
    agents.write_program(programs, "cloudflared")
    return {
        **surroundings.sandbox.env,
        **on_path(programs),
        "KLING_STATE_DIR": str(home / "state"),
        "KLING_CONFIG_DIR": str(home / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def on_path(*folders: Path) -> dict[str, str]:
    """Put the `kling` of this interpreter first on PATH."""
    first = map(str, (*folders, Path(sys.executable).parent))
    return {"PATH": os.pathsep.join((*first, os.environ["PATH"]))}


def make_files(folder: Path, text: str) -> None:
    """Make every file that an example names, by its name or by its kind."""
    for word in re.findall(r"(?<![\w/:.])[\w/.-]+\.\w+", text):
        path = PurePath(word)
        content = FILES.get(path.name, KINDS.get(path.suffix))
        if content is not None:
            (folder / path.name).write_bytes(content)


def commands() -> Iterator[tuple[Names, str]]:
    """Yield every command that is no group, as it is typed, with its help."""
    yield from _below(typer.main.get_command(app), (), None)


def _below(command: Any, names: Names, parent: Any) -> Iterator[tuple[Names, str]]:
    context = command.make_context(
        (names or ("kling",))[-1], [], parent=parent, resilient_parsing=True
    )
    members = getattr(context.command, "commands", None)
    if members is None:
        yield names, context.command.help or ""
        return
    for name, member in members.items():
        if (*names, name) != ("login",):  # another name of `auth login`
            yield from _below(member, (*names, name), context)


def examples_in(text: str) -> list[str]:
    """Return the lines of a help text that can be typed."""
    lines = text.splitlines()
    return [line.strip() for line in lines if line.strip().startswith("kling ")]


HELP = dict(commands())
EXAMPLES = [(names, line) for names in HELP for line in examples_in(HELP[names])]
