"""Scenarios C2 to C5: pipes, dumb terminals, closed pipes, shell errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.assertions import (
    CONTROL,
    KEYS,
    PROMPT,
    is_whole_video,
    one_task,
    saved,
)
from tests.scenarios.conftest import NGROK_TOKEN
from tests.support import sandbox_server
from tests.support.agent import StandIn
from tests.support.kling import Kling
from tests.support.program import Program, Result
from tests.support.sandbox_server import SandboxServer
from tests.support.terminal import Terminal

WEBHOOK_SECRET = "whsec_dGhlLXdlYmhvb2stc2VjcmV0LW9mLXRoZS10ZXN0cw=="


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({}, id="pipes"),
        pytest.param({"TERM": "dumb"}, id="dumb"),
        pytest.param({"NO_COLOR": "1", "TERM": "xterm-256color"}, id="no color"),
        pytest.param({"COLUMNS": "40", "TERM": "xterm-256color"}, id="narrow"),
    ],
)
def test_c02_without_a_terminal_lines_are_plain_and_whole(
    env: dict[str, str], kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run_process(*PROMPT, env=env)

    path = saved(kling, result)
    task = one_task(sandbox)
    assert not CONTROL.search(result.stdout + result.stderr)
    assert result.stdout == f"{path.name}\n"
    assert any(task["id"] in line for line in result.stderr.splitlines())
    assert any(line.startswith("saved ") for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    ("env", "may_have_codes"),
    [
        pytest.param({"TERM": "dumb"}, False, id="dumb"),
        pytest.param({"TERM": "xterm-256color"}, True, id="clever"),
    ],
)
def test_c02_a_terminal_gets_codes_only_if_it_knows_them(
    env: dict[str, str], may_have_codes: bool, kling: Kling, sandbox: SandboxServer
) -> None:
    terminal = Terminal(columns=40)

    with kling.start(*PROMPT, env=env, terminal=terminal) as program:
        result = program.finish()

    assert is_whole_video(kling.here / result.stdout.rstrip("\n"))
    shown = result.stderr.replace("\r\n", "\n")
    assert bool(CONTROL.search(shown)) == may_have_codes
    unwrapped = re.sub(r"\s|\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert one_task(sandbox)["id"] in unwrapped


def test_c02_there_is_no_prompt_without_a_terminal(
    kling: Kling, stand_in: StandIn
) -> None:
    missing = {"PYNGROK_NGROK_PATH": None, "PATH": os.path.dirname(sys.executable)}  # noqa: PTH120 -- a plain text

    result = kling.run_process(*PROMPT, "--tunnel", "ngrok", env=missing, timeout_s=20)

    assert result.exit_code == 0
    assert "no callbacks; polling" in result.stderr
    assert "?" not in result.stderr
    assert stand_in.count_started() == 0


def deaf(kling: Kling, *args: str) -> Result:
    """Run `kling ARGS` with a stdout whose reader is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            kling.command(*args),
            env=kling.env,
            cwd=kling.here,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    result = Result(
        args=args,
        exit_code=ended.returncode,
        stdout="",
        stderr=ended.stderr,
        elapsed_s=0.0,
    )
    kling.results.append(result)
    return result


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("list",), id="list"),
        pytest.param(("list", "--json"), id="list as JSON"),
        pytest.param(("--help",), id="help"),
        pytest.param(("status", "999", "--json"), id="failure as JSON"),
        pytest.param((*PROMPT, "--json"), id="job as JSON"),
        pytest.param(PROMPT, id="job"),
    ],
)
def test_c03_a_reader_that_goes_away_is_no_failure_to_speak_of(
    args: tuple[str, ...], kling: Kling, sandbox: SandboxServer
) -> None:
    kling.run(*PROMPT, "--no-wait")

    result = deaf(kling, *args)

    assert result.exit_code != 1
    assert "BrokenPipe" not in result.stderr


def test_c03_head_takes_one_line_of_the_list(
    kling: Kling, sandbox: SandboxServer
) -> None:
    for _ in range(3):
        kling.run(*PROMPT, "--no-wait")
    command = f"{shlex.join(kling.command('list'))} | head -1"
    env = {**kling.env, "PYTHONUNBUFFERED": "1"}

    with Program(("bash", "-c", command), env=env, cwd=kling.here) as shell:
        result = shell.finish()

    kling.results.append(result)
    assert len(result.lines) == 1
    assert result.stderr == ""


def objects(text: str) -> list[dict[str, Any]]:
    """Return the consecutive JSON values in `text`."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        found.append(value)
        at = end + 1  # the line feed between them
    return found


@pytest.mark.timeout(300)
@pytest.mark.sandbox(slots=40, task_seconds=0.3)
def test_c04_forty_prompts_through_xargs(kling: Kling, sandbox: SandboxServer) -> None:
    sandbox.faults("task:failedx3")
    prompts = "".join(f"prompt {number}\n" for number in range(40))
    command = ("xargs", "-P", "8", "-I{}", *kling.command("text2video", "{}", "--json"))

    with Program(
        command, env=kling.env, cwd=kling.here, stdin=prompts.encode()
    ) as xargs:
        result = xargs.finish(280)

    kling.results.append(result)
    found = objects(result.stdout)
    assert len(found) == 40
    assert {frozenset(one) for one in found} == {KEYS}
    assert {one["task_id"] for one in found} == {task["id"] for task in sandbox.tasks}
    assert sorted(one["status"] for one in found) == ["failed"] * 3 + ["succeeded"] * 37
    assert len(kling.files("*.mp4")) == 37
    assert result.exit_code == 123  # of xargs: some ended with 1 to 125


@pytest.mark.sandbox(webhook_secrets=(WEBHOOK_SECRET,), task_seconds=3)
def test_c05_no_secret_is_seen_while_a_job_runs(
    kling: Kling, sandbox: SandboxServer, stand_in: StandIn
) -> None:
    kling.secrets.add("the webhook secret", WEBHOOK_SECRET)
    env = {**stand_in.env, "KLING_WEBHOOK_SECRET": WEBHOOK_SECRET, "KLING_DEBUG": "1"}

    with kling.start(*PROMPT, "--tunnel", "ngrok", "--json", env=env) as program:
        agent = stand_in.next_agent()
        program.wait_for("submitted")
        mac = one_task(sandbox)["callback_url"].rpartition("/")[2]
        kling.secrets.add("the mac of the callback", mac)
        shown = [" ".join(one.cmdline()) for one in kling.processes()]
        result = program.finish()

    assert agent.token == NGROK_TOKEN
    assert len(shown) >= 2
    assert kling.secrets.found_in("\n".join(shown).encode()) == []
    assert result.json()["completed_by"] == "callback"
    assert {one["answer"] for one in sandbox.state()["callbacks"]} == {200}
    assert kling.check() == []


def test_c05_the_older_keys_and_their_tokens_are_seen_nowhere(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("query:1004", "query:junk")

    result = kling.run_process(*PROMPT, "--callback", "off", env=sandbox.pair_env)

    saved(kling, result)
    assert kling.check() == []


def test_c05_a_crash_tells_no_secret(kling: Kling, sandbox: SandboxServer) -> None:
    kling.state_dir.mkdir()
    (kling.state_dir / "journal.db").mkdir()  # nobody expects a folder there

    result = kling.run_process(*PROMPT)

    assert result.exit_code not in (0, 1)
    assert "hint:" in result.stderr
    assert kling.check() == []


def test_c05_a_login_is_kept_where_only_its_owner_reads(
    kling: Kling, own_home: Path
) -> None:
    env: dict[str, str | None] = {"KLING_API_KEY": None}
    key = sandbox_server.API_KEY.encode()

    login = kling.run_process("auth", "login", "--with-key", stdin=key + b"\n", env=env)
    used = kling.run_process(*PROMPT, env=env)

    assert login.exit_code == 0, login
    saved(kling, used)
    holders = [
        path
        for path in own_home.rglob("*")
        if path.is_file() and key in path.read_bytes()
    ]
    assert [path.stat().st_mode & 0o777 for path in holders] == [0o600]
