"""Scenarios A9 to A12: callbacks that arrive, are lost, or are forged."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.assertions import PROMPT, document, one_task, saved
from tests.support.callback_client import current_payload, legacy_payload, post_callback
from tests.support.connection_counter import ConnectionCounter
from tests.support.kling import Kling
from tests.support.program import Program
from tests.support.sandbox_server import SandboxServer


def door_of(program: Program, sandbox: SandboxServer) -> tuple[str, str]:
    """Return the task and the callback URL that the waiting `program` has opened."""
    program.wait_for("submitted")
    task = one_task(sandbox)
    return task["id"], task["callback_url"]


def test_a09_without_callbacks_the_result_is_the_same(
    kling: Kling, sandbox: SandboxServer
) -> None:
    into = ("-o", "boat.mp4", "--force")

    told = kling.run_process(*PROMPT, *into, "--json")
    sandbox.faults("callback:nonex0")
    asked = kling.run_process(*PROMPT, *into, "--json")
    sandbox.faults("callback:nonex0")
    plain = kling.run_process(*PROMPT, *into)

    with_callbacks, without = document(told), document(asked)
    assert with_callbacks["callbacks"] >= 1
    assert with_callbacks["completed_by"] == "callback"
    assert without["callbacks"] == 0
    assert without["completed_by"] == "poll"
    assert without["outputs"][0]["path"] == with_callbacks["outputs"][0]["path"]
    assert plain.stdout == "boat.mp4\n"


@pytest.mark.parametrize("habit", ["repeat", "shuffle", "forged", "late"])
def test_a10_only_the_answer_of_the_api_ends_the_wait(
    habit: str, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults(f"callback:{habit}x0")

    result = kling.run_process(*PROMPT, "--json")

    assert document(result)["status"] == "succeeded"
    assert one_task(sandbox)["status"] == "succeeded"
    assert len(kling.files("*.mp4")) == 1


def test_a10_nothing_that_is_sent_to_the_door_decides(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:stuck")

    with kling.start(*PROMPT) as program:
        task_id, url = door_of(program, sandbox)
        sent = [
            *(current_payload(task_id, word) for word in ("processing", "submitted")),
            *(
                legacy_payload(task_id, word)
                for word in ("succeed", "failed", "succeed")
            ),
            current_payload("999", "succeeded"),
            {
                "code": 0,
                "message": "SUCCEED",
                "data": legacy_payload(task_id, "succeed"),
            },
        ]
        answers = [post_callback(url, body) for body in sent]
        too_large = post_callback(url, b" " * (1024 * 1024 + 1))
        not_json = post_callback(url, b"status=succeed")
        forged = post_callback(url[:-1] + ("A" if url[-1] != "A" else "B"), sent[0])
        is_waiting = program.process.poll() is None
        sandbox.end(task_id)
        result = program.finish()

    assert [answer.status for answer in answers] == [200] * len(sent)
    assert too_large.status in (0, 413)
    assert (not_json.status, forged.status) == (400, 404)
    assert max(answer.seconds for answer in answers) < 1
    assert is_waiting
    saved(kling, result)


@pytest.mark.sandbox(task_seconds=0.3)
def test_a11_a_callback_before_the_answer_to_the_create_call_is_not_lost(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:slow")

    result = kling.run_process(*PROMPT, "--json")

    found = document(result)
    assert found["status"] == "succeeded"
    assert found["callbacks"] >= 1
    assert found["requests"]["create"] == 1


def test_a12_a_forged_link_is_never_followed(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:stuck", "callback:nonex0")

    with ConnectionCounter() as counter:
        with kling.start(*PROMPT) as program:
            task_id, url = door_of(program, sandbox)
            before = sandbox.counts["query"]
            answer = post_callback(
                url, current_payload(task_id, "succeeded", counter.url)
            )
            sandbox.wait_until(lambda state: state["counts"]["query"] > before)
            is_waiting = program.process.poll() is None
            sandbox.end(task_id)
            result = program.finish()

        assert answer.status == 200
        assert is_waiting
        assert counter.url not in json.dumps(result.stdout + result.stderr)
        saved(kling, result)
        assert counter.connections == 0
