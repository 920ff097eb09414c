"""`kling api` as a subprocess."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import sandbox_server
from tests.support.connection_counter import ConnectionCounter
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer, run_sandbox_server
from tests.support.terminal import Terminal

TURBO = "text-to-video/kling-3.0-turbo"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server() as served:
        yield served


@pytest.fixture
def kling(sandbox: SandboxServer, own_home: Path) -> Iterator[Kling]:
    program = Kling(own_home, {**sandbox.env})
    program.secrets.add("the API key", sandbox_server.API_KEY)
    yield program
    assert program.strays() == []
    assert program.check() == []


def test_the_answer_is_printed_as_it_came_and_the_task_can_be_gone_on_with(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run(
        "api", "post", TURBO, "-f", "prompt=a boat", "-F", "settings.duration=7"
    )

    [task] = sandbox.tasks
    assert result.exit_code == 0
    assert result.stdout.startswith('{"code":0,"message":"SUCCEED",')
    assert json.loads(result.stdout)["data"]["id"] == task["id"]
    assert result.stderr == f"go on with: kling wait {task['id']}\n"
    assert kling.run("wait", task["id"]).exit_code == 0


def test_quiet_is_the_answer_and_nothing_else(kling: Kling) -> None:
    result = kling.run("api", "POST", f"/{TURBO}", "-f", "prompt=a boat", "-q")

    assert json.loads(result.stdout)["code"] == 0
    assert result.stderr == ""


def test_a_terminal_is_shown_lines_with_nothing_that_acts(
    kling: Kling, sandbox: SandboxServer
) -> None:
    created = kling.run("api", "POST", TURBO, "-f", "prompt=a boat").stdout
    sandbox.end(json.loads(created)["data"]["id"], "failed", "\x1b[2J\u202e été")
    command = ("api", "GET", "tasks", "-f", f"task_ids={sandbox.tasks[0]['id']}")

    with kling.start(*command, terminal=Terminal(streams=("stdout",))) as program:
        shown = program.finish()

    assert shown.exit_code == 0
    assert shown.stdout.startswith('{\r\n  "code": 0,\r\n')
    assert "\\u001b[2J\\u202e été" in shown.stdout


def test_a_refusal_is_printed_and_is_the_exit_code(kling: Kling) -> None:
    plain = kling.run("api", "GET", "/no/such/path")
    document = kling.run("api", "GET", "/no/such/path", "--json")

    assert plain.exit_code == document.exit_code == 2
    assert json.loads(plain.stdout)["code"] == 1203
    assert "code 1203" in plain.stderr
    found = document.json()
    assert found["error"]["code"] == 1203
    assert found["api"]["method"] == "GET"
    assert found["api"]["path"] == "/no/such/path"
    assert found["api"]["http"] == 404
    assert found["api"]["answer"]["code"] == 1203


def test_an_answer_that_is_no_json_is_printed_too(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("query:502htmlx0")

    plain = kling.run("api", "GET", "/tasks")
    document = kling.run("api", "GET", "/tasks", "--json").json()

    assert plain.exit_code == 6
    assert "<html" in plain.stdout
    assert "<html" in document["api"]["answer"]


def test_a_create_in_doubt_is_not_repeated_and_says_how_to_find_out(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:accept-reset")
    fields = ("-f", "prompt=a boat", "-f", "options.external_task_id=boat-1")

    result = kling.run("api", "POST", TURBO, *fields)

    assert result.exit_code == 11
    assert result.stdout == ""
    assert "hint: kling wait boat-1" in result.stderr
    assert len(sandbox.requests("create")) == 1
    assert kling.run("wait", "boat-1").exit_code == 0


def test_wait_saves_what_the_call_makes(kling: Kling, sandbox: SandboxServer) -> None:
    command = ("api", "POST", TURBO, "-f", "prompt=a boat", "--wait")
    sandbox.faults("create:accept-503")

    plain = kling.run(*command, "-o", "boat.mp4")
    document = kling.run(*command, "--no-download", "--json").json()

    assert (plain.exit_code, plain.stdout) == (0, "boat.mp4\n")
    assert document["task_id"] == document["api"]["answer"]["data"]["id"]
    assert document["outputs"][0]["url"].startswith(sandbox.base_url)
    assert len(sandbox.tasks) == len(sandbox.requests("create")) == 2


def test_many_tasks_are_one_object(kling: Kling, sandbox: SandboxServer) -> None:
    ids = [
        json.loads(kling.run("api", "POST", TURBO, "-f", "prompt=a").stdout)["data"][
            "id"
        ]
        for _ in range(2)
    ]

    found = kling.run(
        "api", "GET", "/tasks", "-f", f"task_ids={','.join(ids)}", "--wait", "--json"
    ).json()

    assert found["ok"]
    assert [task["task_id"] for task in found["tasks"]] == ids
    assert len(found["api"]["answer"]["data"]) == 2


def test_another_host_is_never_spoken_to(kling: Kling) -> None:
    with ConnectionCounter() as counter:
        result = kling.run("api", "GET", counter.url, "--json")

    assert result.exit_code == 2
    assert "sent nowhere else" in result.json()["error"]["message"]
    assert counter.connections == 0


def test_a_body_may_come_from_standard_input(
    kling: Kling, sandbox: SandboxServer
) -> None:
    body = json.dumps({"prompt": "a boat"}).encode()

    result = kling.run("api", "POST", TURBO, "--input", "-", stdin=body)

    assert result.exit_code == 0
    assert len(sandbox.tasks) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(("frob", "/tasks"), "frob is no method", id="method"),
        pytest.param(("GET", "/v1/../tasks"), "is not a path", id="path"),
        pytest.param(("GET", "/tasks", "--input", "-"), "has no body", id="body"),
        pytest.param(("POST", "/tasks", "-f", "x"), "KEY=VALUE", id="field"),
    ],
)
def test_a_wrong_call_is_not_sent(
    arguments: tuple[str, ...], complaint: str, kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("api", *arguments, stdin=b"")

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert sandbox.state()["requests"] == []


def test_a_sandbox_of_its_own_will_do(kling: Kling, sandbox: SandboxServer) -> None:
    fields = ("-f", "prompt=a boat", "--wait", "-q")

    result = kling.run("api", "POST", TURBO, *fields, "--sandbox")

    assert result.exit_code == 0
    assert [path.name for path in kling.files()] == result.lines
    assert sandbox.tasks == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param(TURBO, "estimated at 8", id="dear"),
        pytest.param("/v1/brand/new", "does not have POST", id="unknown"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--wait",)], ids=["once", "followed"])
def test_what_may_cost_more_than_allowed_is_not_sent(
    kling: Kling,
    sandbox: SandboxServer,
    path: str,
    words: str,
    options: tuple[str, ...],
) -> None:
    fields = ("-f", "prompt=a boat", "-F", "settings.duration=10")

    result = kling.run("api", "POST", path, *fields, *options, "--max-units", "7")

    assert result.exit_code == 4
    assert words in result.stderr
    assert sandbox.counts["create"] == 0


def test_what_costs_no_more_than_allowed_is_sent_and_questions_are_free(
    kling: Kling, sandbox: SandboxServer
) -> None:
    within = ("-f", "prompt=a boat", "-F", "settings.duration=10", "--max-units", "8")

    assert kling.run("api", "POST", TURBO, *within).exit_code == 0
    question = ("-f", "task_ids=1", "--max-units", "0")
    assert kling.run("api", "GET", "/tasks", *question).exit_code == 0
    assert sandbox.counts["create"] == 1
