"""However an owner ends, its agent ends too: at once, or when the next run begins."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kling_cli.tunnels.agents.orphans import end_orphans
from kling_cli.tunnels.ngrok.provider import NgrokProvider
from tests.support.agent import StandIn

PROGRAM = Path(__file__).parents[2] / "support/tunnel_owner.py"
Own = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def own(state_dir: Path, stand_in: StandIn) -> Iterator[Own]:
    """Give a way to start a process that owns a tunnel."""
    owners: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, str(PROGRAM), str(state_dir), str(stand_in.path)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        owners.append(subprocess.Popen(command, text=True, **streams))  # type: ignore[call-overload]  # streams are all alike
        return owners[-1]

    yield begin
    for owner in owners:
        owner.kill()
        owner.communicate()


def next_line(owner: subprocess.Popen[str]) -> str:
    assert owner.stdout is not None
    return owner.stdout.readline().strip()


def agents_below(folder: Path) -> list[psutil.Process]:
    """Return the processes, launchers included, that were started from `folder`."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if str(folder) in " ".join(process.info["cmdline"] or [])
        or str(folder) in (process.info["environ"] or {}).get("STAND_IN_NGROK", "")
    ]


@pytest.mark.parametrize(
    "what", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
)
def test_an_open_tunnel_does_not_outlive_its_owner(
    own: Own, stand_in: StandIn, what: signal.Signals
) -> None:
    owner = own()
    agent = stand_in.next_agent()
    agent.wait_online()

    owner.send_signal(what)

    assert agent.wait_gone()


@pytest.mark.parametrize("what", [signal.SIGTERM, signal.SIGKILL])
def test_a_silent_agent_does_not_outlive_its_owner(
    own: Own, stand_in: StandIn, what: signal.Signals
) -> None:
    stand_in.behave(start="silent")
    owner = own()
    agent = stand_in.next_agent()

    owner.send_signal(what)

    assert agent.wait_gone()


def test_an_agent_that_clings_to_life_is_ended_by_the_next_run(
    own: Own, stand_in: StandIn, state_dir: Path
) -> None:
    stand_in.behave(ignores_term=True)
    bystander = own()
    spared = stand_in.next_agent()
    spared.wait_online()
    owner = own()
    agent = stand_in.next_agent()
    agent.wait_online()
    owner.kill()
    owner.wait()

    assert psutil.pid_exists(agent.pid)
    assert end_orphans(state_dir) == 1

    assert agent.wait_gone()
    assert bystander.poll() is None
    assert psutil.pid_exists(spared.pid)
    names = [path.name for path in (state_dir / "agents").iterdir()]
    assert sorted(name.split("-")[0] for name in names) == [f"{spared.pid}.json", "run"]
    psutil.Process(spared.pid).kill()


@pytest.mark.anyio
async def test_the_next_run_gets_the_session_that_a_killed_one_held(
    own: Own, stand_in: StandIn, state_dir: Path
) -> None:
    stand_in.behave(ignores_term=True, max_sessions=1)
    owner = own()
    stand_in.next_agent().wait_online()
    owner.kill()
    owner.wait()

    provider = NgrokProvider(state_dir, ngrok_path=str(stand_in.path))
    async with provider.open(9, timeout_s=30) as tunnel:
        assert tunnel.public_url


@pytest.mark.parametrize("after_s", [0.05, 0.1, 0.14, 0.18, 0.22, 0.3])
def test_an_owner_killed_at_any_moment_of_opening_leaves_no_agent(
    own: Own, stand_in: StandIn, state_dir: Path, after_s: float
) -> None:
    stand_in.behave(start="silent")
    owner = own()
    assert next_line(owner) == "opening"
    with pytest.raises(subprocess.TimeoutExpired):
        owner.wait(after_s)

    owner.kill()
    owner.wait()

    _, alive = psutil.wait_procs(agents_below(stand_in.folder.parent), timeout=10)
    assert alive == []
    end_orphans(state_dir)
    assert not list(state_dir.glob("agents/*"))


def test_of_two_owners_with_one_session_the_second_is_told_so(
    own: Own, stand_in: StandIn
) -> None:
    stand_in.behave(max_sessions=1)
    first, second = own(), None
    assert (next_line(first), next_line(first)[:4]) == ("opening", "open")

    second = own()

    assert next_line(second) == "opening"
    assert next_line(second).startswith("TunnelTakenError: ")
    assert second.wait(10) == 0


def test_an_owner_says_nothing_of_its_own_on_stderr(
    own: Own, stand_in: StandIn
) -> None:
    owner = own()
    agent = stand_in.next_agent()
    agent.wait_online()
    agent.command("down")
    agent.command("die")
    agent.wait_gone()

    owner.terminate()

    assert owner.communicate()[1] == ""
