"""The cloudflared provider, driving a program that speaks as the real one does."""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from kling_cli.errors import TunnelError
from kling_cli.settings.settings import read_settings
from kling_cli.tunnels.cloudflared import FACTORY, CloudflaredProvider, find_agent
from kling_cli.tunnels.provider import NotSetUpError, TunnelEvent
from tests.support.agent import StandIn, cloudflared
from tests.support.echo import Echo, echo_server
from tests.support.tunnels import OpenedTunnel

__all__ = ["cloudflared"]
pytestmark = pytest.mark.anyio
OPENING_S = 30  # patience with a busy machine


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def provider(state_dir: Path, cloudflared: StandIn) -> CloudflaredProvider:
    return CloudflaredProvider(state_dir, agent_path=str(cloudflared.path))


@pytest.fixture
def app() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
async def opened(
    provider: CloudflaredProvider, cloudflared: StandIn, app: Echo
) -> AsyncIterator[OpenedTunnel]:
    async with provider.open(app.port, timeout_s=OPENING_S) as tunnel:
        yield OpenedTunnel(tunnel, cloudflared.next_agent())


def ask(url: str) -> int:
    with urllib.request.urlopen(url, data=b"x") as answer:  # noqa: S310 -- it is http
        return int(answer.status)


def is_cleared(state_dir: Path) -> bool:
    return not list((state_dir / "agents").iterdir())


async def test_a_request_from_outside_comes_in_and_nothing_is_left(
    provider: CloudflaredProvider,
    cloudflared: StandIn,
    app: Echo,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KLING_API_KEY", "sk-made-up")
    monkeypatch.setenv("NGROK_AUTHTOKEN", "made-up")
    monkeypatch.setenv("TUNNEL_TOKEN", "of a tunnel of theirs")
    monkeypatch.setenv("TUNNEL_TRANSPORT_PROTOCOL", "http2")

    async with provider.open(app.port, timeout_s=OPENING_S) as tunnel:
        agent = cloudflared.next_agent()
        answer = await anyio.to_thread.run_sync(ask, tunnel.public_url)

        assert answer == 200
        assert tunnel.provider_name == "cloudflared"
        assert not is_cleared(state_dir)
    assert agent.wait_gone()
    assert is_cleared(state_dir)
    assert agent.session != 0  # one of its own: Ctrl-C does not reach it
    left = [name for name in agent.environ if name.startswith(("KLING_", "TUNNEL_"))]
    assert left == ["TUNNEL_TRANSPORT_PROTOCOL"]
    assert "NGROK_AUTHTOKEN" not in agent.environ
    assert "--no-autoupdate" in agent.argv


async def test_an_outage_its_end_and_death_are_told_once_each(
    opened: OpenedTunnel,
) -> None:
    url = opened.tunnel.public_url

    opened.agent.command("down")
    opened.agent.command("down")
    down = await opened.next_event()
    opened.agent.command("up")
    up = await opened.next_event()
    opened.agent.command("die")
    died = await opened.next_event()

    assert down is not None
    assert (down.state, down.public_url) == ("down", url)
    assert "Connection terminated" in (down.detail or "")
    assert up == TunnelEvent("up", url)
    assert died == TunnelEvent("died", url, "cloudflared ended with exit code 1")
    assert await opened.next_event() is None


async def test_a_long_log_does_not_stall_the_tunnel(opened: OpenedTunnel) -> None:
    def write_much() -> None:
        opened.agent.command("log", line="x" * 70_000, times=2)
        opened.agent.command("log", line="y", times=5_000)
        opened.agent.command("down")

    await anyio.to_thread.run_sync(write_much)

    event = await opened.next_event()

    assert event is not None
    assert event.state == "down"


@pytest.mark.parametrize(
    ("start", "said", "hint"),
    [
        pytest.param("429", "no more quick tunnels", "kling tunnel list", id="429"),
        pytest.param("bad gateway", "1101", "--callback off", id="unreadable"),
        pytest.param("exit", "Couldn't start tunnel", "--callback off", id="exits"),
        pytest.param("silent", "within 3 s", "this network", id="silent"),
        pytest.param("offline", "within 3 s: Unable to", "network", id="offline"),
    ],
)
async def test_a_refusal_is_told_in_one_sentence_with_a_remedy(  # noqa: PLR0913, PLR0917 -- a row
    provider: CloudflaredProvider,
    cloudflared: StandIn,
    state_dir: Path,
    start: str,
    said: str,
    hint: str,
) -> None:
    cloudflared.behave(start=start)

    with pytest.raises(TunnelError, match=said) as caught:
        async with provider.open(9, timeout_s=3):
            pytest.fail("it was opened")

    assert hint in (caught.value.hint or "")
    assert is_cleared(state_dir)


def test_the_agent_is_looked_for_where_it_may_be(
    cloudflared: StandIn, tmp_path: Path
) -> None:
    at_path = find_agent(None, str(cloudflared.folder))
    with pytest.raises(NotSetUpError, match="not installed"):
        find_agent(None, str(tmp_path))
    with pytest.raises(TunnelError, match=r"cloudflared\.path") as caught:
        find_agent(str(tmp_path / "nothing"))

    assert at_path == cloudflared.path
    assert not isinstance(caught.value, NotSetUpError)


def test_its_checks_say_whether_it_is_there(
    cloudflared: StandIn, tmp_path: Path
) -> None:
    settings = read_settings({"KLING_STATE_DIR": str(tmp_path)})

    [there] = FACTORY.checks(settings, str(cloudflared.folder))
    [missing] = FACTORY.checks(settings, str(tmp_path))

    assert there.is_ok
    assert there.message.endswith("version 2026.3.0")
    assert not missing.is_ok
    assert "https://" in missing.remedy


async def test_a_folder_that_cannot_be_written_is_said(
    cloudflared: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    provider = CloudflaredProvider(
        tmp_path / "file/state", agent_path=str(cloudflared.path)
    )

    with pytest.raises(TunnelError, match="could not be started") as caught:
        async with provider.open(9):
            pytest.fail("it was opened")

    assert "KLING_STATE_DIR" in (caught.value.hint or "")
