"""What ends a wait early and what does not: failures, refusals, deadlines."""

from __future__ import annotations

import pytest

from kling_cli.errors import (
    AccountError,
    CredentialsError,
    KlingError,
    RateLimitError,
    StillRunningError,
    UnreachableError,
)
from kling_cli.jobs.events import QueryFailed
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.factories import PROCESSING, SUCCEEDED
from tests.jobs.watch_scenario import WatchScenario, hanging, refusing, scripted

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UnreachableError("down", http=502), id="network"),
        pytest.param(RateLimitError("slow down", code=1302), id="rate"),
    ],
)
async def test_no_failed_query_ends_the_wait(error: KlingError) -> None:
    scenario = WatchScenario(scripted(*[error] * 40, SUCCEEDED), timeout_s=3600)

    await scenario.wait()

    assert scenario.over == ["t1"]
    assert scenario.state.queries == 41
    failed = scenario.event_log.of(QueryFailed)
    assert [one.error for one in failed] == [error] * 40
    assert [one.attempt for one in failed] == list(range(1, 41))
    assert max(one.retry_s for one in failed) <= 18.01
    usual = [0.5, 1, 2, 4]
    assert [one.retry_s for one in failed[:4]] == [
        pytest.approx(one, rel=0.21) for one in usual
    ]


async def test_a_query_that_hangs_times_out_and_is_repeated() -> None:
    scenario = WatchScenario(hanging(times=1, then=SUCCEEDED), timeout_s=3600)

    await scenario.wait()

    [failed] = scenario.event_log.of(QueryFailed)
    assert "no answer within 45 s" in failed.error.message


@pytest.mark.parametrize("kind", [CredentialsError, AccountError])
async def test_a_refusal_that_stays_ends_the_wait(kind: type[KlingError]) -> None:
    scenario = WatchScenario(refusing(kind("no")), timeout_s=3600)

    with pytest.raises(kind, match="no"):
        await scenario.wait()

    assert len(scenario.queried_at) == 4
    assert scenario.over == []


async def test_a_refusal_that_passes_does_not_end_the_wait() -> None:
    no, down = CredentialsError("no"), UnreachableError("down")
    scenario = WatchScenario(
        scripted(no, no, no, down, no, no, no, PROCESSING, no, SUCCEEDED)
    )

    await scenario.wait()

    assert scenario.over == ["t1"]


async def test_a_deadline_leaves_the_task_running() -> None:
    scenario = WatchScenario(scripted(PROCESSING), timeout_s=60)

    with pytest.raises(StillRunningError, match="t1") as caught:
        await scenario.wait()

    assert scenario.clock.elapsed_s == 60
    assert caught.value.hint == "kling wait t1"


async def test_a_deadline_holds_while_a_query_hangs() -> None:
    scenario = WatchScenario(hanging(times=99), timeout_s=20)

    with pytest.raises(StillRunningError):
        await scenario.wait()

    assert scenario.clock.elapsed_s == 20


async def test_a_deadline_holds_against_any_number_of_callbacks() -> None:
    scenario = WatchScenario(scripted(PROCESSING), path=PathState.READY, timeout_s=10)

    def again() -> None:
        scenario.call(PROCESSING)
        scenario.at(0.25, again)

    again()
    with pytest.raises(StillRunningError):
        await scenario.wait()

    assert scenario.clock.elapsed_s == 10
