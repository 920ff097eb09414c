"""Where the sandbox listens, and how it ends."""

from __future__ import annotations

import socket

import anyio
import httpx
import pytest

from kling_cli.errors import UsageError
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import serve_sandbox
from kling_cli.sandbox.state.virtual_clock import VirtualClock
from tests.sandbox.client import TURBO, open_client, open_receiver
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def taken() -> object:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


async def test_it_listens_on_loopback_only() -> None:
    async with serve_sandbox(SandboxOptions()) as sandbox:
        assert sandbox.base_url == f"http://127.0.0.1:{sandbox.port}"
        with pytest.raises(OSError), anyio.fail_after(2):  # noqa: PT011 -- any
            await anyio.connect_tcp("127.0.0.2", sandbox.port)


async def test_a_port_that_is_taken_is_named(taken: int) -> None:
    with pytest.raises(UsageError, match=f"port {taken} .* is taken"):
        async with serve_sandbox(SandboxOptions(port=taken)):
            pass


async def test_another_port_is_used_when_one_may_be(taken: int) -> None:
    options = SandboxOptions(port=taken, fallback_port=0)

    async with serve_sandbox(options) as sandbox:
        assert sandbox.port not in (0, taken)


async def test_a_port_can_be_used_again_at_once() -> None:
    async with open_client() as client:
        await client.ordered()
        port = client.sandbox.port

    async with open_client(port=port) as client:
        assert client.sandbox.port == port
        await client.ordered()


async def test_a_wrong_fault_is_refused_before_anything_is_served() -> None:
    with pytest.raises(UsageError, match="query cannot"):
        async with serve_sandbox(SandboxOptions(fail=("query:burnt",))):
            pass


@pytest.mark.parametrize(
    "options",
    [
        {"speed": 0},
        {"speed": -1},
        {"task_seconds": -1},
        {"slots": -1},
        {"units": -0.5},
        {"chaos": 1.1},
        {"chaos": float("nan")},
        {"webhook_secrets": ("whsec_",)},
        {"webhook_secrets": ("whsec_a",)},
    ],
)
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        SandboxOptions(**options)  # type: ignore[arg-type]  # -- nonsense

    assert caught.value.hint


async def test_leaving_ends_requests_and_callbacks_under_way() -> None:
    async with anyio.create_task_group() as group, open_receiver(b"") as receiver:
        with anyio.fail_after(3):
            async with open_client(fail=("create:slow", "query:hang")) as client:

                async def ask(path: str) -> None:
                    with pytest.raises(httpx.TransportError):
                        await client.http.get(path)

                async def order() -> None:
                    body = {"prompt": "x", "options": {"callback_url": receiver.url}}
                    with pytest.raises(httpx.TransportError):
                        await client.http.post(TURBO, json=body)

                group.start_soon(ask, "/tasks?task_ids=1")
                group.start_soon(order)
                await receiver.wait_for(1)
                while (await client.state())["counts"]["query"] < 1:
                    pass


async def test_a_client_that_hangs_up_in_the_middle_is_noted_without_an_answer() -> (
    None
):
    async with open_client() as client:
        stream = await anyio.connect_tcp("127.0.0.1", client.sandbox.port)
        head = (
            f"POST {TURBO} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
            f"Authorization: Bearer {client.sandbox.api_key}\r\n\r\n{{"
        )
        await stream.send(head.encode())
        await stream.aclose()

        state = await client.state()
        while not state["requests"]:
            state = await client.state()

    (request,) = state["requests"]
    assert (request["kind"], request["status"]) == ("create", None)
    assert state["tasks"] == []


async def test_time_follows_the_clock_and_can_be_moved() -> None:
    clock = FakeClock()
    timeline = VirtualClock(clock)
    start = timeline.now_s()

    await clock.sleep(5)
    timeline.advance(100)

    assert start == clock.now().timestamp() - 5
    assert timeline.now_s() - start == pytest.approx(105)
    assert timeline.real_now() == clock.now()


async def test_whoever_waits_for_a_moment_gets_it() -> None:
    clock = FakeClock()
    timeline = VirtualClock(clock)
    start = timeline.now_s()

    await timeline.change_by(start + 10_000)

    assert timeline.now_s() - start == pytest.approx(10_000)


async def test_whoever_waits_for_ever_is_woken_by_a_change() -> None:
    timeline = VirtualClock(FakeClock(is_automatic=False))
    has_woken = anyio.Event()

    async def wait() -> None:
        await timeline.change_by(float("inf"))
        has_woken.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        was_asleep = not has_woken.is_set()
        timeline.wake()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()

    assert was_asleep
    assert has_woken.is_set()
