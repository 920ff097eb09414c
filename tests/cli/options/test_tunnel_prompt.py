"""Prompts before a tunnel is opened; a script is never asked."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from kling_cli.cli.options.tunnel_prompt import (
    OFFERED,
    is_tunnel_wanted,
    prepare_tunnel,
)
from kling_cli.jobs.job import RunOptions
from kling_cli.settings.settings import Settings, read_settings
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer, run_sandbox_server
from tests.support.ssh_server import ssh_server
from tests.support.terminal import Terminal


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server() as served:
        yield served


PROMPT = ("text2video", "A paper boat", "--tunnel", "ngrok")


def settings(**changes: Any) -> Settings:
    return replace(read_settings({}), **changes)


OPTIONS = RunOptions(command="text2video")


@pytest.mark.parametrize(
    ("known", "options", "expected"),
    [
        pytest.param(settings(), OPTIONS, True, id="auto"),
        pytest.param(
            settings(api_base="http://127.0.0.1:1"),
            OPTIONS,
            False,
            id="a sandbox on this machine",
        ),
        pytest.param(
            settings(is_sandbox=True),
            OPTIONS,
            False,
            id="a sandbox of its own",
        ),
        pytest.param(
            settings(), replace(OPTIONS, tunnel="ngrok"), True, id="--tunnel ngrok"
        ),
        pytest.param(settings(), replace(OPTIONS, tunnel="none"), False, id="none"),
        pytest.param(
            settings(),
            replace(OPTIONS, tunnel="ngrok", callback="off"),
            False,
            id="callbacks off",
        ),
        pytest.param(
            settings(),
            replace(OPTIONS, callback_url="https://hooks.example.com"),
            False,
            id="a way of one's own",
        ),
        pytest.param(
            settings(),
            replace(OPTIONS, is_waiting=False),
            False,
            id="nobody waits",
        ),
    ],
)
def test_a_tunnel_is_wanted_unless_the_options_or_the_account_need_none(
    known: Settings, options: RunOptions, *, expected: bool
) -> None:
    assert is_tunnel_wanted(known, options) is expected


def test_declining_the_offer_falls_back_to_polling(
    kling: Kling, sandbox: SandboxServer
) -> None:
    terminal = Terminal(streams=("stdin", "stderr"))

    with kling.start(*PROMPT, env=sandbox.env, terminal=terminal) as program:
        program.wait_for("Download it")
        terminal.type("n\n")
        result = program.finish()

    assert result.exit_code == 0
    assert result.stdout.endswith(".mp4\n")


def test_a_script_is_never_asked(kling: Kling, sandbox: SandboxServer) -> None:
    result = kling.run(*PROMPT, env=sandbox.env)

    assert result.exit_code == 0
    assert "Download it" not in result.stderr
    assert "ngrok" in result.stderr


@pytest.fixture
def known_service(own_home: Path) -> None:
    """Have the key of the service that is offered in `known_hosts`: none is fetched."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (own_home / ".ssh").mkdir()
    (own_home / ".ssh/known_hosts").write_text(f"{OFFERED} {key}")


YES = 'tunnel = "localhost.run"\n'
NO = "offer_tunnel = false\n"


@pytest.mark.usefixtures("known_service")
@pytest.mark.parametrize(("answer", "remembered"), [("y", YES), ("n", NO), ("", NO)])
def test_a_public_service_is_offered_once_and_the_answer_remembered(
    answer: str,
    remembered: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tunnel = OFFERED if remembered == YES else "auto"
    environ = {"KLING_CONFIG_DIR": str(tmp_path), "PATH": ""}
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))

    chosen = prepare_tunnel(read_settings(environ), "auto")
    first = capsys.readouterr()
    again = read_settings(environ)
    prepare_tunnel(again, again.tunnel)

    assert chosen == tunnel
    assert "needs no account? [y/N]" in first.err
    assert first.out == ""
    assert (tmp_path / "config.toml").read_text() == remembered
    assert capsys.readouterr().err == ""
    assert again.tunnel == tunnel


def test_an_unknown_key_is_shown_on_a_terminal_and_remembered(
    kling: Kling, own_home: Path
) -> None:
    with ssh_server(own_home) as server:
        server.welcome()
        (server.home / "known_hosts").unlink()
        script = kling.run("tunnel", "test", server.address)
        terminal = Terminal(streams=("stdin", "stderr"))
        typed = ("tunnel", "test", server.address)
        with kling.start(*typed, terminal=terminal) as program:
            program.wait_for(r"ssh-ed25519 SHA256:")
            program.wait_for(r"the right key\?")
            terminal.type("y\n")
            asked = program.finish()
        after = kling.run("tunnel", "test", server.address)

        assert (server.home / "known_hosts").read_text() == server.known_hosts_line
    assert (script.exit_code, asked.exit_code, after.exit_code) == (12, 0, 0)
    assert "is not known: ssh-ed25519 SHA256:" in script.stderr


def test_a_listener_offers_on_a_terminal_and_a_script_gets_the_hint(
    kling: Kling,
) -> None:
    env = {"PATH": "/nowhere"}
    script = kling.run("listen", env=env)
    terminal = Terminal(streams=("stdin", "stderr"))
    with kling.start("listen", env=env, terminal=terminal) as program:
        program.wait_for("needs no account")
        terminal.type("n\n")
        declined = program.finish()

    assert (script.exit_code, declined.exit_code) == (12, 12)
    assert "no tunnel is set up" in script.stderr
    assert "kling tunnel use localhost.run" in script.stderr
    assert "needs no account?" not in script.stderr
