"""Sends mock callbacks, marked and signed: one after the other, or many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import anyio

from kling_cli.api import new_http
from kling_cli.callbacks import sign
from kling_cli.clock import Clock
from kling_cli.listener.forwarding.delivery import (
    DEFAULT_TIMEOUT_S,
    DeliveryClient,
    DeliveryOutcome,
)
from kling_cli.listener.forwarding.headers import Headers
from kling_cli.listener.forwarding.targets import Target
from kling_cli.listener.ingress.urls import MOCK_HEADER, mock_signature
from kling_cli.mock.conformance import Expectations
from kling_cli.mock.scenarios import MockDelivery
from kling_cli.secret import Secret

FORGED_SECRET = Secret("whsec_bW9jay1mb3JnZWQtc2lnbmF0dXJl")  # nobody's: it forges

# Told of each answer, with the delivery's number from 1, as it comes.
OnOutcome = Callable[[int, MockDelivery, DeliveryOutcome], None]
DeliveryBatch = tuple[MockDelivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MockSigner:
    """What goes onto each delivery: our mark, and signatures if there are secrets."""

    key: bytes
    secrets: tuple[Secret, ...]
    clock: Clock

    def headers(self, one: MockDelivery) -> Headers:
        """Return the headers of a delivery sent now."""
        given = {
            "Content-Type": "application/json",
            MOCK_HEADER: mock_signature(one.raw, self.key),
        }
        secrets = (FORGED_SECRET,) if one.is_forged else self.secrets
        if secrets:
            sent_at = self.clock.now() - one.age
            given |= sign(
                one.raw, secrets=secrets, message_id=one.message_id, sent_at=sent_at
            )
        return tuple(given.items())


def delivery_batches(
    made: Sequence[MockDelivery], *, is_doubled: bool = False, times: int = 1
) -> list[DeliveryBatch]:
    """Return what is sent, in order; the deliveries of a volley go out at once. Pure.

    All of it `times` times, each delivery twice if it is doubled.
    """
    each = [one for one in made for _ in range(2 if is_doubled else 1)]
    once: list[DeliveryBatch] = []
    for is_at_once, group in groupby(each, key=lambda one: one.is_at_once):
        together = tuple(group)
        once += [together] if is_at_once else [(one,) for one in together]
    return once * times


async def send_batches(
    sent: Sequence[DeliveryBatch],
    target: Target,
    stamp: MockSigner,
    tell: OnOutcome,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> None:
    """Send one volley after the other; return when all have been answered, or not.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    number = 0
    async with new_http(timeout_s=timeout_s) as http:
        courier = DeliveryClient(http=http, clock=stamp.clock, timeout_s=timeout_s)

        async def send(number: int, one: MockDelivery) -> None:
            await stamp.clock.sleep(one.delay_s)
            outcome = await courier.carry(target, stamp.headers(one), one.raw)
            tell(number, one, outcome)

        for volley in sent:
            async with anyio.create_task_group() as group:
                for one in volley:
                    number += 1
                    group.start_soon(send, number, one)


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRun:
    """What is sent to a handler, how, and what is asked of its answers.

    `scenario` is None for a body of the person's own.
    """

    scenario: str | None
    sent: Sequence[DeliveryBatch]
    target: Target
    stamp: MockSigner
    demands: Expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRuns:
    """The trials that were asked for; `skipped` are scenarios we cannot send."""

    trials: Sequence[MockRun]
    demands: Expectations
    skipped: Sequence[str] = ()
    is_all: bool = False
