"""How a task stands, as a function of its times."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, strategies as st

from kling_cli.catalogue.definition.loader import load_product
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.sandbox.state.tasks import (
    Outcome,
    Phase,
    SandboxTask,
    force_phase,
    times_from,
)

START = 1_793_000_000.0


def a_task(seconds: float = 100.0, outcome: Outcome | None = None) -> SandboxTask:
    product = load_product("text2video")
    model = next(m for m in product.models if m.id == "kling-3.0-turbo")
    return SandboxTask(
        id="9",
        plan=Plan(product=product, route=product.routes[0], model=model),
        times=times_from(START, seconds),
        outcome=outcome or Outcome(),
        outputs=(),
        units=4.0,
    )


@pytest.mark.parametrize(
    ("after_s", "phase"),
    [
        (0, Phase.SUBMITTED),
        (19.9, Phase.SUBMITTED),
        (20, Phase.PROCESSING),
        (99.9, Phase.PROCESSING),
        (100, Phase.SUCCEEDED),
        (1e9, Phase.SUCCEEDED),
    ],
)
def test_a_task_is_queued_then_worked_on_then_done(
    after_s: float, phase: Phase
) -> None:
    assert a_task().phase_at(START + after_s) is phase


def test_a_task_that_takes_no_time_changes_once() -> None:
    task = a_task(0)

    assert task.phase_at(START) is Phase.SUCCEEDED
    assert len(set(task.changes)) == 1


def test_only_success_is_charged() -> None:
    good, bad = a_task(), a_task(outcome=Outcome(phase=Phase.FAILED))

    charges = [task.charge_at(START + at) for task in (good, bad) for at in (99, 100)]

    assert charges == [0, 4.0, 0, 0]


def test_the_last_change_is_the_time_of_the_update() -> None:
    times = a_task().times

    updates = [times.changed_at(START + at) - START for at in (0, 50, 500)]

    assert updates == pytest.approx([0, 20, 100])


@pytest.mark.parametrize(
    ("phase", "at", "changes"),
    [
        (Phase.SUBMITTED, 10, [0, inf, inf]),
        (Phase.PROCESSING, 10, [0, 10, inf]),
        (Phase.PROCESSING, 50, [0, 20, inf]),
        (Phase.SUCCEEDED, 50, [0, 20, 50]),
        (Phase.FAILED, 10, [0, 10, 10]),
    ],
)
def test_a_forced_task_is_in_its_phase_from_now_on(
    phase: Phase, at: float, changes: list[float]
) -> None:
    task = force_phase(a_task(), phase, "because", START + at)

    times = task.times
    assert task.phase_at(START + at) is phase
    moments = (times.created_at, times.processing_at, times.ended_at)
    assert [moment - START for moment in moments] == pytest.approx(changes)
    if phase.is_final:
        assert task.outcome.message == "because"


@given(
    seconds=st.floats(0, 1e4),
    moments=st.lists(st.floats(-10, 2e4), min_size=2),
)
def test_a_task_never_goes_back(seconds: float, moments: list[float]) -> None:
    task = a_task(seconds)

    order = list(Phase)
    seen = [order.index(task.phase_at(START + moment)) for moment in sorted(moments)]

    assert seen == sorted(seen)


@given(seconds=st.floats(0, 1e4))
def test_each_change_leads_to_another_phase(seconds: float) -> None:
    task = a_task(seconds)

    phases = [task.phase_at(moment) for moment in dict.fromkeys(task.changes)]

    assert len(set(phases)) == len(phases)
    assert phases[-1] is Phase.SUCCEEDED
