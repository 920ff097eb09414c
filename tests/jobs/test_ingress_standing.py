"""An ingress by a running `kling listen`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kling_cli.errors import TunnelError
from kling_cli.jobs.ingress import NO_INGRESS
from kling_cli.settings.settings import Settings
from kling_cli.tunnels import shared_lock
from tests.jobs.ingress_setup import opened_ingress, some_settings

pytestmark = pytest.mark.anyio

OFFICIAL = "https://api-singapore.klingai.com"
PUBLIC_URL = "https://tunnel.example.com"
LOCAL_URL = "http://127.0.0.1:4711"


@contextmanager
def running_receiver(
    settings: Settings, name: str, *, is_standing: bool = True
) -> Iterator[None]:
    """Publish a listener's URLs for as long as the block lasts."""
    claimed = shared_lock.acquire_lock(settings.state_dir, name)
    assert claimed is not None
    with claimed:
        claimed.publish(PUBLIC_URL, 4711, is_standing=is_standing)
        yield


@pytest.mark.parametrize(
    ("base", "name", "options", "url"),
    [
        pytest.param(
            None, shared_lock.LOCAL, {}, LOCAL_URL, id="a sandbox calls it here"
        ),
        pytest.param(
            None, shared_lock.PUBLIC, {}, LOCAL_URL, id="even one with a tunnel"
        ),
        pytest.param(
            OFFICIAL, shared_lock.PUBLIC, {"is_waiting": False}, PUBLIC_URL,
            id="the API calls it from outside",
        ),
        pytest.param(
            None,
            shared_lock.PUBLIC,
            {"is_waiting": False, "tunnel": "ngrok"},
            PUBLIC_URL,
            id="through the tunnel when that is asked for",
        ),
    ],
)  # fmt: skip
async def test_a_standing_listener_is_shared(
    tmp_path: Path, base: str | None, name: str, options: dict[str, Any], url: str
) -> None:
    settings = some_settings(tmp_path, **({"KLING_API_BASE": base} if base else {}))

    with running_receiver(settings, name):
        async with opened_ingress(settings, callback="require", **options) as opened:
            assert (opened.ingress.base_url, opened.ingress.via) == (url, "shared")


async def test_a_port_of_one_s_own_goes_before_the_listener_s(tmp_path: Path) -> None:
    settings = some_settings(tmp_path)

    with running_receiver(settings, shared_lock.LOCAL):
        async with opened_ingress(settings, callback_url=LOCAL_URL) as opened:
            assert opened.ingress.via == "url"


async def test_a_run_that_does_not_wait_uses_no_listener_that_will_close(
    tmp_path: Path,
) -> None:
    settings = some_settings(tmp_path, KLING_API_BASE=OFFICIAL)

    with running_receiver(settings, shared_lock.PUBLIC, is_standing=False):
        async with opened_ingress(settings, is_waiting=False) as opened:
            assert opened.ingress == NO_INGRESS


async def test_required_callbacks_without_a_listener_end_the_run(
    tmp_path: Path,
) -> None:
    settings = some_settings(tmp_path)

    with pytest.raises(TunnelError, match="somebody to hear") as caught:
        async with opened_ingress(settings, callback="require", is_waiting=False):
            pytest.fail("it was opened")

    assert "kling listen" in (caught.value.hint or "")
