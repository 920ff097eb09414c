"""Sends mock callbacks, marked and signed, in sequence or concurrently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import anyio

from kling_cli.callbacks import sign
from kling_cli.clock import Clock
from kling_cli.listener.forwarding.delivery import (
    DEFAULT_TIMEOUT_S,
    DeliveryOutcome,
    open_delivery_client,
)
from kling_cli.listener.forwarding.headers import Headers
from kling_cli.listener.forwarding.targets import Target
from kling_cli.listener.ingress.urls import MOCK_HEADER, mock_signature
from kling_cli.mock.conformance import Expectations
from kling_cli.mock.scenarios import MockDelivery
from kling_cli.secret import Secret

FORGED_SECRET = Secret("whsec_bW9jay1mb3JnZWQtc2lnbmF0dXJl")  # no handler has it

# Called with each outcome as it arrives, and the delivery's number from 1.
OnOutcome = Callable[[int, MockDelivery, DeliveryOutcome], None]
DeliveryBatch = tuple[MockDelivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MockSigner:
    """Makes the headers of each delivery: the mock mark, and any signatures."""

    key: bytes
    secrets: tuple[Secret, ...]
    clock: Clock

    def headers(self, delivery: MockDelivery) -> Headers:
        """Return the headers of a delivery that is sent now."""
        headers = {
            "Content-Type": "application/json",
            MOCK_HEADER: mock_signature(delivery.raw, self.key),
        }
        secrets = (FORGED_SECRET,) if delivery.is_forged else self.secrets
        if secrets:
            sent_at = self.clock.now() - delivery.signature_age
            headers |= sign(
                delivery.raw,
                secrets=secrets,
                message_id=delivery.message_id,
                sent_at=sent_at,
            )
        return tuple(headers.items())


def delivery_batches(
    deliveries: Sequence[MockDelivery], *, is_doubled: bool = False, times: int = 1
) -> list[DeliveryBatch]:
    """Return the deliveries in batches; those of one batch are sent concurrently. Pure.

    All of them `times` times, each delivery twice if doubled.
    """
    repeats = 2 if is_doubled else 1
    repeated = [each for each in deliveries for _ in range(repeats)]
    batches: list[DeliveryBatch] = []
    for is_concurrent, group in groupby(repeated, key=lambda each: each.is_concurrent):
        members = tuple(group)
        batches += [members] if is_concurrent else [(each,) for each in members]
    return batches * times


async def send_batches(
    batches: Sequence[DeliveryBatch],
    target: Target,
    signer: MockSigner,
    on_outcome: OnOutcome,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> None:
    """Send one batch after the other; return when each has an outcome.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    number = 0
    async with open_delivery_client(signer.clock, timeout_s=timeout_s) as client:

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
    """One scenario against a handler: its deliveries, and what is expected of it.

    `scenario` is None for the user's own body.
    """

    scenario: str | None
    batches: Sequence[DeliveryBatch]
    target: Target
    signer: MockSigner
    expectations: Expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRuns:
    """All runs of a command; `skipped` are scenarios that cannot be sent."""

    runs: Sequence[MockRun]
    expectations: Expectations
    skipped: Sequence[str] = ()
    is_all: bool = False
