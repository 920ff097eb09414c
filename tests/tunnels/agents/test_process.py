"""An agent's pid is known before it begins, and its end is certain."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kling_cli.tunnels.agents.process import SupervisedProcess
from tests.support.agent import StandIn

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefgh"


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def ended() -> threading.Event:
    """Be set when the supervisor reports that its agent has ended."""
    return threading.Event()


@pytest.fixture
def supervised(
    state_dir: Path, stand_in: StandIn, ended: threading.Event
) -> Iterator[SupervisedProcess]:
    made = SupervisedProcess(
        state_dir,
        agent=stand_in.path,
        environ={"NGROK_AUTHTOKEN": TOKEN},
        on_end=ended.set,
    )
    yield made
    made.close()


Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(supervised: SupervisedProcess) -> Iterator[Start]:
    """Give a way to start the program as pyngrok does."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "start_new_session": True}
        started.append(subprocess.Popen([supervised.program, "start", "--none"], **how))
        return started[-1]

    yield begin
    supervised.kill()
    for process in started:
        process.wait(10)


def test_the_agent_is_the_process_that_was_started(
    supervised: SupervisedProcess, start: Start, stand_in: StandIn
) -> None:
    process = start()

    agent = stand_in.next_agent()

    assert agent.pid == process.pid
    assert agent.argv[1:] == ["start", "--none"]
    assert supervised.identity is not None
    assert supervised.identity.pid == process.pid


def test_an_agent_is_written_down_before_it_begins(
    state_dir: Path, start: Start, stand_in: StandIn
) -> None:
    start()

    agent = stand_in.next_agent()

    written = json.loads((state_dir / f"agents/{agent.pid}.json").read_text())
    assert written["pid"] == agent.pid


def test_the_token_is_in_the_agents_environment_and_nowhere_else(
    state_dir: Path, start: Start, stand_in: StandIn
) -> None:
    start()

    agent = stand_in.next_agent()

    assert agent.token == TOKEN
    assert TOKEN not in " ".join(agent.argv)
    files = [path for path in state_dir.rglob("*") if path.is_file()]
    assert files
    assert not any(TOKEN in path.read_text() for path in files)


def test_the_agent_is_not_told_our_own_secrets(
    start: Start, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING_API_KEY", "sk-made-up")
    monkeypatch.setenv("HARMLESS", "yes")
    start()

    environ = stand_in.next_agent().environ

    assert "HARMLESS" in environ
    assert not [name for name in environ if name.startswith("KLING_")]


def test_killing_ends_a_silent_agent(
    supervised: SupervisedProcess,
    start: Start,
    stand_in: StandIn,
    ended: threading.Event,
) -> None:
    stand_in.behave(start="silent", ignores_term=True)
    start()
    agent = stand_in.next_agent()

    supervised.kill()

    assert agent.wait_gone()
    assert ended.wait(10)


def test_a_kill_before_the_start_keeps_the_agent_from_beginning(
    supervised: SupervisedProcess,
    start: Start,
    stand_in: StandIn,
    ended: threading.Event,
) -> None:
    supervised.kill()

    assert start().wait(10) == 1
    assert stand_in.count_started() == 0
    assert not ended.is_set()


def test_one_agent_is_started_only(start: Start, stand_in: StandIn) -> None:
    """Some calls of pyngrok start another agent when theirs has died."""
    start()
    stand_in.next_agent()

    assert start().wait(10) == 1
    assert stand_in.count_started() == 1


def test_an_agent_that_cannot_be_written_down_does_not_begin(
    supervised: SupervisedProcess, start: Start, stand_in: StandIn
) -> None:
    (supervised.folder / "record.part").mkdir()

    assert start().wait(10) == 1
    assert stand_in.count_started() == 0


def test_a_launcher_that_is_gone_when_it_is_answered_is_no_agent(
    supervised: SupervisedProcess,
    start: Start,
    stand_in: StandIn,
    ended: threading.Event,
) -> None:
    (supervised.folder / "hello").write_bytes(b"4194305\n")  # nobody's pid

    assert start().wait(10) == 1
    assert stand_in.count_started() == 0
    assert not ended.is_set()


def test_the_end_of_an_agent_is_news_at_once(
    start: Start, stand_in: StandIn, ended: threading.Event
) -> None:
    process = start()

    stand_in.next_agent().command("die")

    assert ended.wait(10)
    assert process.wait(10) == 1


def test_nothing_is_left_when_it_is_closed(
    supervised: SupervisedProcess, start: Start, stand_in: StandIn, state_dir: Path
) -> None:
    start()
    agent = stand_in.next_agent()

    supervised.close()

    assert agent.wait_gone()
    assert list((state_dir / "agents").iterdir()) == []


def test_the_folder_made_for_an_agent_is_closed_to_others(
    supervised: SupervisedProcess,
) -> None:
    assert supervised.folder.stat().st_mode & 0o077 == 0
    assert supervised.program.stat().st_mode & 0o777 == 0o700


def test_what_the_agent_says_on_stderr_is_not_ours(
    start: Start, stand_in: StandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.behave(start="exit")

    start().wait(10)

    assert capfd.readouterr() == ("", "")
