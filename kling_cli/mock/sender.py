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

    def headers(self, delivery: MockDelivery) -> Headers:
        """Return the headers of a delivery sent now."""
        given = {
            "Content-Type": "application/json",
            MOCK_HEADER: mock_signature(delivery.raw, self.key),
        }
        secrets = (FORGED_SECRET,) if delivery.is_forged else self.secrets
        if secrets:
            sent_at = self.clock.now() - delivery.signature_age
            given |= sign(
                delivery.raw,
                secrets=secrets,
                message_id=delivery.message_id,
                sent_at=sent_at,
            )
        return tuple(given.items())


def delivery_batches(
    made: Sequence[MockDelivery], *, is_doubled: bool = False, times: int = 1
) -> list[DeliveryBatch]:
    """Return what is sent, in order; the deliveries of a volley go out at once. Pure.

    All of it `times` times, each delivery twice if it is doubled.
    """
    each = [delivery for delivery in made for _ in range(2 if is_doubled else 1)]
    once: list[DeliveryBatch] = []
    for is_concurrent, group in groupby(
        each, key=lambda delivery: delivery.is_concurrent
    ):
        together = tuple(group)
        once += [together] if is_concurrent else [(delivery,) for delivery in together]
    return once * times


async def send_batches(
    batches: Sequence[DeliveryBatch],
    target: Target,
    signer: MockSigner,
    on_outcome: OnOutcome,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> None:
    """Send one volley after the other; return when all have been answered, or not.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    number = 0
    async with new_http(timeout_s=timeout_s) as http:
        client = DeliveryClient(http=http, clock=signer.clock, timeout_s=timeout_s)

        async def send(number: int, delivery: MockDelivery) -> None:
            await signer.clock.sleep(delivery.delay_s)
            outcome = await client.deliver(
                target, signer.headers(delivery), delivery.raw
            )
            on_outcome(number, delivery, outcome)

        for batch in batches:
            async with anyio.create_task_group() as group:
                for delivery in batch:
                    number += 1
                    group.start_soon(send, number, delivery)


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRun:
    """What is sent to a handler, how, and what is asked of its answers.

    `scenario` is None for a body of the person's own.
    """

    scenario: str | None
    batches: Sequence[DeliveryBatch]
    target: Target
    signer: MockSigner
    expectations: Expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRuns:
    """The trials that were asked for; `skipped` are scenarios we cannot send."""

    runs: Sequence[MockRun]
    expectations: Expectations
    skipped: Sequence[str] = ()
    is_all: bool = False
