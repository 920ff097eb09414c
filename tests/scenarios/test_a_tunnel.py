"""Scenarios A7, A8, A19: the tunnel that fails, dies, and is shared; every provider."""

from __future__ import annotations

import contextlib

import pytest

from tests.scenarios.assertions import (
    PROMPT,
    document,
    is_journal_sound,
    is_whole_video,
    listed,
    one_task,
    saved,
)
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer
from tests.support.tunnels import FAILURES, NAMES, AgentStandIn, TunnelStandIn

START_UP_S = 4.0  # of the interpreter, measured, on a machine with other things to do

of_every_provider = pytest.mark.parametrize("tunnel", NAMES, indirect=True)
WAYS = [
    pytest.param(name, how, id=f"{name}, {how}")
    for name, ways in FAILURES.items()
    for how in ways
]


@pytest.mark.parametrize(("tunnel", "how"), WAYS, indirect=["tunnel"])
def test_a07_without_a_tunnel_the_job_is_polled(
    tunnel: TunnelStandIn, how: str, kling: Kling, sandbox: SandboxServer
) -> None:
    tunnel.break_start(how)

    with kling.start(*PROMPT, *tunnel.args, env=tunnel.env) as program:
        program.wait_for("submitted", timeout_s=8 + START_UP_S)
        result = program.finish()

    saved(kling, result)
    assert one_task(sandbox)["callback_url"] is None
    assert result.stderr.count("no callbacks; polling") == 1
    assert result.stderr.count("warning:") <= 1


@pytest.mark.parametrize(
    ("tunnel", "how"),
    [*WAYS[: len(FAILURES["ngrok"])], ("cloudflared", "429"), ("ssh", "unknown key")],
    indirect=["tunnel"],
)
def test_a07_who_requires_a_tunnel_spends_nothing_without_one(
    tunnel: TunnelStandIn, how: str, kling: Kling, sandbox: SandboxServer
) -> None:
    tunnel.break_start(how)

    result = kling.run_process(
        *PROMPT, *tunnel.args, "--callback", "require", "--json", env=tunnel.env
    )

    found = document(result)
    assert result.exit_code == 12
    assert found["error"]["type"] == "tunnel"
    assert found["error"]["hint"]
    assert sandbox.counts["create"] == 0


@of_every_provider
def test_a07_with_a_tunnel_callbacks_come_through_it(
    tunnel: TunnelStandIn, kling: Kling, sandbox: SandboxServer
) -> None:
    args = (*PROMPT, *tunnel.args, "--json")
    with kling.start(*args, env=tunnel.env) as program:
        public_url = tunnel.wait_online()
        result = program.finish()

    found = document(result)
    assert found["completed_by"] == "callback"
    assert one_task(sandbox)["callback_url"].startswith(
        public_url + "/callback/text2video/"
    )
    assert tunnel.is_gone()


@of_every_provider
def test_a08_a_tunnel_that_is_lost_is_made_up_for(
    tunnel: TunnelStandIn, kling: Kling, sandbox: SandboxServer
) -> None:
    """Callbacks have arrived, so that the next poll is far off."""
    sandbox.faults("task:stuck")

    with kling.start(*PROMPT, *tunnel.args, env=tunnel.env) as program:
        tunnel.wait_online()
        program.wait_for("polling less")
        program.wait_for(r"\d processing\n")
        before = sandbox.counts["query"]
        tunnel.lose()
        program.wait_for("callbacks is lost")
        sandbox.wait_until(lambda state: state["counts"]["query"] >= before + 3)
        sandbox.end(one_task(sandbox)["id"])
        result = program.finish()

    saved(kling, result)
    assert result.stderr.count("callbacks is lost") == 1
    assert result.stderr.endswith("found by polling\n")


@pytest.mark.parametrize("tunnel", ["ngrok", "cloudflared"], indirect=True)
def test_a08_a_tunnel_whose_agent_lost_its_connection_is_made_up_for(
    tunnel: AgentStandIn, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:stuck")

    with kling.start(*PROMPT, *tunnel.args, env=tunnel.env) as program:
        tunnel.wait_online()
        program.wait_for("polling less")
        tunnel.agent.command("down")
        program.wait_for("callbacks is lost")
        sandbox.end(one_task(sandbox)["id"])
        result = program.finish()

    saved(kling, result)
    assert result.stderr.endswith("found by polling\n")
    assert tunnel.is_gone()


@pytest.mark.sandbox(slots=10, task_seconds=3)
@pytest.mark.parametrize(
    ("tunnel", "n"),
    [("ngrok", 10), ("cloudflared", 4), ("ssh", 4)],
    indirect=["tunnel"],
)
def test_a19_ten_at_once_share_one_tunnel(
    tunnel: TunnelStandIn, n: int, kling: Kling, sandbox: SandboxServer
) -> None:
    if isinstance(tunnel, AgentStandIn):
        tunnel.stand_in.behave(max_sessions=1)
    args = (*PROMPT, *tunnel.args, "--json")

    with contextlib.ExitStack() as stack:
        programs = [
            stack.enter_context(kling.start(*args, env=tunnel.env)) for _ in range(n)
        ]
        results = [program.finish(90) for program in programs]

    found = [document(result) for result in results]
    assert [one["status"] for one in found] == ["succeeded"] * n
    assert {one["task_id"] for one in found} == {one["id"] for one in sandbox.tasks}
    for one in found:
        (output,) = one["outputs"]
        assert one["task_id"] in output["path"]
        assert is_whole_video(kling.here / output["path"])
    assert tunnel.count_opened() == 1
    assert len(kling.files("*.mp4")) == n
    assert is_journal_sound(kling)
    assert len(listed(kling)) == n
