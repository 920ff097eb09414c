"""Two hundred strangers who say anything at all; the seeds are fixed, the door real."""

from __future__ import annotations

import pytest

from kling_cli.callbacks.http.limits import Limits
from tests.callbacks.fuzzing import storm
from tests.callbacks.receiver_fixture import running_receiver

pytestmark = pytest.mark.anyio

CASES = 200
BATCH = 40
LIMITS = Limits(head_timeout_s=0.3, body_timeout_s=0.3, drain_timeout_s=0.2)


async def test_whatever_strangers_say_is_answered_in_http_or_hung_up_on() -> None:
    statuses: set[int] = set()

    async with running_receiver(limits=LIMITS) as door:
        for first in range(0, CASES, BATCH):
            statuses |= await storm(door, range(first, first + BATCH))

    assert {0, 200, 400, 404, 408} <= statuses
