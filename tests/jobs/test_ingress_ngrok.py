"""An ingress by a tunnel: the real pyngrok and a stand-in agent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import pytest

from kling_cli.errors import TunnelError
from kling_cli.jobs.events import CallbackPath, TunnelOpening
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.settings.settings import Settings
from kling_cli.tunnels import shared_lock
from kling_cli.tunnels.provider import TunnelTakenError
from tests.jobs.ingress_setup import (
    OpenIngress,
    call,
    opened_ingress,
    some_settings,
    until,
)
from tests.support.agent import StandIn, stand_in
from tests.support.callback_client import current_payload
from tests.support.clock import FakeClock

__all__ = ["stand_in"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path, stand_in: StandIn) -> Settings:
    return some_settings(tmp_path, **stand_in.env)


def open_at(settings: Settings) -> str | None:
    """Return the public URL that is published to other processes."""
    shared = shared_lock.find_shared_tunnel(settings.state_dir)
    return shared.public_url if shared else None


def event_log(opened: OpenIngress) -> list[tuple[str, str | None]]:
    return [(one.state, one.via) for one in opened.event_log.of(CallbackPath)]


async def test_a_callback_arrives_through_ngrok(
    settings: Settings, stand_in: StandIn
) -> None:
    async with opened_ingress(settings, tunnel="ngrok") as opened:
        url = opened.url("n1")
        answer = await call(url, current_payload("t1", "processing"))

        assert answer.status == 200
        assert [hint.nonce for hint in opened.notifications.take()] == ["n1"]
        assert open_at(settings) == opened.ingress.base_url
    assert opened.event_log.of(TunnelOpening) == [TunnelOpening(provider="ngrok")]
    assert event_log(opened) == [("ready", "ngrok")]


async def test_at_the_end_agent_and_listener_are_closed(
    settings: Settings, stand_in: StandIn
) -> None:
    async with opened_ingress(settings, tunnel="ngrok"):
        agent = stand_in.next_agent()

    assert agent.wait_gone()
    assert open_at(settings) is None
    claimed = shared_lock.acquire_lock(settings.state_dir)
    assert claimed is not None
    claimed.release()


async def test_without_a_tunnel_the_run_goes_on_and_reports_why_once(
    settings: Settings, stand_in: StandIn
) -> None:
    stand_in.behave(start="4018")

    async with opened_ingress(settings, tunnel="ngrok") as opened:
        [event] = opened.event_log.of(CallbackPath)
        assert (event.state, event.via) == ("none", None)
        assert event.detail
        assert event.hint
        assert opened.ingress.base_url is None
        assert opened.notifications.path is PathState.NONE
        claimed = shared_lock.acquire_lock(
            settings.state_dir
        )  # another kling may try its luck
        assert claimed is not None
        claimed.release()


async def test_a_tunnel_that_is_required_and_cannot_be_had_ends_the_run(
    settings: Settings, stand_in: StandIn
) -> None:
    stand_in.behave(start="exit")

    with pytest.raises(TunnelError):
        async with opened_ingress(settings, tunnel="ngrok", callback="require"):
            pytest.fail("it was opened")


async def test_a_tunnel_that_breaks_and_recovers_is_reported_to_all_processes(
    settings: Settings, stand_in: StandIn
) -> None:
    async with opened_ingress(settings, tunnel="ngrok") as opened:
        agent = stand_in.next_agent()
        agent.wait_online()
        await call(opened.url("n1"), current_payload("t1", "processing"))
        agent.command("down")
        agent.command("down")
        lost = await opened.event_log.next(CallbackPath, 2)
        is_lost = opened.notifications.path is PathState.LOST
        door_while_lost = open_at(settings)
        agent.command("up")
        await opened.event_log.next(CallbackPath, 3)

        assert is_lost
        assert lost.detail
        assert door_while_lost is None
        assert open_at(settings) == opened.ingress.base_url
        assert opened.notifications.path is PathState.PROVEN  # as before
    assert event_log(opened) == [
        ("ready", "ngrok"),
        ("lost", "ngrok"),
        ("back", "ngrok"),
    ]


async def test_a_path_that_was_not_proven_is_only_ready_when_it_is_back(
    settings: Settings, stand_in: StandIn
) -> None:
    async with opened_ingress(settings, tunnel="ngrok") as opened:
        agent = stand_in.next_agent()
        agent.wait_online()
        agent.command("down")
        await opened.event_log.next(CallbackPath, 2)
        agent.command("up")
        await opened.event_log.next(CallbackPath, 3)

        assert opened.notifications.path is PathState.READY


async def test_a_tunnel_that_comes_back_at_another_url_stays_lost(
    settings: Settings, stand_in: StandIn
) -> None:
    async with opened_ingress(settings, tunnel="ngrok") as opened:
        agent = stand_in.next_agent()
        agent.wait_online()
        agent.command("down")
        agent.command("move")
        await until(lambda: open_at(settings) not in (None, opened.ingress.base_url))

        assert opened.notifications.path is PathState.LOST
        assert event_log(opened) == [("ready", "ngrok"), ("lost", "ngrok")]


async def test_a_second_run_shares_the_tunnel_and_gets_its_own_callbacks_only(
    settings: Settings, stand_in: StandIn
) -> None:
    async with (
        opened_ingress(settings, tunnel="ngrok") as owner,
        opened_ingress(settings, tunnel="ngrok") as guest,
    ):
        assert guest.ingress.base_url == owner.ingress.base_url
        await call(guest.url("guest"), current_payload("t2", "processing"))
        await call(owner.url("owner"), current_payload("t1", "processing"))
        await until(lambda: guest.notifications.path is PathState.PROVEN)

        assert [hint.nonce for hint in owner.notifications.take()] == ["owner"]
        assert [hint.nonce for hint in guest.notifications.take()] == ["guest"]
    assert stand_in.count_started() == 1
    assert event_log(guest) == [("ready", "shared")]


async def test_a_sharing_run_reports_that_the_owner_has_ended(
    settings: Settings, stand_in: StandIn
) -> None:
    is_open, may_go = anyio.Event(), anyio.Event()

    async def own() -> None:
        async with opened_ingress(settings, tunnel="ngrok"):
            is_open.set()
            await may_go.wait()

    owner = asyncio.create_task(own())
    await is_open.wait()
    async with opened_ingress(settings, tunnel="ngrok") as guest:
        may_go.set()
        await owner
        lost = await guest.event_log.next(CallbackPath, 2)

        assert (lost.state, lost.via) == ("lost", "shared")
        assert guest.notifications.path is PathState.LOST


async def test_a_sharing_run_reports_that_the_owner_s_tunnel_breaks_and_recovers(
    settings: Settings, stand_in: StandIn
) -> None:
    async with (
        opened_ingress(settings, tunnel="ngrok"),
        opened_ingress(settings, tunnel="ngrok") as guest,
    ):
        agent = stand_in.next_agent()
        agent.wait_online()
        agent.command("down")
        await guest.event_log.next(CallbackPath, 2)
        agent.command("up")
        await guest.event_log.next(CallbackPath, 3)

        assert guest.notifications.path is PathState.READY
    states = [("ready", "shared"), ("lost", "shared"), ("back", "shared")]
    assert event_log(guest) == states


async def test_a_tunnel_that_another_process_never_opens_is_waited_for_briefly(
    settings: Settings, stand_in: StandIn
) -> None:
    clock = FakeClock()
    settings.state_dir.mkdir(parents=True)
    claimed = shared_lock.acquire_lock(settings.state_dir)
    assert claimed is not None

    with claimed, pytest.raises(TunnelTakenError):
        async with opened_ingress(
            settings, clock=clock, tunnel="ngrok", callback="require"
        ):
            pytest.fail("it was opened")

    assert 4 <= clock.elapsed_s < 4.5
    assert stand_in.count_started() == 0
