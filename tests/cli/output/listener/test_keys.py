"""The keys of `kling listen`: what each does, and the terminal afterwards."""

from __future__ import annotations

import http.client
import json
import os
import re
import termios
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from kling_cli.cli.output.listener.keys import HELP, KEYS
from kling_cli.listener.controls import Controls
from kling_cli.listener.events import Forwarded, Mismatch, Verified
from kling_cli.store.records import StoredCallback
from tests.support.kling import Kling
from tests.support.recorder import recorder
from tests.support.terminal import Terminal

URL = "https://hooks.example.com/callback/secret"


@dataclass
class Passed:
    """A forwarder that records what it was given."""

    submitted: list[tuple[int, bool]] = field(default_factory=list)

    def submit(self, submitted: StoredCallback, *, is_replay: bool = False) -> None:
        self.submitted.append((submitted.id, is_replay))

    async def drain(self, timeout_s: float) -> None:
        pass


def a_callback(number: int = 7, raw: bytes = b'{"id": "t1"}') -> StoredCallback:
    return StoredCallback(
        id=number,
        received_at=datetime(2026, 10, 4, 12, tzinfo=UTC),
        product=None,
        nonce=None,
        task_id="t1",
        external_id=None,
        status="succeeded",
        trust="token",
        headers=(("content-type", "application/json"),),
        raw=raw,
    )


@pytest.fixture
def passed() -> Passed:
    return Passed()


@pytest.fixture
def controls(passed: Passed) -> Controls:
    return Controls(callback_url=URL, forwarder=passed, stop=lambda _reason: None)


def test_replay_passes_the_last_callback_on_again(
    controls: Controls, passed: Passed
) -> None:
    assert KEYS["r"](controls).startswith("nothing to replay")
    controls.last_callback = a_callback()

    printed = KEYS["r"](controls)

    assert printed == "replaying the last callback"
    assert passed.submitted == [(7, True)]


def test_details_are_safe_to_show(controls: Controls) -> None:
    assert KEYS["d"](controls) == "no callback yet"
    controls.last_callback = a_callback(raw=b'{"message": "\x1b[2J\r\n"}')

    printed = KEYS["d"](controls)

    assert "  content-type: application/json" in printed.splitlines()
    assert "\x1b" not in printed
    assert "\r" not in printed


def test_details_compare_the_claim_with_the_api_and_say_what_became_of_it(
    controls: Controls,
) -> None:
    controls.last_callback = a_callback(raw=b'{"id":"t1","status":"succeeded"}')
    before = KEYS["d"](controls).splitlines()
    wrong = Mismatch("status", "succeeded", "processing")
    for number in (6, 7):
        controls.record_outcome(
            Verified(
                number=number,
                task_id="t1",
                is_true=False,
                actual="processing",
                mismatches=(wrong,),
            )
        )
        controls.record_outcome(
            Forwarded(
                number=number,
                method="POST",
                url="http://a/b",
                status=500,
                duration_s=0.1,
            )
        )

    after = KEYS["d"](controls).splitlines()

    assert before[:3] == [
        "#7  succeeded",
        "  claims    succeeded",
        "  API       not asked, or not yet",
    ]
    assert after[:5] == [
        "#7  succeeded",
        "  claims    succeeded",
        "  API       processing",
        "  verdict   the API says processing, the callback claimed succeeded",
        "  forwarded 500 POST http://a/b 100ms",
    ]
    assert after[-4:] == ["  {", '    "id": "t1",', '    "status": "succeeded"', "  }"]


def test_details_of_a_long_body_end_with_where_the_rest_is(controls: Controls) -> None:
    controls.last_callback = a_callback(raw=json.dumps(list(range(500))).encode())

    lines = KEYS["d"](controls).splitlines()

    assert len(lines) < 210
    assert lines[-1].endswith("more lines: kling events show 7")


def test_copying_sends_the_url_to_the_terminal(controls: Controls) -> None:
    printed = KEYS["c"](controls)

    assert f"\x1b]52;c;{b64encode(URL.encode()).decode()}\x07" in printed


def test_what_came_in_a_pause_is_passed_on_afterwards(
    controls: Controls, passed: Passed
) -> None:
    KEYS["p"](controls)
    controls.forward(a_callback(8))
    held_back = list(passed.submitted)

    KEYS["p"](controls)

    assert held_back == []
    assert passed.submitted == [(8, False)]


def test_every_key_is_in_the_line_of_help() -> None:
    assert [part.split()[0] for part in HELP.removeprefix("keys: ").split(", ")] == (
        list(KEYS)
    )


def test_q_ends_it_and_leaves_the_terminal_as_it_was(kling: Kling) -> None:
    terminal = Terminal(streams=("stdin", "stderr"))
    line = os.dup(terminal.master)  # outlives the program's streams
    before = termios.tcgetattr(line)

    here = ("listen", "--tunnel", "none", "--forward-to")
    with (
        recorder() as app,
        kling.start(
            *here, app.url, env={"TERM": "xterm"}, terminal=terminal
        ) as program,
    ):
        found = program.wait_for(r"http://127\.0\.0\.1:(\d+)(/callback/[\w-]+)")
        port, path = int(found[1]), found[2]
        program.wait_for("q quit")
        program.wait_for(rf"127\.0\.0\.1:{port} · local only · 0 received")
        post(port, path, b'{"task_id": "test", "status": "succeed"}')
        program.wait_for("succeeded test", stream="stdout")
        program.wait_for("local only · 1 received · 1 forwarded · 0 failed")
        terminal.type("p")
        program.wait_for("1 forwarded · 0 failed · paused")
        terminal.type("d")
        program.wait_for(r"  forwarded 200 POST http://127\.0\.0\.1")
        program.wait_for('"task_id": "test"')
        terminal.type("q")
        result = program.finish()

    assert result.exit_code == 0, result
    assert result.stderr.count(path) == 1  # the secret is shown once
    *_, last = re.split(r"\x1b\[J", result.stderr)
    assert "received" not in last.replace("callbacks received", "")
    assert termios.tcgetattr(line) == before
    os.close(line)


def post(port: int, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", path, body)
    assert connection.getresponse().status == 200
    connection.close()
