"""`kling listen`: the example of Kling's guide, real callbacks, the tunnel."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.assertions import PROMPT
from tests.support.agent import StandIn
from tests.support.callback_client import current_payload, post_callback
from tests.support.kling import Kling
from tests.support.program import Program, Result
from tests.support.sandbox_server import SandboxServer
from tests.support.ssh_server import ssh_server

HERE = ("listen", "--tunnel", "none", "--json")
SHORT = {"task_id": "test", "status": "succeed"}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def of_type(result: Result, type_: str) -> list[dict[str, Any]]:
    return [line for line in lines(result.stdout) if line["type"] == type_]


def ready(program: Program) -> dict[str, Any]:
    program.wait_for(r'"type": "ready".*\n', stream="stdout")
    found: dict[str, Any] = lines(program.output("stdout"))[0]
    return found


def test_the_guides_walk_through_works_to_the_letter(kling: Kling) -> None:
    with kling.start("listen", "--port", "0", "--no-token") as program:
        port = program.wait_for(r"callback_url: http://127\.0\.0\.1:(\d+)/callback\n")[
            1
        ]
        request = urllib.request.Request(  # as curl -d sends it
            f"http://localhost:{port}/callback",
            data=b'{"task_id":"test", "status":"succeed"}',
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- http:
            printed = json.load(answer)
        program.wait_for(r"#1 - succeeded test, not authenticated\n", stream="stdout")
        program.send(signal.SIGINT)
        result = program.finish()

    assert printed == {"status": "received"}
    assert result.exit_code == 130
    assert "stopped (SIGINT): callbacks 1" in result.stderr


def test_a_task_made_elsewhere_is_seen_verified_and_waited_for(
    kling: Kling, sandbox: SandboxServer
) -> None:
    with kling.start(*HERE, "--until-final", "--timeout", "30") as program:
        url = ready(program)["callback_url"]
        kling.run(
            *PROMPT, "--no-wait", "--callback-url", url.rpartition("/callback")[0]
        )
        result = program.finish()

    seen = of_type(result, "callback")
    assert result.exit_code == 0
    assert [one["status"] for one in seen] == ["submitted", "processing", "succeeded"]
    assert {one["trust"] for one in seen} == {"token"}
    verified = of_type(result, "verified")  # two that come close are asked for once
    assert verified
    assert all(one["is_true"] for one in verified)
    assert of_type(result, "stopped")[0]["reason"] == "final"
    assert [line["seq"] for line in lines(result.stdout)] == list(
        range(1, len(lines(result.stdout)) + 1)
    )


def test_a_forged_end_is_shown_field_by_field_and_ends_nothing(kling: Kling) -> None:
    with kling.start(*HERE, "--until-final", "--timeout", "3") as program:
        post_callback(
            ready(program)["callback_url"], current_payload("t-forged", "succeeded")
        )
        result = program.finish()

    [judged] = of_type(result, "verified")
    assert result.exit_code == 5
    assert not judged["is_true"]
    assert judged["mismatches"] == [
        {"field": "task_id", "claimed": "t-forged", "actual": None}
    ]


@pytest.mark.parametrize(("way", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_a_command_runs_with_the_url_and_gives_its_exit_code(
    kling: Kling, way: str, code: int
) -> None:
    script = f"echo $KLING_CALLBACK_URL; {way}"

    result = kling.run("listen", "--tunnel", "none", "--", "sh", "-c", script)

    assert result.exit_code == code
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback/\S{32}\n", result.stdout)


def test_ctrl_c_ends_the_command_too_and_nobody_complains(kling: Kling) -> None:
    args = ("listen", "--tunnel", "none", "--", "sh", "-c", "echo begun; exec sleep 60")
    with kling.start(*args) as program:
        program.wait_for("begun", stream="stdout")
        program.press_ctrl_c()
        result = program.finish()

    [_, stopped] = result.stderr.splitlines()
    assert result.exit_code == 130
    assert "stopped (SIGINT)" in stopped


def test_a_command_that_will_not_end_is_ended(kling: Kling) -> None:
    script = "trap '' TERM; echo begun; while :; do sleep 0.1; done"
    with kling.start("listen", "--tunnel", "none", "--", "sh", "-c", script) as program:
        program.wait_for("begun", stream="stdout")
        program.send(signal.SIGTERM)
        result = program.finish()

    assert result.exit_code == 143
    assert kling.processes() == []


def test_under_json_the_commands_output_is_on_stderr(kling: Kling) -> None:
    result = kling.run(*HERE, "--", "echo", "from the command")

    assert [line["type"] for line in lines(result.stdout)] == ["ready", "stopped"]
    assert "from the command" in result.stderr


def test_a_command_that_is_none_is_a_wrong_usage(kling: Kling) -> None:
    result = kling.run("listen", "--tunnel", "none", "--", "/no/such/program")

    assert result.exit_code == 2
    assert "cannot run /no/such/program" in result.stderr
    assert "stopped (usage)" in result.stderr


def test_without_a_tunnel_the_exit_code_is_12(kling: Kling, stand_in: StandIn) -> None:
    stand_in.behave(start="exit")

    result = kling.run("listen", "--tunnel", "ngrok", env=stand_in.env)

    assert result.exit_code == 12
    assert result.stdout == ""
    assert "hint: do without one: --tunnel none" in result.stderr


def test_without_a_token_a_tunnel_leads_to_the_url_with_one_only(
    kling: Kling, stand_in: StandIn
) -> None:
    args = ("listen", "--no-token", "--tunnel", "ngrok", "--max-events", "2", "--json")
    with kling.start(*args, env=stand_in.env) as program:
        printed = ready(program)
        public = stand_in.next_agent().wait_online()
        bare = post(f"{public}/callback")
        local = post(printed["local_url"])
        with_token = post(printed["callback_url"])
        result = program.finish()

    assert (bare, local, with_token) == (404, 200, 200)
    assert printed["callback_url"].startswith(f"{public}/callback/")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", printed["local_url"])
    assert result.exit_code == 0
    url = kling.run("listen", "--no-token", "--callback-url", "https://a.example")
    assert url.exit_code == 2
    assert "--no-token" in url.stderr


def test_a_default_tunnel_is_no_matter_to_a_listener_without_a_token(
    kling: Kling,
) -> None:
    args = ("listen", "--no-token", "--max-events", "1", "--json")
    with kling.start(*args, env={"KLING_TUNNEL": "ngrok"}) as program:
        printed = ready(program)
        status = post(printed["local_url"])
        result = program.finish()

    assert (status, result.exit_code) == (200, 0)
    assert printed["callback_url"] == printed["local_url"]


def post(url: str) -> int:
    body = json.dumps({"task_id": "t1", "status": "succeed"}).encode()
    try:
        with urllib.request.urlopen(url, data=body) as answer:  # noqa: S310 -- it is http
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code


def test_the_tunnels_outage_move_and_death_are_said(
    kling: Kling, stand_in: StandIn
) -> None:
    args = ("listen", "--tunnel", "ngrok", "--json")
    with kling.start(*args, env=stand_in.env) as program:
        first = ready(program)["callback_url"]
        agent = stand_in.next_agent()
        agent.command("down")
        program.wait_for('"state": "down"', stream="stdout")
        agent.command("up")
        program.wait_for('"state": "up"', stream="stdout")
        agent.command("move")
        program.wait_for('"state": "moved"', stream="stdout")
        agent.command("die")
        program.wait_for('"state": "died"', stream="stdout")
        stand_in.next_agent().wait_online()
        program.wait_for('"died"(.|\n)*"state": "(moved|up)"', stream="stdout")
        program.send(signal.SIGTERM)
        result = program.finish()

    moved = [one for one in of_type(result, "tunnel") if one["state"] == "moved"]
    assert result.exit_code == 143
    assert moved[0]["callback_url"] not in (None, first)
    assert of_type(result, "stopped")[0]["reason"] == "SIGTERM"


def test_an_ssh_server_that_is_back_at_another_url_is_said(
    kling: Kling, own_home: Path
) -> None:
    with ssh_server(own_home) as server:
        server.welcome()
        args = ("listen", "--tunnel", server.address, "--json")
        with kling.start(*args) as program:
            first = ready(program)["callback_url"]
            server.stop()
            program.wait_for('"state": "down"', stream="stdout")
            server.start()
            program.wait_for('"state": "(moved|up)"', stream="stdout")
            url = next(
                one["callback_url"] or first
                for one in reversed(lines(program.output("stdout")))
                if one["type"] == "tunnel"
            )
            status = post(url)
            program.send(signal.SIGINT)
            result = program.finish()

    assert (status, result.exit_code) == (200, 130)
    assert next(one["state"] for one in of_type(result, "tunnel")) == "down"


@pytest.mark.sandbox(task_seconds=1.0)
def test_a_generating_command_takes_the_listeners_door(kling: Kling) -> None:
    with kling.start(*HERE, "--max-events", "3", "--timeout", "30") as program:
        ready(program)
        made = kling.run(*PROMPT, "--tunnel", "auto")
        result = program.finish()

    seen = of_type(result, "callback")
    assert made.exit_code == 0
    assert "through another kling" in made.stderr
    assert [one["product"] for one in seen] == ["text2video"] * 3
    assert seen[-1]["since_submit_s"] is not None


def test_who_does_not_wait_uses_the_listeners_door_too(
    kling: Kling, sandbox: SandboxServer
) -> None:
    with kling.start(*HERE, "--until-final", "--timeout", "30") as program:
        ready(program)
        made = kling.run(*PROMPT, "--no-wait", "--tunnel", "auto")
        result = program.finish()

    assert made.exit_code == 0
    assert result.exit_code == 0
    assert [one["status"] for one in of_type(result, "callback")][-1] == "succeeded"


def test_answers_can_be_made_to_fail(kling: Kling) -> None:
    with kling.start(*HERE, "--respond", "503", "--max-events", "1") as program:
        answer = post_callback(ready(program)["callback_url"], SHORT)
        result = program.finish()

    assert answer.status == 503
    assert len(of_type(result, "callback")) == 1


def test_what_was_turned_away_just_before_the_end_is_told_before_it(
    kling: Kling,
) -> None:
    with kling.start(*HERE) as program:
        url = ready(program)["callback_url"]
        for body in (b"{", b"[", b"]"):
            post_callback(url, body)
        post_callback(f"{url}x", SHORT)
        program.send(signal.SIGTERM)
        result = program.finish()

    rejected = of_type(result, "rejected")
    told = {one["reason"]: one["count"] for one in rejected}  # the last one counts
    [end] = of_type(result, "stopped")
    assert sorted(told.values()) == [1, 3]
    assert (end["counts"]["rejected"], end["counts"]["unknown"]) == (3, 1)
    assert lines(result.stdout)[-1] == end


def test_the_url_is_the_same_after_a_restart_until_it_is_rotated(kling: Kling) -> None:
    def path(*args: str) -> str:
        result = kling.run(*HERE, "--timeout", "0.1", *args)
        return str(lines(result.stdout)[0]["callback_url"]).rpartition("/")[2]

    first, again, rotated = path(), path(), path("--rotate-token")

    assert first == again
    assert rotated != first


def test_without_history_nothing_is_kept(kling: Kling) -> None:
    with kling.start(*HERE, "--no-history", "--max-events", "1") as program:
        post_callback(ready(program)["callback_url"], SHORT)
        result = program.finish()

    [seen] = of_type(result, "callback")
    assert seen["event_id"] == 1
    assert b'"succeed"' not in (kling.state_dir / "journal.db").read_bytes()
