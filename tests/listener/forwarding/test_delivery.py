from __future__ import annotations

import socket
import ssl

import pytest

from kling_cli.api.http import httpx, new_http
from kling_cli.clock import SystemClock
from kling_cli.listener.forwarding.delivery import (
    DeliveryClient,
    DeliveryFailure,
    classify_failure,
)
from kling_cli.listener.forwarding.targets import parse_target


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(
            caused(httpx.ConnectError("no"), socket.gaierror(-2, "unknown")),
            DeliveryFailure.UNKNOWN_HOST,
            id="a name",
        ),
        pytest.param(
            caused(
                httpx.ConnectError("no"),
                ExceptionGroup("all", [OSError(101), ConnectionRefusedError(111)]),
            ),
            DeliveryFailure.REFUSED,
            id="one of several addresses",
        ),
        pytest.param(
            caused(httpx.ConnectError("no"), OSError(113, "no route")),
            DeliveryFailure.UNREACHABLE,
            id="no way",
        ),
        pytest.param(
            caused(httpx.ConnectError("no"), ssl.SSLCertVerificationError(1, "self")),
            DeliveryFailure.UNTRUSTED_CERTIFICATE,
            id="certificate",
        ),
        pytest.param(
            caused(httpx.ConnectError("no"), ssl.SSLError(1, "WRONG_VERSION")),
            DeliveryFailure.NO_TLS,
            id="no TLS",
        ),
        pytest.param(httpx.ConnectTimeout("late"), DeliveryFailure.TIMEOUT, id="late"),
        pytest.param(
            httpx.ReadError("reset"), DeliveryFailure.DISCONNECTED, id="reset"
        ),
        pytest.param(
            httpx.RemoteProtocolError("Server disconnected without a response"),
            DeliveryFailure.DISCONNECTED,
            id="left",
        ),
        pytest.param(
            httpx.RemoteProtocolError("illegal status line"),
            DeliveryFailure.NOT_HTTP,
            id="not HTTP",
        ),
    ],
)
def test_each_kind_of_silence_is_told_apart(
    error: Exception, failure: DeliveryFailure
) -> None:
    assert classify_failure(error) is failure


def test_a_chain_that_bites_its_tail_is_no_trap() -> None:
    error = httpx.ReadError("a")
    error.__context__ = caused(OSError("b"), error)

    assert classify_failure(error) is DeliveryFailure.DISCONNECTED


@pytest.mark.anyio
async def test_a_proxy_that_is_not_there_is_no_app_that_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async with new_http() as http:
        client = DeliveryClient(http=http, clock=SystemClock())
        outcome = await client.deliver(parse_target("http://192.0.2.1/hook"), (), b"{}")

    assert outcome.failure is DeliveryFailure.UNREACHABLE
    assert "http://127.0.0.1:9 (HTTP_PROXY)" in str(outcome.excerpt)
