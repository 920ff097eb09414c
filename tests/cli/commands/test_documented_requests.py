"""Every documented request, through the options of its command, to the saved result.

The command runs in this process, the sandbox answers over loopback. What is asked for
follows from the reference and the catalogue: a new product is in here by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.store.journal import Journal
from tests.cli.commands.documented_requests import Example, Wrong, examples, wrongs
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.sandbox_server import API_KEY, SandboxServer, run_sandbox_server

EXAMPLES = examples()
WRONGS = list(wrongs())

# Where the page of a solution has a sentence that does not name the field as sent.
SENTENCES = {
    "solutions.talking_agent-avatar": "Exactly one avatar source is required",
    "solutions.talking_agent-speed": "speechRate only supports 0.8, 1.0 and 1.2.",
}

Run = Callable[[Example, list[str]], Result]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server(task_seconds=0.05, units=1000) as served:
        yield served


@pytest.fixture
def run(sandbox: SandboxServer, own_home: Path) -> Run:
    """Return a function that runs `kling` here, with the account of the sandbox."""
    kling = Kling(own_home)

    def run(example: Example, line: list[str]) -> Result:
        return kling.run(
            *line, env=sandbox.pair_env if example.is_pair else sandbox.env
        )

    return run


def settled(body: Any) -> Any:
    """Return a body with its typed items sorted, as their order has no meaning."""
    if "contents" in body:
        body = {**body, "contents": sorted(body["contents"], key=json.dumps)}
    return body


def test_every_command_has_a_documented_request() -> None:
    shown = {(each.call.product.name, each.call.route.name) for each in EXAMPLES}
    commands = {
        (product.name, route.name)
        for product in loader.all_products()
        for route in product.routes
    }

    assert commands - shown == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_a_documented_request_is_sent_as_it_stands_and_its_result_is_saved(
    example: Example, run: Run, own_home: Path
) -> None:
    ran = run(example, example.line("--json", "--external-id", "job-7"))

    outputs, here = ran.json()["outputs"], own_home / "here"
    assert (ran.exit_code, ran.json()["status"]) == (0, "succeeded"), ran.stderr
    assert outputs
    assert all((here / each["path"]).stat().st_size for each in outputs)
    assert ran.json()["estimated_units"] in (None, ran.json()["units"])
    assert "warning: charged" not in ran.stderr
    with Journal.open(own_home / "state") as journal:
        (entry,) = journal.newest_jobs(2)
    assert settled(json.loads(entry.request)) == settled(example.with_id("job-7"))
    assert entry.route == example.call.route.name


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.id)
def test_a_value_no_model_accepts_is_refused_before_anything_is_sent(
    wrong: Wrong, run: Run, sandbox: SandboxServer
) -> None:
    ran = run(wrong.example, wrong.line)

    assert (ran.exit_code, ran.json()["error"]["type"]) == (2, "usage")
    assert wrong.field.spelling in ran.json()["error"]["message"]
    assert str(wrong.value) in ran.json()["error"]["message"]
    assert sandbox.counts["create"] == 0


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.id)
def test_a_value_no_model_accepts_is_refused_by_the_sandbox(
    wrong: Wrong, sandbox: SandboxServer
) -> None:
    printed = _post(sandbox, wrong.example.call.documented["path"], wrong.raw)

    assert printed["code"] == 1201
    assert SENTENCES.get(wrong.id, wrong.wire) in printed["message"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_a_model_there_is_not_is_refused_by_both(
    example: Example, run: Run, sandbox: SandboxServer
) -> None:
    line = example.line("--json")
    line[line.index("--model") + 1] = "kling-99"

    ran = run(example, line)

    assert (ran.exit_code, "kling-99" in ran.json()["error"]["message"]) == (2, True)
    at = example.call.route.model_path
    if at is not None:
        printed = _post(
            sandbox, example.call.documented["path"], {**example.body, at: "kling-99"}
        )
        assert (printed["code"], at in printed["message"]) == (1201, True)


def _post(sandbox: SandboxServer, path: str, body: Any) -> dict[str, Any]:
    line = HTTPConnection("127.0.0.1", sandbox.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        headers["Content-Type"] = "application/json"
        line.request("POST", path, json.dumps(body), headers)
        return dict(json.loads(line.getresponse().read()))
    finally:
        line.close()
