"""Sends mock callbacks, one after the other, marked and signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kling_cli.api.http import new_http
from kling_cli.callbacks.signatures import sign
from kling_cli.clock import Clock
from kling_cli.listen.courier import Courier, Outcome
from kling_cli.listen.doors import MOCK_HEADER, mock_mark
from kling_cli.listen.headers import Headers
from kling_cli.listen.mock.scenarios import Delivery
from kling_cli.listen.targets import Target
from kling_cli.secret import Secret

FOREIGN = Secret("whsec_bW9jay1mb3JnZWQtc2lnbmF0dXJl")  # nobody's: it forges


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What goes onto each delivery: our mark, and signatures if there are secrets."""

    key: bytes
    secrets: tuple[Secret, ...]
    clock: Clock

    def headers(self, one: Delivery) -> Headers:
        """Return the headers of a delivery sent now."""
        given = {
            "Content-Type": "application/json",
            MOCK_HEADER: mock_mark(one.raw, self.key),
        }
        secrets = (FOREIGN,) if one.is_forged else self.secrets
        if secrets:
            sent_at = self.clock.now() - one.age
            given |= sign(
                one.raw, secrets=secrets, message_id=one.message_id, sent_at=sent_at
            )
        return tuple(given.items())


async def deliver(
    deliveries: Sequence[Delivery],
    target: Target,
    stamp: Stamp,
    tell: Callable[[Delivery, Outcome], None],
) -> None:
    """Send each delivery after its delay, and tell how it was answered.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    async with new_http() as http:
        courier = Courier(http=http, clock=stamp.clock)
        for one in deliveries:
            await stamp.clock.sleep(one.delay_s)
            tell(one, await courier.carry(target, stamp.headers(one), one.raw))
