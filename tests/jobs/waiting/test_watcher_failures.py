"""What ends a wait early, and what does not: failures, refusals, the deadline."""

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
from tests.jobs.made import PROCESSING, SUCCEEDED
from tests.jobs.waits import Scene, hanging, refusing, scripted

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UnreachableError("down", http=502), id="network"),
        pytest.param(RateLimitError("slow down", code=1302), id="rate"),
    ],
)
async def test_no_failed_query_ends_the_wait(error: KlingError) -> None:
    scene = Scene(scripted(*[error] * 40, SUCCEEDED), timeout_s=3600)

    await scene.wait()

    assert scene.over == ["t1"]
    assert scene.state.queries == 41
    failed = scene.event_log.of(QueryFailed)
    assert [one.error for one in failed] == [error] * 40
    assert [one.attempt for one in failed] == list(range(1, 41))
    assert max(one.retry_s for one in failed) <= 18.01
    usual = [0.5, 1, 2, 4]
    assert [one.retry_s for one in failed[:4]] == [
        pytest.approx(one, rel=0.21) for one in usual
    ]


async def test_a_query_that_hangs_times_out_and_is_repeated() -> None:
    scene = Scene(hanging(times=1, then=SUCCEEDED), timeout_s=3600)

    await scene.wait()

    [failed] = scene.event_log.of(QueryFailed)
    assert "no answer within 45 s" in failed.error.message


@pytest.mark.parametrize("kind", [CredentialsError, AccountError])
async def test_a_refusal_that_stays_ends_the_wait(kind: type[KlingError]) -> None:
    scene = Scene(refusing(kind("no")), timeout_s=3600)

    with pytest.raises(kind, match="no"):
        await scene.wait()

    assert len(scene.asked_at) == 4
    assert scene.over == []


async def test_a_refusal_that_passes_does_not_end_the_wait() -> None:
    no, down = CredentialsError("no"), UnreachableError("down")
    scene = Scene(scripted(no, no, no, down, no, no, no, PROCESSING, no, SUCCEEDED))

    await scene.wait()

    assert scene.over == ["t1"]


async def test_a_deadline_leaves_the_task_running() -> None:
    scene = Scene(scripted(PROCESSING), timeout_s=60)

    with pytest.raises(StillRunningError, match="t1") as caught:
        await scene.wait()

    assert scene.clock.elapsed_s == 60
    assert caught.value.hint == "kling wait t1"


async def test_a_deadline_holds_while_a_query_hangs() -> None:
    scene = Scene(hanging(times=99), timeout_s=20)

    with pytest.raises(StillRunningError):
        await scene.wait()

    assert scene.clock.elapsed_s == 20


async def test_a_deadline_holds_against_any_number_of_callbacks() -> None:
    scene = Scene(scripted(PROCESSING), path=PathState.READY, timeout_s=10)

    def again() -> None:
        scene.call(PROCESSING)
        scene.at(0.25, again)

    again()
    with pytest.raises(StillRunningError):
        await scene.wait()

    assert scene.clock.elapsed_s == 10
