"""Tunnels by the real pyngrok and a stand-in agent: open, forward, close."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from pyngrok import installer

from kling_cli.errors import TunnelError
from kling_cli.secret import Secret
from kling_cli.settings.settings import read_settings
from kling_cli.tunnels.ngrok.provider import FACTORY, NgrokProvider
from kling_cli.tunnels.provider import TunnelTakenError
from tests.support.agent import StandIn
from tests.support.echo import Echo, echo_server

pytestmark = pytest.mark.anyio

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefgh"
OPENING_S = 30.0  # for what will open; the machine may be busy
Make = Callable[..., NgrokProvider]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def make(state_dir: Path, stand_in: StandIn) -> Make:
    """Give a way to make a provider whose agent is the stand-in."""

    def provider(token: str = TOKEN) -> NgrokProvider:
        return NgrokProvider(
            state_dir,
            ngrok_path=str(stand_in.path),
            authtoken=Secret(token) if token else None,
        )

    return provider


@pytest.fixture
def app() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


def is_cleared(state_dir: Path) -> bool:
    return not list((state_dir / "agents").iterdir())


def texts_below(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.rglob("*") if path.is_file()]


def write_persons_config(text: str) -> None:
    path = Path(installer.get_default_ngrok_dir(), "ngrok.yml")
    path.parent.mkdir(parents=True)
    path.write_text(text)


def is_installed() -> bool:
    return Path(installer.get_default_ngrok_dir()).exists()


async def post(url: str, body: bytes) -> bytes:
    def send() -> bytes:
        with urllib.request.urlopen(url, body, timeout=30) as answer:  # noqa: S310 -- http
            return bytes(answer.read())

    return await anyio.to_thread.run_sync(send)


async def test_a_request_to_the_public_url_reaches_the_local_port(
    make: Make, app: Echo
) -> None:
    async with make().open(app.port, timeout_s=OPENING_S) as tunnel:
        answer = await post(f"{tunnel.public_url}/callback/a/b", b"{}")

    assert answer == b"{}"
    assert app.paths == ["/callback/a/b"]


async def test_leaving_ends_the_agent_after_telling_the_cloud(
    make: Make, stand_in: StandIn, state_dir: Path
) -> None:
    async with make().open(9, timeout_s=OPENING_S):
        agent = stand_in.next_agent()

    assert agent.wait_for("deleted") == {"event": "deleted", "name": "kling"}
    assert agent.wait_gone()
    assert is_cleared(state_dir)


async def test_the_endpoint_is_asked_for_without_any_of_pyngroks_traps(
    make: Make, stand_in: StandIn, app: Echo
) -> None:
    async with make().open(app.port, timeout_s=OPENING_S):
        agent = stand_in.next_agent()
        asked = agent.wait_for("online")["asked"]

    assert asked["upstream"] == {"url": f"http://127.0.0.1:{app.port}"}
    assert asked["name"] == "kling"
    assert asked["inspect"] is False
    assert agent.session == agent.pid


async def test_the_token_is_in_the_agents_environment_only(
    make: Make, stand_in: StandIn, state_dir: Path
) -> None:
    stand_in.behave(token=TOKEN)

    async with make().open(9, timeout_s=OPENING_S):
        agent = stand_in.next_agent()
        texts = texts_below(state_dir)

        assert agent.token == TOKEN
        assert TOKEN not in " ".join(agent.argv)
        assert "--authtoken" not in agent.argv
        assert texts
        assert TOKEN not in "".join(texts)


async def test_a_token_of_the_environment_does_not_reach_the_command_line(
    make: Make, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone, pyngrok puts it there."""
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)

    async with make(token="").open(9, timeout_s=OPENING_S):
        agent = stand_in.next_agent()

    assert agent.token == TOKEN
    assert "--authtoken" not in agent.argv


async def test_the_token_of_the_persons_own_configuration_is_honoured(
    make: Make, stand_in: StandIn
) -> None:
    write_persons_config(
        f"version: 3\nagent:\n  authtoken: {TOKEN}\n"
        "endpoints:\n  - name: kling\n    url: https://mine.example\n"
    )
    stand_in.behave(token=TOKEN)

    async with make(token="").open(9, timeout_s=OPENING_S):
        asked = stand_in.next_agent().wait_for("online")["asked"]

    assert "mine.example" not in str(asked)


async def test_a_proxy_of_the_environment_is_not_in_the_way(
    make: Make, app: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async with make().open(app.port, timeout_s=OPENING_S) as tunnel:
        assert await post(tunnel.public_url, b"x") == b"x"


async def test_the_agents_log_is_read_for_as_long_as_it_talks(
    make: Make, stand_in: StandIn, app: Echo
) -> None:
    """A pipe that nobody empties stalls the tunnel after some hundred requests."""
    async with make().open(app.port, timeout_s=OPENING_S) as tunnel:
        agent = stand_in.next_agent()
        line = 't=1 lvl=info msg="join connections" it\'s odd'
        await anyio.to_thread.run_sync(
            lambda: agent.command("log", line=line, times=5000)
        )

        assert await post(tunnel.public_url, b"x") == b"x"


async def test_settings_say_which_agent_and_token(
    stand_in: StandIn, state_dir: Path
) -> None:
    settings = read_settings(
        {"KLING_STATE_DIR": str(state_dir), "NGROK_AUTHTOKEN": TOKEN} | stand_in.env
    )

    async with FACTORY.create(settings, None).open(9):
        agent = stand_in.next_agent()

    assert agent.token == TOKEN


@pytest.mark.parametrize(
    ("start", "says"),
    [
        pytest.param("silent", r"did not come up within 3 s$", id="silent for ever"),
        pytest.param("mute", r"did not come up within 3 s$", id="its api is mute"),
        pytest.param("offline", r"within 3 s: failed to dial.*no host", id="offline"),
    ],
)
async def test_an_agent_that_does_not_come_up_is_given_up_and_ended(
    make: Make, stand_in: StandIn, state_dir: Path, start: str, says: str
) -> None:
    stand_in.behave(start=start, ignores_term=True)

    with pytest.raises(TunnelError, match=says) as caught:
        async with make().open(9, timeout_s=3):
            pytest.fail("it cannot have come up")

    assert stand_in.next_agent().wait_gone()
    assert is_cleared(state_dir)
    assert "--callback off" in str(caught.value.hint)


async def test_an_endpoint_that_never_opens_is_given_up(
    make: Make, stand_in: StandIn
) -> None:
    stand_in.behave(post="hang")

    with pytest.raises(TunnelError, match="did not come up"):
        async with make().open(9, timeout_s=3):
            pytest.fail("it cannot have come up")

    assert stand_in.next_agent().wait_gone()


@pytest.mark.parametrize(
    ("behaviour", "kind", "says"),
    [
        ({"start": "exit"}, TunnelError, "ended and gave no reason"),
        ({"start": "4018"}, TunnelError, "4018"),
        ({"start": "105"}, TunnelError, "105"),
        ({"start": "107"}, TunnelError, "107"),
        ({"start": "108"}, TunnelTakenError, "108"),
        ({"start": "121"}, TunnelError, "121"),
        ({"start": "9040"}, TunnelError, "9040"),
        ({"start": "107", "is_hasty": True}, TunnelError, "107"),
        ({"post_error": "334"}, TunnelTakenError, "334"),
        ({"post_error": "320"}, TunnelError, "320"),
        ({"version": "3.19.0"}, TunnelError, r"3\.19\.0; 3\.30 or newer"),
    ],
    ids=str,
)
async def test_a_refusal_is_told_in_one_sentence_with_a_remedy(
    make: Make,
    stand_in: StandIn,
    behaviour: dict[str, Any],
    kind: type[TunnelError],
    says: str,
) -> None:
    stand_in.behave(**behaviour)

    with pytest.raises(TunnelError, match=says) as caught:
        async with make().open(9, timeout_s=OPENING_S):
            pytest.fail("it cannot have come up")

    assert type(caught.value) is kind
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("start", ["105", "107"])
async def test_a_refused_token_is_found_nowhere_in_the_error(
    make: Make,
    stand_in: StandIn,
    start: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    stand_in.behave(start=start)

    with pytest.raises(TunnelError) as caught:
        async with make().open(9, timeout_s=OPENING_S):
            pytest.fail("it cannot have come up")

    told = [caught.value, caught.value.hint, caught.value.__cause__]
    assert TOKEN not in repr([*told, caught.value.__context__])
    assert TOKEN not in caplog.text
    assert capfd.readouterr() == ("", "")


async def test_a_missing_agent_is_told_at_once_and_nothing_is_downloaded(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(TunnelError, match="not installed"):
        async with NgrokProvider(state_dir).open(9):
            pytest.fail("there is no agent")

    assert not is_installed()


async def test_a_state_folder_that_is_none_is_told_as_such(
    stand_in: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    provider = NgrokProvider(tmp_path / "file/state", ngrok_path=str(stand_in.path))

    with pytest.raises(TunnelError, match="could not be started") as caught:
        async with provider.open(9):
            pytest.fail("it cannot have come up")

    assert "KLING_STATE_DIR" in str(caught.value.hint)


async def test_a_second_agent_of_the_account_is_recognised_as_such(
    make: Make, stand_in: StandIn
) -> None:
    stand_in.behave(max_sessions=1)

    async with make().open(9, timeout_s=OPENING_S):
        with pytest.raises(TunnelTakenError):
            async with make().open(9, timeout_s=OPENING_S):
                pytest.fail("there is one session only")

    async with make().open(9, timeout_s=OPENING_S) as tunnel:
        assert tunnel.public_url


async def test_tunnels_of_one_process_do_not_disturb_each_other(
    make: Make, app: Echo
) -> None:
    """Processes are kept by path: the same path would be the same agent."""
    async with make().open(app.port, timeout_s=OPENING_S) as first:
        async with make().open(9, timeout_s=OPENING_S) as second:
            assert first.public_url != second.public_url

        assert await post(first.public_url, b"x") == b"x"


async def test_an_error_inside_comes_out_as_it_is(
    make: Make, stand_in: StandIn, state_dir: Path
) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with make().open(9, timeout_s=OPENING_S):
            raise LookupError("mine")

    assert stand_in.next_agent().wait_gone()
    assert is_cleared(state_dir)


async def test_an_agent_that_will_not_take_leave_is_ended_all_the_same(
    make: Make, stand_in: StandIn, state_dir: Path
) -> None:
    stand_in.behave(delete="hang", ignores_term=True)

    async with make().open(9, timeout_s=OPENING_S):
        agent = stand_in.next_agent()

    assert agent.wait_gone()
    assert is_cleared(state_dir)


async def test_cancelling_a_silent_start_ends_the_agent(
    make: Make, stand_in: StandIn, state_dir: Path
) -> None:
    stand_in.behave(start="silent", ignores_term=True)

    async with anyio.create_task_group() as tasks:

        async def open_one() -> None:
            async with make().open(9, timeout_s=OPENING_S):
                pytest.fail("it cannot have come up")

        tasks.start_soon(open_one)
        agent = await anyio.to_thread.run_sync(stand_in.next_agent)
        tasks.cancel_scope.cancel()

    assert agent.wait_gone()
    assert is_cleared(state_dir)


@pytest.mark.parametrize("after_s", [0, 0.01, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2])
async def test_cancelling_at_any_moment_leaves_nothing(
    make: Make, stand_in: StandIn, state_dir: Path, after_s: float
) -> None:
    with anyio.move_on_after(after_s):
        async with make().open(9, timeout_s=OPENING_S):
            await anyio.sleep_forever()

    for _ in range(stand_in.count_started()):
        assert stand_in.next_agent().wait_gone()
    assert not (state_dir / "agents").exists() or is_cleared(state_dir)


def test_a_thread_that_outlives_its_loop_ends_without_a_sound(
    make: Make, stand_in: StandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits longer for a program that does not tell even its version."""
    stand_in.behave(version="hang")

    async def give_up() -> None:
        with pytest.raises(TunnelError, match="did not come up"):
            async with make().open(9, timeout_s=0.1):
                pytest.fail("it cannot have come up")

    anyio.run(give_up)

    left = [one for one in threading.enumerate() if one.name == "kling-ngrok"]
    assert len(left) == 1
    left[0].join(20)
    assert not left[0].is_alive()
    assert capfd.readouterr() == ("", "")


async def test_the_event_loop_goes_on_while_an_agent_is_silent(
    make: Make, stand_in: StandIn
) -> None:
    stand_in.behave(start="silent")
    longest_s = 0.0

    async with anyio.create_task_group() as tasks:

        async def tick() -> None:
            nonlocal longest_s
            while True:
                before = anyio.current_time()
                await anyio.sleep(0.01)
                longest_s = max(longest_s, anyio.current_time() - before)

        tasks.start_soon(tick)
        with pytest.raises(TunnelError):
            async with make().open(9, timeout_s=3):
                pytest.fail("it cannot have come up")
        tasks.cancel_scope.cancel()

    assert longest_s < 1.5  # of 3 s; a blocked loop shows all of it
