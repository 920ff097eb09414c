"""The stand-in for the ngrok agent misbehaves as configured."""

from __future__ import annotations

import http.client
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message

import pytest

from tests.support.agent import RunningAgent, StandIn, stand_in
from tests.support.echo import Echo, echo_server

__all__ = ["stand_in"]

Open = Callable[[int], "tuple[RunningAgent, str]"]


@pytest.fixture
def app() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
def open_endpoint(stand_in: StandIn) -> Iterator[Open]:
    """Return a function that runs an agent that forwards to a port."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(port: int) -> tuple[RunningAgent, str]:
        command = [str(stand_in.path), "start", "--none"]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        agent = stand_in.next_agent()
        api = agent.wait_for("session")["api"]
        body = b'{"name": "a", "upstream": {"url": "http://127.0.0.1:%d"}}' % port
        ask(f"http://{api}/api/endpoints", body)
        return agent, agent.wait_online()

    yield begin
    for process in started:
        process.kill()
        process.wait()


def ask(url: str, body: bytes = b"x") -> bytes:
    with urllib.request.urlopen(url, body, timeout=30) as answer:  # noqa: S310 -- http
        return bytes(answer.read())


def refused(url: str) -> tuple[int, Message]:
    """Return status and head of the page that `url` is answered with."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(url)
    caught.value.close()
    return caught.value.code, caught.value.headers


def test_requests_are_forwarded(open_endpoint: Open, app: Echo) -> None:
    agent, url = open_endpoint(app.port)

    assert ask(f"{url}/a?b=c", b"hello") == b"hello"
    assert (app.paths, app.bodies) == (["/a?b=c"], [b"hello"])
    assert agent.wait_for("forwarded")["status"] == 200


def test_requests_are_lost(open_endpoint: Open, stand_in: StandIn, app: Echo) -> None:
    stand_in.behave(lose=1)
    agent, url = open_endpoint(app.port)

    with pytest.raises(http.client.RemoteDisconnected):
        ask(url, b"first")
    ask(url, b"second")

    assert agent.wait_for("lost")
    assert app.bodies == [b"second"]


def test_requests_are_repeated(
    open_endpoint: Open, stand_in: StandIn, app: Echo
) -> None:
    stand_in.behave(repeat=3)
    _, url = open_endpoint(app.port)

    ask(url)

    assert len(app.bodies) == 3


def test_requests_are_held_until_released(
    open_endpoint: Open, stand_in: StandIn, app: Echo
) -> None:
    stand_in.behave(hold=True)
    agent, url = open_endpoint(app.port)
    asking = threading.Thread(target=ask, args=(url,))
    asking.start()
    agent.wait_for("held")

    assert app.bodies == []
    agent.command("release")
    asking.join(10)

    assert app.bodies == [b"x"]


def test_ngroks_own_pages_are_answered(
    open_endpoint: Open, stand_in: StandIn, app: Echo
) -> None:
    agent, url = open_endpoint(app.port)
    stand_in.behave(page={"status": 502, "code": "ERR_NGROK_3004"})

    status, head = refused(url)

    assert (status, head["Ngrok-Error-Code"]) == (502, "ERR_NGROK_3004")
    assert head["Content-Type"] == "text/html"
    stand_in.behave(page=None)
    agent.command("down")
    assert refused(url)[1]["Ngrok-Error-Code"] == "ERR_NGROK_3200"
    agent.command("up")
    assert ask(url) == b"x"


def test_a_listener_that_is_not_there_is_ngroks_8012(open_endpoint: Open) -> None:
    _, url = open_endpoint(1)

    status, head = refused(url)

    assert (status, head["Ngrok-Error-Code"]) == (502, "ERR_NGROK_8012")


def test_a_slow_start_waits_for_the_command(stand_in: StandIn) -> None:
    stand_in.behave(start="slow")
    command = [str(stand_in.path), "start", "--none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        agent = stand_in.next_agent()
        agent.command("go")

        assert process.stdout is not None
        assert b"starting web service" in process.stdout.readline()
        agent.command("die")
        assert agent.wait_gone()


def test_an_agent_dies_after_the_given_time(stand_in: StandIn) -> None:
    stand_in.behave(die_after_s=0.05)
    with subprocess.Popen([stand_in.path, "start"], stdout=subprocess.DEVNULL):
        assert stand_in.next_agent().wait_gone()


@pytest.mark.parametrize(
    ("given", "code"), [("", "4018"), ("short", "105"), ("x" * 48, "107")]
)
def test_tokens_but_one_are_refused(stand_in: StandIn, given: str, code: str) -> None:
    stand_in.behave(token="y" * 48)

    ended = subprocess.run(
        [stand_in.path, "start", "--authtoken", given],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert f"ERR_NGROK_{code}" in ended.stdout
    assert "USAGE" in ended.stderr
