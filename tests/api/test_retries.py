from __future__ import annotations

from typing import Any

import pytest

from kling_cli.api.client import RETRY_PAUSES_S, RetryingClient
from kling_cli.errors import AccountError, KlingError, RateLimitError, UnreachableError
from tests.api.recording_fetcher import RecordingFetcher
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

TOO_OFTEN = RateLimitError("too many requests", code=1302, http=429)
STUMBLED = UnreachableError("internal error", code=5000, http=500)


class Failing(RecordingFetcher):
    """Raises these first, and answers then."""

    def __init__(self, *errors: KlingError) -> None:
        super().__init__(lambda said: said)
        self.errors = list(errors)

    async def query(self, method: str, path: str, **said: Any) -> Any:
        answer = await super().query(method, path, **said)
        if self.errors:
            raise self.errors.pop(0)
        return answer


async def test_temporary_errors_are_retried() -> None:
    clock, client = FakeClock(), Failing(TOO_OFTEN, STUMBLED)

    answer = await RetryingClient(client, clock).query("GET", "/x", params={"a": "b"})

    assert answer.data == {"a": "b"}
    assert len(client.requests) == 3
    assert clock.sleeps == list(RETRY_PAUSES_S)


async def test_retries_are_limited() -> None:
    client = Failing(*[TOO_OFTEN] * 9)

    with pytest.raises(RateLimitError):
        await RetryingClient(client, FakeClock()).query("GET", "/x")

    assert len(client.requests) == 3


@pytest.mark.parametrize(
    "error", [UnreachableError("nobody there"), AccountError("arrears", http=429)]
)
async def test_permanent_errors_are_raised_at_once(error: KlingError) -> None:
    client = Failing(error)

    with pytest.raises(type(error)):
        await RetryingClient(client, FakeClock()).query("GET", "/x")

    assert len(client.requests) == 1
