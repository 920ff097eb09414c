from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio
import anyio.lowlevel
import pytest

from kling_cli.api.tasks import Output, Task, TaskStatus
from kling_cli.background import background
from kling_cli.errors import CredentialsError, KlingError, UnreachableError
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import Mismatch, Verified
from kling_cli.listener.verification import Verifier, mismatches
from kling_cli.store.records import JobRecord
from tests.listener.stored_callbacks import a_callback
from tests.support.clock import FakeClock

LINK = "https://cdn.example/a.mp4"
DONE = Task(
    id="t1",
    status=TaskStatus.SUCCEEDED,
    external_id="e1",
    outputs=(Output(type="video", url=f"{LINK}?sign=1"),),
)
RUNNING = Task(id="t1", status=TaskStatus.PROCESSING)


@pytest.mark.parametrize(
    ("claim", "actual", "found"),
    [
        pytest.param(DONE, DONE, (), id="the same"),
        pytest.param(RUNNING, DONE, (), id="stale"),
        pytest.param(
            replace(DONE, outputs=(Output(type="video", url=f"{LINK}?sign=2"),)),
            DONE,
            (),
            id="signed anew",
        ),
        pytest.param(
            DONE,
            RUNNING,
            (Mismatch("status", "succeeded", "processing"),),
            id="ahead of the API",
        ),
        pytest.param(
            Task(id="t1", status=TaskStatus.FAILED),
            DONE,
            (Mismatch("status", "failed", "succeeded"),),
            id="another final status",
        ),
        pytest.param(
            replace(DONE, external_id="e2"),
            DONE,
            (Mismatch("external_id", "e2", "e1"),),
            id="another external id",
        ),
        pytest.param(
            replace(DONE, outputs=(Output(type="video", url="https://evil.example/"),)),
            DONE,
            (Mismatch("outputs[0].url", "https://evil.example/", LINK),),
            id="another link",
        ),
        pytest.param(
            replace(DONE, outputs=(Output(type="video", url="http://[bad"),)),
            replace(DONE, outputs=()),
            (Mismatch("outputs[0].url", "not a URL", None),),
            id="not a URL",
        ),
        pytest.param(DONE, None, (Mismatch("task_id", "t1", None),), id="no such task"),
        pytest.param(
            Task(id="t1", status=TaskStatus.UNKNOWN), RUNNING, (), id="unknown status"
        ),
    ],
)
def test_differences_are_found_field_by_field(
    claim: Task, actual: Task | None, found: tuple[Mismatch, ...]
) -> None:
    assert mismatches(claim, actual) == found


@dataclass
class Api:
    """A task query that raises `failures` first, then answers with `tasks`."""

    tasks: Mapping[str, Task]
    failures: list[KlingError] = field(default_factory=list)
    queries: list[list[str]] = field(default_factory=list)

    async def fetch(self, jobs: Sequence[JobRecord]) -> Mapping[str, Task]:
        self.queries.append([job.key for job in jobs])
        if self.failures:
            raise self.failures.pop(0)
        return {key: self.tasks[key] for key in self.queries[-1] if key in self.tasks}


def a_record(task_id: str) -> JobRecord:
    return JobRecord(
        external_id="",
        task_id=task_id,
        command="listen",
        product="",
        model=None,
        route="",
        query_path="/tasks",
        api_base="",
        request="{}",
        written_at=FakeClock().now(),
    )


async def verify(
    api: Api, *task_ids: str, until: Callable[[list[Verified | Notice]], bool]
) -> tuple[list[Verified | Notice], list[Task]]:
    events: list[Verified | Notice] = []
    answers: list[Task] = []
    verifier = Verifier(
        api,
        a_record,
        clock=FakeClock(),
        emit=events.append,
        record_answer=answers.append,
    )
    async with background() as group:
        group.start_soon(verifier.run)
        for number, task_id in enumerate(task_ids, 1):
            raw = b'{"id": "%s", "status": "succeeded"}' % task_id.encode()
            verifier.submit(replace(a_callback(number), task_id=task_id, raw=raw))
        with anyio.fail_after(10):
            while not until(events):  # noqa: ASYNC110 -- events have no signal
                await anyio.sleep(0.001)
    return events, answers


@pytest.mark.anyio
async def test_queued_callbacks_share_queries() -> None:
    ids = [f"t{number}" for number in range(25)]
    api = Api({each: replace(DONE, id=each) for each in ids})

    events, answers = await verify(api, *ids, until=lambda events: len(events) == 25)

    assert [len(query) for query in api.queries] == [20, 5]
    assert all(isinstance(event, Verified) and event.is_true for event in events)
    assert len(answers) == 25


@pytest.mark.anyio
async def test_every_callback_of_a_task_is_verified_by_one_answer() -> None:
    api = Api({})

    events, _ = await verify(api, "t1", "t1", until=lambda events: len(events) == 2)

    assert api.queries == [["t1"]]
    assert [event.number for event in events if isinstance(event, Verified)] == [1, 2]


@pytest.mark.anyio
async def test_a_query_that_fails_is_retried() -> None:
    api = Api({"t1": DONE}, failures=[UnreachableError("away")] * 3)

    events, _ = await verify(api, "t1", until=bool)

    assert events == [
        Verified(number=1, task_id="t1", is_true=True, actual="succeeded")
    ]
    assert len(api.queries) == 4


@pytest.mark.anyio
async def test_refused_credentials_are_reported_once_and_not_used_again() -> None:
    api = Api({}, failures=[CredentialsError("who are you")])

    events, _ = await verify(api, "t1", until=bool)

    assert [type(event) for event in events] == [Notice]
    assert len(api.queries) == 1
