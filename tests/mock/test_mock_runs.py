"""Every scenario against a handler: a conforming one passes, each flaw is detected."""

from __future__ import annotations

import pytest

from kling_cli.clock import SystemClock
from kling_cli.errors import KlingError
from kling_cli.listener.forwarding.delivery import DeliveryOutcome
from kling_cli.listener.forwarding.targets import Target
from kling_cli.mock.conformance import (
    check_deliveries,
    conformance_error,
    parse_expectations,
)
from kling_cli.mock.payloads import MockTask
from kling_cli.mock.scenarios import (
    SLOW_DELAY_S,
    MockDelivery,
    build_scenario,
    recovery_check,
    scenario_names,
)
from kling_cli.mock.sender import MockSigner, delivery_batches, send_batches
from kling_cli.secret import Secret
from tests.support.handler import App, serving

SECRET = Secret("whsec_dGhlIHNlY3JldCBvZiBib3Ro")


class SkippingClock(SystemClock):
    """A clock that skips the pauses of the slow scenario."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(0.0 if seconds == SLOW_DELAY_S else seconds)


async def tried(
    app: App, name: str, expectations: str = "2xx,10s,idempotent"
) -> KlingError | None:
    """Return the error about the answers of `app` to a scenario."""
    clock = SkippingClock()
    parsed = parse_expectations(expectations)
    mock = MockTask(task_id="t1", created_at=clock.now())
    batches = delivery_batches(
        build_scenario(name, mock, {}), is_doubled=parsed.is_idempotent
    )
    answers: dict[int, tuple[MockDelivery, DeliveryOutcome]] = {}
    with serving(app):
        await send_batches(
            [*batches, (recovery_check(mock),)],
            Target(url=app.url),
            MockSigner(key=b"k" * 32, secrets=(SECRET,), clock=clock),
            lambda number, delivery, outcome: answers.update(
                {number: (delivery, outcome)}
            ),
        )
    return conformance_error(check_deliveries(answers, parsed, is_signed=True))


@pytest.mark.anyio
@pytest.mark.parametrize("name", scenario_names())
async def test_a_conforming_handler_passes_every_scenario(name: str) -> None:
    assert await tried(App(secret=SECRET), name) is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("flaw", "name", "fault"),
    [
        ("counts", "duplicate", "where the same got"),
        ("trusts", "bad-signature", "a forged signature was accepted"),
        ("trusts", "old-timestamp", "an old signature was accepted"),
        ("chokes", "malformed", "answered 500, should be 4xx"),
        ("dies", "deep-json", "after an invalid callback: answered 503"),
    ],
)
async def test_each_flaw_is_detected_by_a_scenario(
    flaw: str, name: str, fault: str
) -> None:
    error = await tried(App(secret=SECRET, flaws=frozenset({flaw})), name)

    assert error is not None
    assert error.exit_code == 8
    assert fault in error.message
    assert error.hint
