from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.callbacks.events import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    ReceivedCallback,
    RefusalReason,
    Trust,
    UrlMatch,
)
from kling_cli.callbacks.payload import parse_payload
from kling_cli.jobs.events import Notice
from kling_cli.listener.callback_writer import NullWriter
from kling_cli.listener.controls import Controls
from kling_cli.listener.events import (
    CallbackReceived,
    Duplicate,
    ListenerEvent,
    Rejected,
    Stale,
)
from kling_cli.listener.options import EventFilter
from kling_cli.listener.pipeline import CallbackPipeline
from kling_cli.listener.rejections import RejectionLog
from kling_cli.listener.stop_conditions import (
    FINAL_CALLBACK_GRACE_S,
    StopConditions,
    StopTracker,
)
from kling_cli.listener.task_states import TaskStates
from kling_cli.store.database import JournalError
from kling_cli.store.records import JobRecord
from tests.jobs.factories import a_record
from tests.listener.stored_callbacks import a_callback
from tests.listener.test_controls import FakeForwarder
from tests.support.clock import FakeClock


class Harness:
    """A pipeline, and the events and forwards that it produces."""

    def __init__(
        self,
        *,
        event_filter: EventFilter | None = None,
        stop_conditions: StopConditions | None = None,
        job: JobRecord | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.events: list[ListenerEvent] = []
        self.reasons: list[str] = []
        self.forwarder = FakeForwarder()
        self.n_unknown = 0
        self.rejections = RejectionLog(
            self.events.append, clock=self.clock, count_unknown=lambda: self.n_unknown
        )
        self.controls = Controls(
            callback_url="", forwarder=self.forwarder, stop=self.reasons.append
        )
        event_filter = event_filter or EventFilter()
        self.stop_tracker = StopTracker(
            stop_conditions or StopConditions(),
            event_filter.task_ids,
            clock=self.clock,
            stop=self.reasons.append,
        )
        self.pipeline = CallbackPipeline(
            NullWriter(),
            TaskStates(lambda _task_id: job),
            self.controls,
            emit=self.events.append,
            stop_tracker=self.stop_tracker,
            rejections=self.rejections,
            event_filter=event_filter,
        )
        self._number = 0

    def arrive(self, status: str, task_id: str = "t1", **more: object) -> None:
        self._number += 1
        body = {"task_id": task_id, "task_status": status, **more}
        received = a_received(json.dumps(body).encode())
        self.pipeline.enqueue(CallbackAccepted(received=received, number=self._number))
        self.pipeline.process()

    def types(self) -> list[type]:
        return [type(event) for event in self.events]


def a_received(raw: bytes) -> ReceivedCallback:
    return ReceivedCallback(
        received_at=FakeClock().now(),
        product=None,
        nonce=None,
        headers=(),
        raw=raw,
        payload=parse_payload(raw),
        trust=Trust.TOKEN,
    )


def test_headers_that_may_hold_a_secret_are_shown_masked_and_forwarded_unchanged() -> (
    None
):
    harness = Harness()
    headers = (("x-forwarded-uri", "/callback/secret"), ("x-own", "1"))
    received = replace(a_received(b'{"task_id":"t1","status":"x"}'), headers=headers)

    harness.pipeline.enqueue(CallbackAccepted(received=received, number=1))
    harness.pipeline.process()

    seen = harness.events[0]
    assert isinstance(seen, CallbackReceived)
    assert seen.callback.headers == (("x-forwarded-uri", "****"), ("x-own", "1"))
    assert harness.controls.last_callback is not None
    assert harness.controls.last_callback.headers == headers


def test_a_callback_is_shown_and_forwarded_with_its_number() -> None:
    harness = Harness()

    harness.arrive("processing", created_at=1791115197000)

    [seen] = harness.events
    assert isinstance(seen, CallbackReceived)
    shown = seen.callback
    assert (shown.id, shown.status, shown.trust) == (1, "processing", "token")
    assert seen.since_submit_s == 3.0
    assert harness.forwarder.numbers == [1]


def test_a_callback_without_a_product_in_its_path_gets_that_of_the_journal() -> None:
    harness = Harness(job=a_record(task_id="t1", product="text2video"))

    harness.arrive("succeed")

    [seen] = harness.events
    assert isinstance(seen, CallbackReceived)
    assert seen.callback.product == "text2video"


def test_a_repeated_body_is_a_duplicate_and_is_forwarded_all_the_same() -> None:
    harness = Harness()

    harness.arrive("succeed")
    harness.arrive("succeed")

    assert harness.events[2] == Duplicate(number=2, of=1)
    assert harness.forwarder.numbers == [1, 2]


def test_a_callback_behind_the_task_is_stale() -> None:
    harness = Harness()

    harness.arrive("succeed")
    harness.arrive("processing")

    assert harness.events[2] == Stale(
        number=2, task_id="t1", status="processing", known="succeeded"
    )


def test_a_callback_behind_the_api_is_stale() -> None:
    harness = Harness()
    harness.pipeline.record_api_answer(Task(id="t1", status=TaskStatus.SUCCEEDED))

    harness.arrive("processing")
    harness.arrive("succeed")

    assert harness.types() == [CallbackReceived, Stale, CallbackReceived]


def test_a_callback_is_not_forwarded_after_a_synthetic_one_replaced_it() -> None:
    harness = Harness()
    harness.pipeline.forward_synthetic(replace(a_callback(9), task_id="t1"))

    harness.arrive("succeed")

    assert harness.forwarder.numbers == [9]
    assert harness.events[1] == Duplicate(number=1, of=9)


@pytest.mark.parametrize(
    ("event_filter", "numbers"),
    [
        (EventFilter(statuses=frozenset({"succeeded", "failed"})), [2, 4]),
        (EventFilter(task_ids=frozenset({"t2"})), [3, 4]),
    ],
)
def test_only_callbacks_that_match_the_filter_are_shown_and_forwarded(
    event_filter: EventFilter, numbers: list[int]
) -> None:
    harness = Harness(event_filter=event_filter)

    for task_id in ("t1", "t2"):
        harness.arrive("processing", task_id)
        harness.arrive("failed", task_id)

    shown = [
        one.callback.id for one in harness.events if isinstance(one, CallbackReceived)
    ]
    assert shown == harness.forwarder.numbers == numbers
    assert harness.pipeline.counts["filtered"] == 2


def test_max_events_stops_the_listener() -> None:
    harness = Harness(stop_conditions=StopConditions(max_events=2))

    harness.arrive("submitted")
    before = list(harness.reasons)
    harness.arrive("processing")

    assert before == []
    assert harness.reasons == ["max-events"]


def test_until_final_waits_for_all_named_tasks() -> None:
    named = EventFilter(task_ids=frozenset({"t1", "e2"}))
    harness = Harness(event_filter=named, stop_conditions=StopConditions(is_final=True))

    harness.arrive("succeed", "t1")
    harness.arrive("processing", "t2", external_task_id="e2")
    before = list(harness.reasons)
    harness.pipeline.record_api_answer(Task(id="t3", status=TaskStatus.FAILED))
    harness.arrive("failed", "t2", external_task_id="e2")

    assert before == []
    assert harness.reasons == ["final"]


@pytest.mark.anyio
async def test_a_final_status_of_the_api_waits_for_its_callback() -> None:
    harness, over = (
        Harness(stop_conditions=StopConditions(is_final=True)),
        TaskStatus.SUCCEEDED,
    )
    harness.arrive("processing", "t1")

    harness.pipeline.record_api_answer(Task(id="t1", status=over))
    await harness.clock.advance(FINAL_CALLBACK_GRACE_S - 0.1)
    harness.stop_tracker.tick()
    too_soon = list(harness.reasons)
    harness.arrive("succeed", "t1")

    assert too_soon == []
    assert harness.reasons == ["final"]


@pytest.mark.anyio
async def test_a_final_callback_is_awaited_for_a_bounded_time() -> None:
    harness = Harness(stop_conditions=StopConditions(is_final=True))
    harness.arrive("processing", "t1")

    harness.pipeline.record_api_answer(Task(id="t1", status=TaskStatus.FAILED))
    await harness.clock.advance(FINAL_CALLBACK_GRACE_S)
    harness.stop_tracker.tick()

    assert harness.reasons == ["final"]


def test_a_full_disk_is_reported_once_and_the_callbacks_are_shown(
    tmp_path: object,
) -> None:
    harness = Harness()
    received = a_received(b'{"task_id": "t1", "status": "succeed"}')
    failure = JournalError(tmp_path, OSError("no space"))  # type: ignore[arg-type]  # -- any path

    for _ in range(2):
        harness.pipeline.enqueue(CallbackNotStored(received=received, failure=failure))
        harness.pipeline.enqueue(CallbackAccepted(received=received, number=None))
    harness.pipeline.process()

    assert harness.types() == [Notice, CallbackReceived, CallbackReceived, Duplicate]
    assert harness.pipeline.counts["unkept"] == 2


def test_rejections_are_reported_at_once_and_then_together() -> None:
    harness = Harness()

    for _ in range(3):
        harness.pipeline.enqueue(
            CallbackRefused(reason=RefusalReason.UNSIGNED, url_match=UrlMatch())
        )
    harness.pipeline.process()
    at_once = list(harness.events)
    harness.rejections.tick()
    too_soon = list(harness.events)
    harness.n_unknown = 4
    harness.rejections.flush()

    first = Rejected(reason="no valid signature", status=401, count=1)
    assert at_once == too_soon == [first]
    assert harness.events[1:] == [
        replace(first, count=3),
        Rejected(reason="no such path", status=404, count=4),
    ]
    assert harness.rejections.total == 3


@pytest.mark.anyio
async def test_the_queue_does_not_grow_under_load() -> None:
    harness = Harness()
    turns, batch_size = 100, 64

    async with anyio.create_task_group() as group:
        group.start_soon(harness.pipeline.run)
        for _ in range(turns):
            for _ in range(batch_size):
                event = CallbackAccepted(received=a_received(b'{"id": "t1"}'), number=1)
                harness.pipeline.enqueue(event)
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert harness.pipeline.counts["callbacks"] >= (turns - 5) * batch_size


@pytest.mark.anyio
async def test_a_callback_is_answered_before_it_is_processed() -> None:
    harness = Harness()
    order: list[str] = []
    loop = asyncio.get_running_loop()

    async with anyio.create_task_group() as group:
        group.start_soon(harness.pipeline.run)
        await anyio.lowlevel.checkpoint()
        harness.pipeline.enqueue(
            CallbackAccepted(received=a_received(b'{"id": "t1"}'), number=1)
        )
        loop.call_soon(lambda: order.extend(["answered", *map(str, harness.types())]))
        for _ in range(4):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert order == ["answered"]
    assert harness.types() == [CallbackReceived]
