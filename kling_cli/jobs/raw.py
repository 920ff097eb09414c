"""Raw calls: sent once as they are, and their tasks seen through where wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kling_cli.api.client import KlingClient
from kling_cli.api.codes import SUCCESS
from kling_cli.api.credentials import Credentials, from_settings
from kling_cli.api.exchange import Answer
from kling_cli.api.http import new_http
from kling_cli.api.task import Task, TaskStatus
from kling_cli.api.verdict import error_of
from kling_cli.api.wire import task_from_wire, tasks_from_wire
from kling_cli.clock import Clock
from kling_cli.errors import (
    AmbiguousError,
    KlingError,
    NoSlotError,
    OutcomeUnknownError,
    RateLimitError,
    StoppedError,
    UnreachableError,
)
from kling_cli.jobs.events import Event, JobResult, Notice
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.raw_request import RawCall, as_request, way_out
from kling_cli.jobs.run import finish, new_external_id, see_through
from kling_cli.jobs.signals import until_signal
from kling_cli.settings.settings import Settings
from kling_cli.store.entry import SavedOutput

COMMAND = "api"
_FIRST_FAILURE = 300  # an HTTP status below it is a success


async def call(raw: RawCall, *, settings: Settings, clock: Clock) -> JobResult:
    """Send `raw` once and return what came of it; an answer's error is in the result.

    Raises:
        CredentialsError: there are none.
        UnreachableError: there is no answer, and nothing can have happened.
        OutcomeUnknownError: there is no answer, and something may have happened.
    """
    credentials = from_settings(settings)

    async def send() -> Answer:
        async with new_http(settings.api_base) as http:
            client = KlingClient(http, credentials, clock)
            return await client.call(
                raw.method, raw.path, params=raw.params or None, json=raw.body
            )

    try:
        answer = await until_signal(send)
    except AmbiguousError as exc:
        raise _as_it_is(raw, exc) from exc
    except StoppedError as exc:
        if raw.is_question:
            raise
        raise StoppedError(
            f"{exc.message}; the call may have been made",
            exit_code=exc.exit_code,
            hint=way_out(raw),
        ) from exc
    error = _error(raw, answer, credentials, settings)
    return _result(raw, answer, error, is_lasting=not settings.is_sandbox)


async def call_and_wait(
    raw: RawCall,
    options: RunOptions,
    *,
    settings: Settings,
    tell: Callable[[Event], None],
    clock: Clock,
) -> list[JobResult]:
    """Send `raw` and see the tasks that its answer names through to their ends.

    A create call that the catalogue knows is a job like every other: written down
    before it is sent, and sent again only when it has certainly not arrived.

    Raises: what `call` raises, and UsageError for a body that cannot be a job.
    """
    request = as_request(raw, new_id=new_external_id)
    if request is not None:
        result = await see_through(
            request, options, settings=settings, tell=tell, clock=clock
        )
        return [result]
    first = await call(raw, settings=settings, clock=clock)
    names = [] if first.error else [task.id for task in _tasks(first.answer)]
    if not names:
        if first.error is None:
            tell(Notice(message="the answer names no task, so there is none to follow"))
        return [first]
    ended = await finish(names, options, settings=settings, tell=tell, clock=clock)
    return [replace(result, answer=first.answer) for result in ended]


def _error(
    raw: RawCall, answer: Answer, credentials: Credentials, settings: Settings
) -> KlingError | None:
    """Return what is wrong, by the API's code; without one, by the HTTP status."""
    is_plain = answer.code is None and answer.is_json
    if answer.code == SUCCESS or (is_plain and answer.http < _FIRST_FAILURE):
        return None
    error = error_of(
        answer,
        base_url=settings.api_base,
        credentials=credentials,
        is_create=not raw.is_question,
    )
    return _as_it_is(raw, error)


def _as_it_is(raw: RawCall, error: KlingError) -> KlingError:
    """Return what the client's error means for a call that is not repeated."""
    if isinstance(error, AmbiguousError):
        if raw.is_question:
            return _as(UnreachableError, error, error.message, error.hint)
        message = (
            f"it is unknown whether {raw.method} {raw.path} was done: {error.message}"
        )
        return _as(OutcomeUnknownError, error, message, way_out(raw))
    if isinstance(error, RateLimitError) and raw.creates:
        return _as(NoSlotError, error, error.message, error.hint)
    return error


def _as(
    kind: type[KlingError], error: KlingError, message: str, hint: str | None
) -> KlingError:
    return kind(
        message,
        hint=hint,
        code=error.code,
        http=error.http,
        request_id=error.request_id,
    )


def _result(
    raw: RawCall, answer: Answer, error: KlingError | None, *, is_lasting: bool
) -> JobResult:
    """Return the result: all that the answer says about a task, if it names one."""
    result = JobResult(
        command=COMMAND,
        status=TaskStatus.UNKNOWN,
        product=raw.creates[0].name if raw.creates else None,
        external_id=raw.external_id,
        create_requests=int(raw.creates is not None),
        query_requests=int(raw.creates is None),
        request_id=answer.request_id,
        error=error,
        answer=answer,
    )
    found = [] if error else _tasks(answer)
    if len(found) != 1:
        return result
    return _with_task(result, found[0], is_lasting=is_lasting)


def _with_task(result: JobResult, task: Task, *, is_lasting: bool) -> JobResult:
    is_open = not task.status.is_final and is_lasting
    return replace(
        result,
        status=task.status,
        task_id=task.id,
        external_id=task.external_id or result.external_id,
        status_message=task.message,
        created_at=task.created_at,
        updated_at=task.updated_at,
        outputs=tuple(SavedOutput(output=output) for output in task.outputs),
        units=task.units,
        resume=f"kling wait {task.id}" if is_open else None,
    )


def _tasks(answer: Answer | None) -> Sequence[Task]:
    """Return the tasks that an answer is about; none when it is about other things."""
    if answer is None:
        return ()
    try:
        if isinstance(answer.data, list):
            return tasks_from_wire(answer.data, request_id=answer.request_id)
        return (task_from_wire(answer.data, request_id=answer.request_id),)
    except UnreachableError:
        return ()
