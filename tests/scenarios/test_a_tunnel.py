"""Scenarios A7, A8, A19: the tunnel that fails, dies, and is shared."""

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
from tests.support.agent import StandIn
from tests.support.box import Box
from tests.support.kling import Kling

THROUGH_NGROK = (*PROMPT, "--tunnel", "ngrok")
START_UP_S = 4.0  # of the interpreter, measured, on a machine with other things to do

FAILING = [
    pytest.param({"start": "silent"}, id="silent for ever"),
    pytest.param({"start": "exit"}, id="exits at once"),
    pytest.param({"start": "4018"}, id="no token"),
    pytest.param({"start": "108"}, id="session limit"),
    pytest.param({"post_error": "334"}, id="endpoint already online"),
    pytest.param(None, id="program missing"),
]


def environment(behaviour: dict[str, str] | None, stand_in: StandIn) -> dict[str, str]:
    if behaviour is None:
        return {"PYNGROK_NGROK_PATH": str(stand_in.folder / "no-such-program")}
    stand_in.behave(**behaviour)
    return stand_in.env


@pytest.mark.parametrize("behaviour", FAILING)
def test_a07_without_a_tunnel_the_job_is_polled(
    behaviour: dict[str, str] | None, kling: Kling, box: Box, stand_in: StandIn
) -> None:
    env = environment(behaviour, stand_in)

    with kling.start(*THROUGH_NGROK, env=env) as program:
        program.wait_for("submitted", timeout_s=8 + START_UP_S)
        result = program.finish()

    saved(kling, result)
    assert one_task(box)["callback_url"] is None
    assert result.stderr.count("no callbacks; polling") == 1
    assert result.stderr.count("warning:") <= 1


@pytest.mark.parametrize("behaviour", FAILING)
def test_a07_who_requires_a_tunnel_spends_nothing_without_one(
    behaviour: dict[str, str] | None, kling: Kling, box: Box, stand_in: StandIn
) -> None:
    env = environment(behaviour, stand_in)

    result = kling.run(*THROUGH_NGROK, "--callback", "require", "--json", env=env)

    found = document(result)
    assert result.exit_code == 12
    assert found["error"]["type"] == "tunnel"
    assert found["error"]["hint"]
    assert box.counts["create"] == 0


def test_a07_with_a_tunnel_callbacks_come_through_it(
    kling: Kling, box: Box, stand_in: StandIn
) -> None:
    with kling.start(*THROUGH_NGROK, "--json", env=stand_in.env) as program:
        agent = stand_in.next_agent()
        public_url = agent.wait_online()
        result = program.finish()

    found = document(result)
    assert found["completed_by"] == "callback"
    assert one_task(box)["callback_url"].startswith(
        public_url + "/callback/text2video/"
    )
    assert agent.wait_gone()


@pytest.mark.parametrize("end", ["die", "down"])
def test_a08_a_tunnel_that_is_lost_is_made_up_for(
    end: str, kling: Kling, box: Box, stand_in: StandIn
) -> None:
    """Callbacks have arrived, so that the next poll is far off."""
    box.faults("task:stuck")

    with kling.start(*THROUGH_NGROK, env=stand_in.env) as program:
        agent = stand_in.next_agent()
        program.wait_for("polling less")
        program.wait_for(r"\d processing\n")
        before = box.counts["query"]
        agent.command(end)
        program.wait_for("callbacks is lost")
        box.wait_until(lambda state: state["counts"]["query"] >= before + 3)
        box.end(one_task(box)["id"])
        result = program.finish()

    saved(kling, result)
    assert result.stderr.count("callbacks is lost") == 1
    assert result.stderr.endswith("found by polling\n")


@pytest.mark.sandbox(slots=10, task_seconds=3)
def test_a19_ten_at_once_share_one_session(
    kling: Kling, box: Box, stand_in: StandIn
) -> None:
    kling.be_quick()
    stand_in.behave(max_sessions=1)
    args = (*THROUGH_NGROK, "--json")

    with contextlib.ExitStack() as stack:
        programs = [
            stack.enter_context(kling.start(*args, env=stand_in.env)) for _ in range(10)
        ]
        results = [program.finish(90) for program in programs]

    found = [document(result) for result in results]
    assert [one["status"] for one in found] == ["succeeded"] * 10
    assert {one["task_id"] for one in found} == {one["id"] for one in box.tasks}
    for one in found:
        (output,) = one["outputs"]
        assert one["task_id"] in output["path"]
        assert is_whole_video(kling.here / output["path"])
    assert stand_in.count_started() == 1
    assert len(kling.files("*.mp4")) == 10
    assert is_journal_sound(kling)
    assert len(listed(kling)) == 10
