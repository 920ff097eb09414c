"""Ending what killed owners left, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kling_cli.tunnels.agents import orphans
from kling_cli.tunnels.agents.identity import Identity, identify

IGNORES_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
WAIT = "print(flush=True); input()"

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a way to start a process that waits; none of them outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str = "") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code + WAIT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def gone() -> Identity:
    """Return an owner that has ended, whoever may have its pid now."""
    us = identify(os.getpid())
    assert us is not None
    return Identity(us.pid, us.started_at - 3600)


def record(state_dir: Path, agent: Identity, owner: Identity) -> Path:
    """Write an agent down, as its owner does; return the folder made for it."""
    folder = orphans.folder_for_agents(state_dir) / f"run-{owner.pid}-x"
    folder.mkdir(exist_ok=True)
    orphans.write_record(state_dir, agent, owner, folder)
    return folder


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    found = identify(process.pid)
    assert found is not None
    return found


def test_an_agent_whose_owner_is_gone_is_ended(tmp_path: Path, start: Start) -> None:
    agent = start("")
    folder = record(tmp_path, identity_of(agent), gone())

    assert orphans.end_orphans(tmp_path) == 1

    assert identify(agent.pid) is None
    assert not folder.exists()
    assert list((tmp_path / "agents").iterdir()) == []


def test_an_agent_that_will_not_go_is_made_to(tmp_path: Path, start: Start) -> None:
    agent = start(IGNORES_TERM)
    record(tmp_path, identity_of(agent), gone())

    assert orphans.end_orphans(tmp_path) == 1

    assert identify(agent.pid) is None


def test_an_agent_whose_owner_lives_is_left_alone(tmp_path: Path, start: Start) -> None:
    agent, owner = start(""), start("")
    folder = record(tmp_path, identity_of(agent), identity_of(owner))

    assert orphans.end_orphans(tmp_path) == 0

    assert agent.poll() is None
    assert folder.exists()
    assert (tmp_path / "agents" / f"{agent.pid}.json").exists()


def test_another_process_that_has_the_agents_pid_now_is_left_alone(
    tmp_path: Path, start: Start
) -> None:
    other = start("")
    found = identity_of(other)
    record(tmp_path, Identity(found.pid, found.started_at - 60), gone())

    assert orphans.end_orphans(tmp_path) == 0

    assert other.poll() is None
    assert list((tmp_path / "agents").iterdir()) == []


def test_another_process_that_has_the_owners_pid_now_saves_nobody(
    tmp_path: Path, start: Start
) -> None:
    agent, other = start(""), identity_of(start(""))
    owner = Identity(other.pid, other.started_at - 60)
    record(tmp_path, identity_of(agent), owner)

    assert orphans.end_orphans(tmp_path) == 1

    assert identify(agent.pid) is None
    assert other.is_alive


def test_an_agent_that_leads_no_group_takes_nobody_with_it(tmp_path: Path) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    )  # in our own group
    record(tmp_path, identity_of(agent), gone())

    assert orphans.end_orphans(tmp_path) == 1

    assert identify(agent.pid) is None
    agent.communicate()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="half"),
        pytest.param("[]", id="a list"),
        pytest.param('{"pid": 1}', id="incomplete"),
    ],
)
def test_a_record_that_makes_no_sense_ends_nobody(tmp_path: Path, text: str) -> None:
    path = orphans.folder_for_agents(tmp_path) / "1.json"
    path.write_text(text)

    assert orphans.end_orphans(tmp_path) == 0

    assert not path.exists()


@pytest.mark.parametrize("name", ["", "..", "../../precious", "other"])
def test_a_record_cannot_have_another_folder_removed(tmp_path: Path, name: str) -> None:
    state_dir = tmp_path / "state"
    precious = tmp_path / "precious"
    precious.mkdir()
    path = orphans.folder_for_agents(state_dir) / "1.json"
    owner = {"owner_pid": gone().pid, "owner_started_at": gone().started_at}
    path.write_text(json.dumps({"pid": 1, "started_at": 0, "folder": name} | owner))

    orphans.end_orphans(state_dir)

    assert precious.is_dir()
    assert (state_dir / "agents").is_dir()


def test_a_folder_of_a_dead_owner_without_a_record_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    folder = orphans.folder_for_agents(tmp_path)
    (folder / f"run-{ended.pid}-x").mkdir()
    (folder / f"run-{os.getpid()}-x").mkdir()
    (folder / "run-what-x").mkdir()

    orphans.end_orphans(tmp_path)

    left = sorted(path.name for path in folder.iterdir())
    assert left == [f"run-{os.getpid()}-x", "run-what-x"]


def test_there_is_nothing_to_do_where_nothing_was_ever_started(tmp_path: Path) -> None:
    assert orphans.end_orphans(tmp_path / "never") == 0
    assert not (tmp_path / "never").exists()


def test_the_records_are_nobody_elses_business(tmp_path: Path) -> None:
    folder = orphans.folder_for_agents(tmp_path / "state")

    assert folder.stat().st_mode & 0o077 == 0


def test_an_agent_that_was_forgotten_is_not_sought(tmp_path: Path) -> None:
    record(tmp_path, gone(), gone())

    orphans.remove_record(tmp_path, gone().pid)
    orphans.remove_record(tmp_path, gone().pid)

    assert list((tmp_path / "agents").glob("*.json")) == []
