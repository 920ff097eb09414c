"""Two hundred random clients with fixed seeds, against a running receiver."""

from __future__ import annotations

import pytest

from kling_cli.callbacks.http.limits import ServerLimits
from tests.callbacks.fuzzing import fuzz_receiver
from tests.callbacks.receiver_fixture import running_receiver

pytestmark = pytest.mark.anyio

CASES = 200
BATCH = 40
LIMITS = ServerLimits(head_timeout_s=0.3, body_timeout_s=0.3, drain_timeout_s=0.2)


async def test_random_requests_get_an_http_response_or_are_closed() -> None:
    statuses: set[int] = set()

    async with running_receiver(limits=LIMITS) as running:
        for first in range(0, CASES, BATCH):
            statuses |= await fuzz_receiver(running, range(first, first + BATCH))

    assert {0, 200, 400, 404, 408} <= statuses
