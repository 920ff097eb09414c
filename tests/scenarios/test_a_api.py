"""Scenarios A1 to A6, A13 to A16, A20, A21: errors and delays of the API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scenarios.assertions import PROMPT, document, one_task, saved
from tests.support import images
from tests.support.https_proxy import serve_https_proxy
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer

POLLING = ("--callback", "off")


def test_a01_failing_queries_do_not_end_the_wait(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("query:500", "query:reset", "query:502html", "query:1302")

    result = kling.run_process(*PROMPT, *POLLING)

    saved(kling, result)
    one_task(sandbox)
    faults = [one["fault"] for one in sandbox.requests("query")]
    assert faults[:4] == ["500", "reset", "502html", "1302"]


def test_a02_an_accepted_job_whose_answer_was_lost_is_found(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:accept-reset")

    result = kling.run_process(*PROMPT)

    saved(kling, result)
    task = one_task(sandbox)
    assert task["id"] in result.stderr
    assert task["external_id"] in result.stderr
    assert sandbox.counts["create"] == 1


@pytest.mark.parametrize("answer", ["503", "504", "5000", "5002"])
def test_a03_an_accepted_job_that_was_answered_with_an_error_is_found(
    answer: str, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults(f"create:accept-{answer}")

    result = kling.run_process(*PROMPT)

    saved(kling, result)
    one_task(sandbox)
    assert sandbox.counts["create"] == 1


def test_a03_what_cannot_be_settled_is_said_and_can_be_found_out_later(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:accept-503", "query:500x0")

    unsettled = kling.run_process(*PROMPT, "--timeout", "3")
    sandbox.faults()
    external_id = one_task(sandbox)["external_id"]
    finished = kling.run("wait", external_id)

    assert unsettled.exit_code == 11
    assert unsettled.stdout == ""
    assert f"kling wait {external_id}" in unsettled.stderr
    saved(kling, finished)
    assert sandbox.counts["create"] == 1


def test_a04_a_full_account_is_a_queue(kling: Kling, sandbox: SandboxServer) -> None:
    sandbox.faults("create:1303x3")

    result = kling.run_process(*PROMPT)

    saved(kling, result)
    assert result.stderr.count("waiting for a slot") == 3
    assert result.elapsed_s > 3  # three pauses of a second or more
    assert sandbox.counts["create"] == 4
    one_task(sandbox)


def test_a04_an_account_that_stays_full_ends_the_wait(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:1303x0")

    result = kling.run_process(*PROMPT, "--timeout", "2")

    assert result.exit_code == 7
    assert "no free slot" in result.stderr
    assert sandbox.tasks == []


@pytest.mark.parametrize("code", ["1101", "1102", "1304"])
def test_a05_an_account_that_must_be_mended_is_asked_once(
    code: str, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults(f"create:{code}x0")

    result = kling.run_process(*PROMPT)

    assert result.exit_code == 4
    assert "hint:" in result.stderr
    assert sandbox.counts["create"] == 1


@pytest.mark.sandbox(task_seconds=5)
def test_a06_a_job_may_last_longer_than_the_token(
    kling: Kling, sandbox: SandboxServer
) -> None:
    with kling.start(*PROMPT, *POLLING, env=sandbox.pair_env) as program:
        program.wait_for("submitted")
        # 2 s later every token but a new one has expired
        sandbox.clock.ahead_s = 1798
        result = program.finish()

    saved(kling, result)
    refused = [one for one in sandbox.requests("query") if one["status"] == 401]
    assert refused
    assert sandbox.counts["create"] == 1


def test_a06_an_expired_token_is_signed_anew(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("query:1004")

    result = kling.run_process(*PROMPT, *POLLING, env=sandbox.pair_env)

    saved(kling, result)
    assert sandbox.requests("query")[0]["fault"] == "1004"
    assert sandbox.counts["create"] == 1


def test_a13_a_failed_task_gives_its_own_reason(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:failed-succeed-message")

    result = kling.run_process(*PROMPT, "--json")

    found = document(result)
    assert result.exit_code == 8
    assert found["status"] == "failed"
    assert found["error"]["type"] == "task_failed"
    assert "SUCCEED" not in result.stderr + str(found["status_message"])
    assert found["status_message"]
    assert found["status_message"] in found["error"]["message"]


def test_a13_a_task_that_risk_control_stopped_is_a_matter_of_content(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:moderation")

    result = kling.run_process(*PROMPT)

    assert result.exit_code == 10
    assert "risk control" in result.stderr


def test_a14_success_without_outputs_ends_with_a_clear_error(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:no-outputs")

    result = kling.run_process(*PROMPT, "--timeout", "30")

    assert result.exit_code == 9
    assert one_task(sandbox)["id"] in result.stderr
    assert result.stdout == ""
    assert sandbox.counts["query"] <= 8


@pytest.mark.parametrize("keys", ["API key", "pair"])
def test_a15_strange_words_are_borne(
    keys: str, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:odd-words")

    result = kling.run_process(
        *PROMPT, env=sandbox.pair_env if keys == "pair" else None
    )

    assert saved(kling, result).stem.endswith(one_task(sandbox)["id"])


@pytest.mark.sandbox(task_seconds=60)
def test_a16_who_stops_waiting_can_go_on_later(
    kling: Kling, sandbox: SandboxServer
) -> None:
    stopped = kling.run_process(*PROMPT, "--timeout", "2")
    task_id = one_task(sandbox)["id"]
    sandbox.advance(60)
    finished = kling.run("wait", task_id)

    assert stopped.exit_code == 5
    assert stopped.stdout == ""
    assert f"kling wait {task_id}" in stopped.stderr
    saved(kling, finished)
    assert sandbox.counts["create"] == 1


HOSTS = {"global": "api-singapore.klingai.com", "cn": "api-beijing.klingai.com"}


@pytest.mark.parametrize(("region", "other"), [("global", "cn"), ("cn", "global")])
def test_a20_the_wrong_region_is_guessed(
    region: str, other: str, kling: Kling, sandbox: SandboxServer, tmp_path: Path
) -> None:
    """The sandbox stands in for the official hosts, behind a proxy with TLS."""
    wrong = {"KLING_API_BASE": None, "KLING_API_KEY": "a-key-of-elsewhere-1234567890"}

    with serve_https_proxy(tmp_path, sandbox.port) as street:
        env = {**wrong, **street.env}
        result = kling.run_process(*PROMPT, *POLLING, "--region", region, env=env)

    assert street.hosts == [f"{HOSTS[region]}:443"]
    assert result.exit_code == 3
    assert re.search(f"hint:.*--region {other}", result.stderr)
    assert [one["kind"] for one in sandbox.state()["requests"]] == ["create"]
    assert sandbox.tasks == []


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("text2video", "x" * 3073), id="prompt too long"),
        pytest.param(("text2video", "x", "-m", "kling-2.6", "-d", "7"), id="seconds"),
        pytest.param(
            ("text2video", "x", "-m", "kling-2.5-turbo", "--sound"), id="sound"
        ),
        pytest.param(("image2video", "notes.txt", "x"), id="text for an image"),
        pytest.param(("image2video", "small.png", "x"), id="image below 300 px"),
        pytest.param(("image2video", "nowhere.png", "x"), id="image missing"),
    ],
)
def test_a21_what_cannot_work_is_not_sent(
    args: tuple[str, ...], kling: Kling, sandbox: SandboxServer
) -> None:
    (kling.here / "notes.txt").write_text("no image")
    (kling.here / "small.png").write_bytes(images.png(299, 299))

    result = kling.run_process(*args, "--json")

    assert result.exit_code == 2
    assert document(result)["error"]["type"] == "usage"
    assert sandbox.state()["requests"] == []


def test_a21_a_good_image_is_sent(
    kling: Kling, sandbox: SandboxServer, own_home: Path
) -> None:
    (kling.here / "good.png").write_bytes(images.png(300, 300))

    result = kling.run_process("image2video", "good.png", "it moves")

    assert saved(kling, result).stem.endswith(one_task(sandbox)["id"])
