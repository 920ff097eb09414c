"""An open tunnel tells of outages, of another URL, and of its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kling_cli.tunnels.ngrok.provider import NgrokProvider
from kling_cli.tunnels.provider import TunnelEvent
from tests.support.agent import StandIn
from tests.support.tunnels import OpenedTunnel

pytestmark = pytest.mark.anyio


@pytest.fixture
async def opened(tmp_path: Path, stand_in: StandIn) -> AsyncIterator[OpenedTunnel]:
    provider = NgrokProvider(tmp_path / "state", ngrok_path=str(stand_in.path))
    async with provider.open(9, timeout_s=30) as tunnel:
        yield OpenedTunnel(tunnel, stand_in.next_agent())


async def test_an_outage_and_its_end_are_told_once_each(opened: OpenedTunnel) -> None:
    url = opened.tunnel.public_url

    opened.agent.command("down")
    opened.agent.command("down")
    first = await opened.next_event()
    opened.agent.command("up")
    second = await opened.next_event()

    detail = "session closed, starting reconnect loop"
    assert first == TunnelEvent("down", url, detail)
    assert second == TunnelEvent("up", url)


async def test_an_outage_is_told_in_the_agents_words(opened: OpenedTunnel) -> None:
    line = 't=1 lvl=warn msg="failed to reconnect session" err="no route\\nto host"'

    opened.agent.command("log", line=line)

    event = await opened.next_event()
    assert event is not None
    assert event.detail == "no route to host"


async def test_bytes_that_are_no_text_do_not_end_the_reading_of_the_log(
    opened: OpenedTunnel,
) -> None:
    opened.agent.command("blurt", line='lvl=info msg="\xff\xfe"')
    opened.agent.command("log", line="lvl=info msg=busy", times=2000)  # fills a pipe
    opened.agent.command("down")

    event = await opened.next_event()
    assert event is not None
    assert event.state == "down"


async def test_another_url_is_told_and_holds(opened: OpenedTunnel) -> None:
    before = opened.tunnel.public_url

    opened.agent.command("down")
    opened.agent.command("move")
    await opened.next_event()
    event = await opened.next_event()

    assert event is not None
    assert event.state == "moved"
    assert event.public_url == opened.tunnel.public_url != before


async def test_a_session_that_is_back_is_believed_once_the_agent_names_its_url(
    opened: OpenedTunnel, stand_in: StandIn
) -> None:
    stand_in.behave(get="fail")
    opened.agent.command("down")
    opened.agent.command("up")
    opened.agent.wait_for("refused to say")
    assert (await opened.next_event()) is not None

    stand_in.behave(get=None)

    event = await opened.next_event()
    assert event is not None
    assert event.state == "up"


async def test_a_session_established_anew_without_an_outage_is_no_news(
    opened: OpenedTunnel,
) -> None:
    opened.agent.command("up")
    opened.agent.command("down")

    event = await opened.next_event()
    assert event is not None
    assert event.state == "down"


async def test_the_agents_death_is_told_at_once_and_is_the_last_event(
    opened: OpenedTunnel,
) -> None:
    opened.agent.command("die")

    event = await opened.next_event()
    assert event is not None
    assert event.state == "died"
    assert await opened.next_event() is None
    assert [event async for event in opened.tunnel.events()] == []


async def test_closing_ends_the_events_without_a_death(
    tmp_path: Path, stand_in: StandIn
) -> None:
    provider = NgrokProvider(tmp_path / "state", ngrok_path=str(stand_in.path))

    async with provider.open(9) as tunnel:
        pass

    assert [event async for event in tunnel.events()] == []
