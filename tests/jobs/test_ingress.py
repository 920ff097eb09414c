"""The choice of the callback ingress, and that all of it is closed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kling_cli.callbacks.urls import TaskUrl, load_key, match_callback_path
from kling_cli.errors import TunnelError, UsageError
from kling_cli.jobs.events import CallbackPath
from kling_cli.jobs.ingress import (
    NO_INGRESS,
    CallbackIngress,
    IngressKind,
    choose_ingress,
)
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.ingress_setup import call, opened_ingress, some_settings
from tests.support.callback_client import current_payload

pytestmark = pytest.mark.anyio

HERE = "http://127.0.0.1:9"
OFFICIAL = "https://api-singapore.klingai.com"
URL = "https://kling.example.com/hooks/"


def options(
    callback: str, tunnel: str, url: str | None, *, is_waiting: bool
) -> RunOptions:
    return RunOptions(
        command="text2video",
        callback=callback,
        tunnel=tunnel,
        callback_url=url,
        is_waiting=is_waiting,
    )


@pytest.mark.parametrize(
    ("said", "base", "kind"),
    [
        (("auto", "auto", None, True), HERE, IngressKind.LOOPBACK),
        (("auto", "auto", None, True), OFFICIAL, IngressKind.TUNNEL),
        (("auto", "ngrok", None, True), HERE, IngressKind.TUNNEL),
        (("auto", "none", None, True), HERE, IngressKind.OFF),
        (("auto", "none", None, True), OFFICIAL, IngressKind.OFF),
        (("auto", "auto", None, False), HERE, IngressKind.STANDING),
        (("auto", "ngrok", None, False), OFFICIAL, IngressKind.STANDING),
        (("auto", "auto", URL, True), OFFICIAL, IngressKind.URL),
        (("auto", "none", URL, True), OFFICIAL, IngressKind.URL),
        (("auto", "ngrok", URL, False), OFFICIAL, IngressKind.EXTERNAL),
        (("off", "ngrok", URL, True), OFFICIAL, IngressKind.OFF),
        (("require", "auto", None, True), HERE, IngressKind.LOOPBACK),
        (("require", "auto", None, True), OFFICIAL, IngressKind.TUNNEL),
        (("require", "none", URL, True), OFFICIAL, IngressKind.URL),
        (("require", "none", URL, False), OFFICIAL, IngressKind.EXTERNAL),
    ],
)
def test_the_ingress_follows_from_the_options(
    tmp_path: Path,
    said: tuple[str, str, str | None, bool],
    base: str,
    kind: IngressKind,
) -> None:
    callback, tunnel, url, is_waiting = said
    chosen = options(callback, tunnel, url, is_waiting=is_waiting)
    settings = some_settings(tmp_path, KLING_API_BASE=base)

    assert choose_ingress(chosen, settings) is kind


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(
    ("environ", "message", "hint"),
    [
        pytest.param({}, "--tunnel none", "--tunnel none", id="typed"),
        pytest.param(
            {"KLING_TUNNEL": "none"},
            "no tunnel, says environment KLING_TUNNEL",
            "add --tunnel auto",
            id="a default",
        ),
    ],
)
def test_callbacks_cannot_be_required_and_forbidden_at_once(
    tmp_path: Path, environ: dict[str, str], message: str, hint: str, *, waits: bool
) -> None:
    chosen = options("require", "none", None, is_waiting=waits)

    with pytest.raises(TunnelError, match=message) as caught:
        choose_ingress(chosen, some_settings(tmp_path, **environ))

    assert hint in (caught.value.hint or "")


async def test_a_required_callback_without_a_listener_is_refused_before_submission(
    tmp_path: Path,
) -> None:
    with pytest.raises(TunnelError, match="--no-wait") as caught:
        async with opened_ingress(
            some_settings(tmp_path), callback="require", is_waiting=False
        ):
            pass

    assert "kling listen" in (caught.value.hint or "")


def test_without_an_ingress_there_is_no_url() -> None:
    assert NO_INGRESS.url_for("text2video", "n1") is None


@pytest.mark.parametrize("base", ["https://h/hooks", "https://h/hooks/"])
def test_the_callback_url_of_a_task_is_below_the_base(base: str) -> None:
    ingress = CallbackIngress(base_url=base, key=b"k" * 32)

    url = ingress.url_for("text2video", "n1") or ""

    path = url.removeprefix("https://h/hooks").encode()
    assert match_callback_path(path, ingress.key) == TaskUrl(
        product="text2video", nonce="n1"
    )
    assert url != ingress.url_for("text2video", "n2")


async def test_without_callbacks_nothing_is_opened_or_reported(tmp_path: Path) -> None:
    async with opened_ingress(some_settings(tmp_path), callback="off") as opened:
        assert opened.ingress == NO_INGRESS
        assert opened.notifications.path is PathState.NONE
        assert opened.event_log.events == []


async def test_on_loopback_callbacks_come_straight_in(tmp_path: Path) -> None:
    async with opened_ingress(some_settings(tmp_path), callback="require") as opened:
        assert opened.event_log.events == [CallbackPath(state="ready", via="loopback")]
        url, before = opened.url("n1"), opened.notifications.path
        answer = await call(url, current_payload("t1", "succeeded"))

        assert answer.status == 200
        [hint] = opened.notifications.take()
        assert (hint.nonce, hint.task_id, hint.claimed) == ("n1", "t1", "succeeded")
        assert (before, opened.notifications.path) == (
            PathState.READY,
            PathState.PROVEN,
        )

    assert (await call(url, b"{}")).status == 0


async def test_a_url_of_one_s_own_leads_to_the_port_one_chose(
    tmp_path: Path, free_port: int
) -> None:
    async with opened_ingress(
        some_settings(tmp_path), callback_url=URL, port=free_port
    ) as opened:
        public = opened.url("n1")
        local = public.replace(URL.rstrip("/"), f"http://127.0.0.1:{free_port}")

        assert public.startswith(URL)
        assert (await call(local, current_payload("t1", "processing"))).status == 200

    assert opened.event_log.of(CallbackPath)[0].via == "url"


async def test_a_port_that_is_taken_ends_it_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(UsageError, match=str(port)):
            async with opened_ingress(
                some_settings(tmp_path), callback_url=URL, port=port
            ):
                pytest.fail("it was opened")


async def test_a_url_of_another_listener_is_sent_as_it_is(tmp_path: Path) -> None:
    settings = some_settings(tmp_path)

    async with opened_ingress(settings, callback_url=URL, is_waiting=False) as opened:
        assert opened.ingress.base_url == URL
        key = load_key(settings.state_dir)
        path = opened.url("n1").removeprefix(URL.rstrip("/"))
        assert match_callback_path(path.encode(), key) is not None


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
