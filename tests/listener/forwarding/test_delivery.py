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
    failure_hint,
    status_hint,
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
            id="unknown host",
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
            id="no route",
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
        pytest.param(
            httpx.ConnectTimeout("late"), DeliveryFailure.TIMEOUT, id="timeout"
        ),
        pytest.param(
            httpx.ReadError("reset"), DeliveryFailure.DISCONNECTED, id="reset"
        ),
        pytest.param(
            httpx.RemoteProtocolError("Server disconnected without a response"),
            DeliveryFailure.DISCONNECTED,
            id="disconnected",
        ),
        pytest.param(
            httpx.RemoteProtocolError("illegal status line"),
            DeliveryFailure.NOT_HTTP,
            id="not HTTP",
        ),
    ],
)
def test_each_kind_of_failure_is_classified(
    error: Exception, failure: DeliveryFailure
) -> None:
    assert classify_failure(error) is failure


def test_a_circular_exception_chain_is_classified() -> None:
    error = httpx.ReadError("a")
    error.__context__ = caused(OSError("b"), error)

    assert classify_failure(error) is DeliveryFailure.DISCONNECTED


@pytest.mark.anyio
async def test_a_refusing_proxy_is_not_a_refusing_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async with new_http() as http:
        client = DeliveryClient(http=http, clock=SystemClock())
        outcome = await client.deliver(parse_target("http://192.0.2.1/hook"), (), b"{}")

    assert outcome.failure is DeliveryFailure.UNREACHABLE
    assert "http://127.0.0.1:9 (HTTP_PROXY)" in str(outcome.excerpt)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_success_has_no_hint(status: int) -> None:
    assert status_hint(status, location=None, number=1) is None


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "parsed body instead of the raw bytes"),
        (401, "middleware in front"),
        (403, "CSRF"),
        (404, "no such path"),
        (405, "not for POST"),
        (413, "limits bodies"),
        (415, "content type"),
        (422, "model"),
        (502, "the app behind it is down"),
        (504, "answer first"),
        (418, "refuses the callback; once mended: kling replay 7"),
        (500, "handler failed: look at its log; once mended: kling replay 7"),
        (599, "handler failed"),
    ],
)
def test_each_class_of_status_has_a_hint(status: int, hint: str) -> None:
    assert hint in (status_hint(status, location=None, number=7) or "")


@pytest.mark.parametrize(
    ("location", "hint"),
    [
        ("https://app.test/callback/", "forward to https://app.test/callback/ instead"),
        ("/accounts/login/?next=/callback", "sends it to a login"),
        (None, "forward to where the app takes POST"),
    ],
)
def test_the_hint_of_a_redirect_depends_on_its_location(
    location: str | None, hint: str
) -> None:
    assert hint in (status_hint(302, location=location, number=7) or "")


def test_no_replay_is_suggested_for_a_callback_that_is_not_stored() -> None:
    assert "replay" not in (status_hint(500, location=None, number=0) or "")


@pytest.mark.parametrize("failure", DeliveryFailure)
def test_each_kind_of_failure_has_a_hint(failure: DeliveryFailure) -> None:
    assert failure_hint(failure)
