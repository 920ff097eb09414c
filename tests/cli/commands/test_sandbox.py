"""`kling sandbox` as a process of its own."""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.kling import Kling
from tests.support.program import Program

TURBO = "/text-to-video/kling-3.0-turbo"


def ready(program: Program) -> dict[str, Any]:
    """Return the first line of `--json`, once it has come."""
    return dict(json.loads(program.wait_for(r".+\n", stream="stdout").group()))


def ask(
    base_url: str, method: str, path: str, *, key: str, body: Any = None
) -> dict[str, Any]:
    line = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    try:
        raw = None if body is None else json.dumps(body)
        line.request(method, path, raw, {"Authorization": f"Bearer {key}"})
        return dict(json.loads(line.getresponse().read()))
    finally:
        line.close()


def lines(program: Program) -> list[dict[str, Any]]:
    return [json.loads(line) for line in program.output("stdout").splitlines()]


def test_the_ready_line_opens_the_account_it_names(kling: Kling) -> None:
    with kling.start("sandbox", "--json", "--port", "0") as program:
        printed = ready(program)
        path = "/account/costs?start_time=0&end_time=1"
        answer = ask(printed["base_url"], "GET", path, key=printed["api_key"])
        program.send(signal.SIGTERM)
        program.finish()

    assert printed.keys() == {
        *("schema", "type", "base_url", "api_key", "access_key", "secret_key"),
    }
    assert (printed["schema"], printed["type"]) == ("kling.sandbox/1", "ready")
    assert answer["code"] == 0


def test_each_request_is_a_line_at_once(kling: Kling) -> None:
    with kling.start("sandbox", "--json", "--port", "0") as program:
        printed = ready(program)
        ask(printed["base_url"], "POST", TURBO, key="wrong", body={"prompt": "x"})
        program.wait_for(r'"type": "request"', stream="stdout")
        line = lines(program)[1]
        program.send(signal.SIGTERM)
        program.finish()

    assert line == {
        "schema": "kling.sandbox/1",
        "type": "request",
        "method": "POST",
        "path": TURBO,
        "kind": "create",
        "status": 401,
        "fault": None,
        "historic": False,
    }


def test_a_person_gets_lines_to_copy_on_stderr(kling: Kling) -> None:
    with kling.start("sandbox", "--port", "0") as program:
        program.wait_for("export KLING_SECRET_KEY=.+\n")
        exports = dict(
            shlex.split(line)[1].split("=", 1)
            for line in program.output("stderr").splitlines()
            if line.startswith("export ")
        )
        base, key = exports["KLING_API_BASE"], exports["KLING_API_KEY"]
        answer = ask(base, "POST", TURBO, key=key, body={"prompt": "a boat"})
        program.wait_for(f"POST {TURBO} 200\n")
        program.send(signal.SIGTERM)
        result = program.finish()

    assert answer["code"] == 0
    assert result.stdout == ""
    assert exports.keys() == {
        *("KLING_API_BASE", "KLING_API_KEY", "KLING_ACCESS_KEY", "KLING_SECRET_KEY"),
    }


def test_a_strange_path_is_shown_without_its_control_characters(kling: Kling) -> None:
    with kling.start("sandbox", "--port", "0", "--api-key", "k") as program:
        base = program.wait_for(r"KLING_API_BASE=(\S+)").group(1)
        ask(base, "GET", "/%1b[2J%0a", key="k")
        program.wait_for(r"GET /.*404\n")
        program.send(signal.SIGTERM)
        result = program.finish()

    assert "\x1b" not in result.stderr


def test_options_reach_the_sandbox(kling: Kling) -> None:
    options = (
        *("--task-seconds", "0", "--slots", "1", "--units", "4", "--seed", "7"),
        *("--fail", "query:1302", "--fail", "task:failed", "--api-key", "mine"),
    )
    with kling.start("sandbox", "--json", "--port", "0", *options) as program:
        base = ready(program)["base_url"]
        task = ask(base, "POST", TURBO, key="mine", body={"prompt": "a boat"})["data"]
        query = f"/tasks?task_ids={task['id']}"
        limited = ask(base, "GET", query, key="mine")
        failed = ask(base, "GET", query, key="mine")
        program.send(signal.SIGTERM)
        program.finish()

    assert limited["code"] == 1302
    assert failed["data"][0]["status"] == "failed"


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("output_options", [(), ("--json",)], ids=["person", "json"])
def test_a_signal_ends_it_at_once_and_without_a_word(
    output_options: tuple[str, ...], number: signal.Signals, code: int, kling: Kling
) -> None:
    stream = "stdout" if output_options else "stderr"
    with kling.start("sandbox", "--port", "0", *output_options) as program:
        program.wait_for("127.0.0.1:", stream=stream)
        program.wait_for("SECRET_KEY=|ready", stream=stream)
        before = program.output("stderr")
        program.send(number)
        result = program.finish(timeout_s=5)

    assert result.exit_code == code
    assert result.stderr.startswith(before)
    assert "error" not in result.stderr


def test_a_port_that_is_taken_is_an_error_when_it_was_asked_for(kling: Kling) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = kling.run("sandbox", "--port", port)

    assert result.exit_code == 2
    assert f"port {port} of 127.0.0.1 is taken" in result.stderr
    assert "--port" in result.stderr


def test_without_a_port_two_of_them_live_side_by_side(kling: Kling) -> None:
    with (
        kling.start("sandbox", "--json") as one,
        kling.start("sandbox", "--json") as two,
    ):
        urls = {ready(one)["base_url"], ready(two)["base_url"]}
        for program in (one, two):
            program.send(signal.SIGTERM)
            program.finish()

    assert len(urls) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fail", "query:burnt"), "query can: 500"),
        (("--fail", "nonsense"), "ON:ACTION"),
        (("--speed", "0"), "speed 0"),
        (("--chaos", "2"), "--chaos"),
        (("--slots", "-1"), "--slots"),
        (("--webhook-secret", "whsec_"), "whsec_"),
    ],
)
def test_nonsense_is_refused_with_what_there_is(
    options: tuple[str, ...], words: str, kling: Kling
) -> None:
    result = kling.run("sandbox", *options)

    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


def test_a_reader_that_goes_away_does_not_end_it(kling: Kling) -> None:
    command = kling.command("sandbox", "--json", "--port", "0", "--api-key", "k")
    piped = f"exec {shlex.join(command)} > >(head -n 1 >&2)"

    with Program(("bash", "-c", piped), env=kling.env, cwd=kling.here) as program:
        base = json.loads(program.wait_for(r"\{.+\}\n").group())["base_url"]
        answers = [ask(base, "GET", "/tasks?task_ids=1", key="k") for _ in range(3)]
        program.send(signal.SIGTERM)
        result = program.finish()
    kling.results.append(result)

    assert [answer["code"] for answer in answers] == [0, 0, 0]
    assert result.exit_code == 143
