"""The provider chain: the first tunnel that can be had, within one deadline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from kling_cli.errors import TunnelError, UsageError
from kling_cli.settings import Settings, load
from kling_cli.tunnels import (
    NotSetUpError,
    Tunnel,
    provider_for,
    read_choice,
    require_choice,
    set_up_factories,
)
from kling_cli.tunnels.chain import ProviderChain
from kling_cli.tunnels.provider import TunnelHandle
from tests.support.agent import StandIn, cloudflared, stand_in

__all__ = ["cloudflared", "stand_in"]
pytestmark = pytest.mark.anyio
TOKEN = "2" * 40


@dataclass
class Simulated:
    """A provider that opens, fails, or is silent until its time is up."""

    name: str
    does: str = "open"
    given_s: float = 0.0
    is_closed: bool = False

    def open(
        self, _port: int, *, timeout_s: float = 7.0
    ) -> AbstractAsyncContextManager[Tunnel]:
        self.given_s = timeout_s
        return self._open(timeout_s)

    @asynccontextmanager
    async def _open(self, timeout_s: float) -> AsyncIterator[Tunnel]:
        if self.does == "be silent":
            await anyio.sleep(timeout_s)
        if self.does != "open":
            raise TunnelError(f"{self.name} is no good", hint=f"mend {self.name}")
        handle = TunnelHandle(self.name)
        handle.report_up(f"https://{self.name}.example")
        yield handle
        self.is_closed = True


async def test_the_next_is_tried_with_the_time_that_is_left() -> None:
    told: list[tuple[str, str | None]] = []
    silent, broken, good = (
        Simulated("a", "be silent"),
        Simulated("b", "fail"),
        Simulated("c"),
    )
    chain = ProviderChain(
        [silent, broken, good],
        lambda name, why: told.append((name, why.message if why else None)),
    )

    async with chain.open(9, timeout_s=0.3) as tunnel:
        assert tunnel.provider_name == "c"

    assert good.is_closed
    assert told == [("a", None), ("b", "a is no good"), ("c", "b is no good")]
    assert silent.given_s == pytest.approx(0.1, abs=0.02)
    assert 0.05 < good.given_s < 0.3


async def test_when_all_fail_all_are_named() -> None:
    chain = ProviderChain([Simulated("a", "fail"), Simulated("b", "fail")])

    with pytest.raises(TunnelError, match="a: a is no good; b: b is no good") as caught:
        async with chain.open(9):
            pytest.fail("it was opened")

    assert caught.value.hint == "mend a"


async def test_the_only_ones_failure_is_told_as_it_is() -> None:
    with pytest.raises(TunnelError, match=r"^a is no good$"):
        async with ProviderChain([Simulated("a", "fail")]).open(9):
            pytest.fail("it was opened")


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of somebody who has set up nothing."""
    monkeypatch.setenv("PATH", "")
    return load({"KLING_STATE_DIR": str(tmp_path), "KLING_CONFIG_DIR": str(tmp_path)})


def test_without_anything_set_up_auto_says_what_to_do(nothing: Settings) -> None:
    with pytest.raises(NotSetUpError, match="no tunnel is set up") as caught:
        provider_for(nothing, "auto")

    assert "kling tunnel use localhost.run" in (caught.value.hint or "")


def test_auto_names_what_is_missing_of_what_was_begun(
    nothing: Settings, tmp_path: Path
) -> None:
    environ = {"NGROK_AUTHTOKEN": TOKEN, "PYNGROK_NGROK_PATH": str(tmp_path / "none")}
    begun = load(
        {"KLING_STATE_DIR": str(tmp_path), "KLING_CONFIG_DIR": str(tmp_path)} | environ
    )

    with pytest.raises(TunnelError, match="PYNGROK_NGROK_PATH"):
        provider_for(begun, "auto")
    assert [one.name for one, _ in set_up_factories(begun)] == ["ngrok"]
    assert set_up_factories(nothing) == []


async def test_auto_goes_on_to_cloudflared_when_ngrok_refuses(
    stand_in: StandIn, cloudflared: StandIn, tmp_path: Path
) -> None:
    stand_in.behave(start="108")
    (tmp_path / "config.toml").write_text(
        f'[cloudflared]\npath = "{cloudflared.path}"\n'
    )
    environ = {"KLING_STATE_DIR": str(tmp_path), "KLING_CONFIG_DIR": str(tmp_path)}
    settings = load(environ | {"NGROK_AUTHTOKEN": TOKEN} | stand_in.env)
    told: list[str] = []

    chain = provider_for(
        settings, "auto", lambda name, why: told.append(f"{name} {why}")
    )
    async with chain.open(9, timeout_s=40) as tunnel:
        assert tunnel.provider_name == "cloudflared"

    assert told[0] == "ngrok None"
    assert told[1].startswith("cloudflared the ngrok account has no agent session")


def test_what_a_choice_may_be() -> None:
    assert read_choice("auto") is None
    assert read_choice("none") is None
    ssh = read_choice("ssh://h?url=https://a")
    assert ssh is not None
    assert (ssh.name, ssh.address) == ("ssh", "ssh://h?url=https://a")
    with pytest.raises(ValueError, match="frp"):
        read_choice("frp")
    with pytest.raises(ValueError, match="ngrok://h"):
        read_choice("ngrok://h")


@pytest.mark.parametrize(
    ("environ", "options", "config", "said"),
    [
        ({}, {"tunnel": "frp"}, "", "--tunnel 'frp'"),
        ({"KLING_TUNNEL": "frp"}, {}, "", "KLING_TUNNEL 'frp'"),
        ({}, {}, 'tunnel = "frp"', "config.toml: tunnel 'frp'"),
    ],
)
def test_a_wrong_choice_is_said_where_it_stands(
    environ: dict[str, str],
    options: dict[str, str],
    config: str,
    said: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text(config)
    settings = load({"KLING_CONFIG_DIR": str(tmp_path)} | environ, options)

    with pytest.raises(UsageError) as caught:
        require_choice(settings)

    assert caught.value.message == f"{said} is unknown"
    assert "localhost.run" in (caught.value.hint or "")
