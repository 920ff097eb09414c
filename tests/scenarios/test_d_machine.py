"""Scenarios D7, D11, D12: the machine's clock, its sleep and its disk."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psutil
import pytest

from kling_cli.callbacks.signatures import sign
from kling_cli.secret import Secret
from tests.callbacks.receiver_fixture import post
from tests.callbacks.test_signatures import BODY, HEADERS, SECRET as PUBLISHED, SENT_AT
from tests.scenarios.assertions import PROMPT, is_journal_sound
from tests.scenarios.test_d_receiver import running_listener
from tests.scenarios.test_listen import HERE, of_type, ready
from tests.support.agent import StandIn
from tests.support.callback_client import current_payload, post_callback
from tests.support.kling import Kling
from tests.support.recorder import recorder
from tests.support.sandbox_server import SandboxServer

ASLEEP = timedelta(minutes=40)
# `kling` with a wall clock that is ahead by as many seconds as a file says.
MOVED = """
import sys
import time
from datetime import timedelta
from pathlib import Path
from kling_cli.clock import SystemClock
from kling_cli.main import main
ahead = Path(sys.argv.pop(1))
now = SystemClock.now
SystemClock.now = lambda self: now(self) + timedelta(seconds=float(ahead.read_text()))
sys.exit(main())
"""


class WallClock:
    """Sets the wall clock of a `kling` process."""

    def __init__(self, kling: Kling, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = kling.home / "ahead"
        self.move(timedelta(0))

        def command(*args: str) -> tuple[str, ...]:
            return (sys.executable, "-c", MOVED, str(self._file), *args)

        monkeypatch.setattr(kling, "command", command)

    def move(self, ahead: timedelta) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(str(ahead.total_seconds()))
        part.replace(self._file)


def header_lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def a_secret(kling: Kling, words: str) -> Secret:
    """Return a webhook secret that must not be printed."""
    secret = Secret("whsec_" + b64encode(words.encode()).decode())
    kling.secrets.add(words, secret.reveal())
    return secret


def signed(secrets: list[Secret], body: bytes = BODY, age_s: float = 0) -> list[str]:
    sent_at = datetime.now(UTC) - timedelta(seconds=age_s)
    return header_lines(
        sign(body, secrets=secrets, message_id="msg_1", sent_at=sent_at)
    )


def test_d07_with_a_secret_only_what_is_signed_gets_in(kling: Kling) -> None:
    old, new = a_secret(kling, "the old secret 1"), a_secret(kling, "the new secret 2")
    kling.env["KLING_WEBHOOK_SECRET"] = new.reveal()

    with running_listener(kling, "--max-events", "2") as here:
        statuses = [
            here.status(post(BODY, *extra, path=here.path))
            for extra in (
                signed([new]),
                signed([new], body=BODY + b" "),
                signed([new], age_s=301),
                signed([old]),
                [],
                signed([old, new]),
            )
        ]
        result = here.program.finish()

    seen = of_type(result, "callback")
    assert statuses == [200, 401, 401, 401, 401, 200]
    assert [one["trust"] for one in seen] == ["signed", "signed"]
    assert {line["status"] for line in of_type(result, "rejected")} == {401}
    assert of_type(result, "stopped")[0]["counts"]["rejected"] == 4


def test_d07_the_published_vector_is_accepted(
    kling: Kling, monkeypatch: pytest.MonkeyPatch
) -> None:
    kling.secrets.add("the published secret", PUBLISHED.reveal())
    kling.env["KLING_WEBHOOK_SECRET"] = PUBLISHED.reveal()
    WallClock(kling, monkeypatch).move(SENT_AT - datetime.now(UTC))

    with running_listener(kling, "--max-events", "1") as here:
        status = here.status(post(BODY, *header_lines(HEADERS), path=here.path))
        result = here.program.finish()

    assert status == 200
    assert [one["trust"] for one in of_type(result, "callback")] == ["signed"]


@pytest.mark.sandbox(task_seconds=86_400.0)
@pytest.mark.parametrize(
    "tunnel",
    [
        pytest.param("fine", id="the tunnel is as it was"),
        pytest.param("moved", id="the tunnel has another URL"),
        pytest.param("dead", id="the tunnel is dead and does not know"),
    ],
)
def test_d11_what_ended_in_the_machines_sleep_is_told_and_passed_on_once(
    tunnel: str,
    kling: Kling,
    sandbox: SandboxServer,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall_clock = WallClock(kling, monkeypatch)
    for _ in range(3):
        made = kling.run(*PROMPT, "--no-wait", "--tunnel", "none")
        assert made.exit_code == 0, made
    ended, failed, _still_running = (task["id"] for task in sandbox.tasks)

    with recorder() as app:
        args = ("listen", "--tunnel", "ngrok", "--json", "--forward-to", app.url)
        with kling.start(*args, env=stand_in.env) as program:
            url = ready(program)["callback_url"]
            agent = stand_in.next_agent()
            agent.wait_online()
            local = ready(program)["local_url"]
            assert post_callback(f"{local}x", b"").status == 404  # it is at work by now
            program.send(signal.SIGSTOP)
            if tunnel == "moved":
                agent.command("move")
            if tunnel == "dead":
                stand_in.behave(page={"status": 404, "code": "ERR_NGROK_3200"})
            sandbox.end(ended, "succeeded")
            sandbox.end(failed, "failed", "too risky")
            wall_clock.move(ASLEEP)
            program.send(signal.SIGCONT)
            if tunnel == "dead":
                stand_in.next_agent().wait_online()
                stand_in.behave(page=None)
            news = "checked" if tunnel == "fine" else "moved"
            program.wait_for(f'"state": "{news}"', stream="stdout")
            program.wait_for('("type": "forward"(.|\n)*){2}', stream="stdout")
            # what comes late all the same is shown, and is no news to the app
            moved_to = re.findall(r'"callback_url": "(\S+)"', program.output("stdout"))
            assert (
                post_callback(moved_to[-1], current_payload(ended, "succeeded")).status
                == 200
            )
            program.wait_for('"type": "duplicate".*\n', stream="stdout")
            program.send(signal.SIGTERM)
            result = program.finish()

    polls = of_type(result, "poll")
    missed = [
        (one["task_id"], one["status"])
        for one in of_type(result, "reconciled")
        if one["is_missed"]
    ]
    found = of_type(result, "tunnel")
    assert {ended, failed} <= set(polls[0]["task_ids"])
    if tunnel == "fine":
        assert [one["state"] for one in found] == ["checked"]
        assert found[0]["public_url"] == url.partition("/callback")[0]
        assert "a request came back" in found[0]["detail"]
        assert polls[0]["reason"] == "the machine slept for 40 min"
    if tunnel == "moved":
        assert found[-1]["callback_url"] not in (None, url)
    if tunnel == "dead":
        assert [one["state"] for one in found] == ["down", "moved"]
        assert found[0]["detail"] == (
            "the machine slept for 40 min; nothing comes through: 404 ERR_NGROK_3200"
        )
    assert of_type(result, "stopped")[0]["counts"]["unknown"] == 1  # the one above
    assert sorted(missed) == sorted([(ended, "succeeded"), (failed, "failed")])
    assert len(app.seen) == 2
    assert all(post.headers["kling-reconciled"] == "1" for post in app.seen)


def test_d12_a_full_disk_holds_no_callback_up(kling: Kling) -> None:
    with kling.start(*HERE, "--max-events", "3") as program:
        url = ready(program)["callback_url"]
        process = psutil.Process(program.pid)
        _, most = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (0, most))
        answers = [
            post_callback(url, current_payload(f"t{number}", "processing"))
            for number in range(3)
        ]
        result = program.finish()

    seen = of_type(result, "callback")
    assert {answer.status for answer in answers} == {200}
    assert [one["task_id"] for one in seen] == ["t0", "t1", "t2"]
    assert [one["event_id"] for one in seen] == [None] * 3
    assert result.stderr.count("warning:") == 1
    assert "callbacks cannot be kept" in result.stderr
    assert result.exit_code == 0
    assert is_journal_sound(kling)


def test_callbacks_arrive_despite_few_descriptors_and_many_idle_connections(
    kling: Kling, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = ("sh", "-c", 'ulimit -n 48; exec "$@"', "sh")
    command = kling.command(*HERE, "--max-events", "3")
    monkeypatch.setattr(kling, "command", lambda *_: (*shell, *command))

    with kling.start() as program, contextlib.ExitStack() as connections:
        found = ready(program)
        port = urlsplit(found["local_url"]).port
        process = psutil.Process(program.pid)

        def come(times: int) -> None:
            for _ in range(times):
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
                connections.enter_context(one)

        come(100)
        answers = [
            post_callback(found["local_url"], current_payload("t1", "processing"))
        ]
        # none at all is left: whoever is idle makes room
        process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), 48))
        used = process.cpu_times().user
        come(20)
        answers.append(
            post_callback(found["local_url"], current_payload("t2", "processing"))
        )
        time.sleep(0.5)
        spent = process.cpu_times().user - used
        connections.close()
        answers.append(
            post_callback(found["local_url"], current_payload("t3", "processing"))
        )
        result = program.finish()

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert all(answer.seconds < 5 for answer in answers)
    assert spent < 0.4
    assert result.exit_code == 0
    assert result.stderr == ""
