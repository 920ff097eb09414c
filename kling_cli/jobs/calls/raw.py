"""Raw calls: requests sent as they are, and the jobs that they may create."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from kling_cli import catalogue
from kling_cli.api import (
    SUCCESS,
    ApiResponse,
    Credentials,
    KlingClient,
    Task,
    TaskStatus,
    credentials_from_settings,
    error_from_response,
    new_http,
    task_from_wire,
    tasks_from_wire,
)
from kling_cli.catalogue import Generation, Model, Plan, PreparedRequest, Product, Route
from kling_cli.clock import Clock
from kling_cli.errors import (
    AmbiguousError,
    KlingError,
    NoSlotError,
    OutcomeUnknownError,
    RateLimitError,
    StoppedError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.events import EmitEvent, JobResult, Notice
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.prepare import check_price, new_external_id, unbounded
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.waiting.poller import SOLUTIONS_PATH, TASKS_PATH
from kling_cli.settings import Settings
from kling_cli.store import SavedOutput
from kling_cli.text import is_text

# POST paths that change nothing. Source: API reference 2.5, 2.10, 2.11.
_READ_ONLY_POSTS = (
    TASKS_PATH,
    SOLUTIONS_PATH,
    "/account/billing/balance",
    "/account/billing/package",
)
COMMAND = "api"
_FIRST_ERROR_STATUS = 300  # an HTTP status below it is a success


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCall:
    """A raw request: `path` begins with a slash and has no query, `body` is JSON."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def is_read_only(self) -> bool:
        """Whether it changes nothing, so that it may be sent again."""
        if self.method == "POST":
            return self.path in _READ_ONLY_POSTS
        return self.method == "GET"

    @property
    def creates(self) -> tuple[Product, Route] | None:
        """The product and route of a create call that the catalogue knows."""
        found = catalogue.route_by_path(self.path) if self.method == "POST" else None
        return None if found is None else found[:2]

    @property
    def external_id(self) -> str | None:
        """The external id in the body of a create call."""
        at = self.creates[1].external_id_path if self.creates else None
        found = catalogue.get_path(self.body, at) if at else None
        return found if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest(PreparedRequest):
    """A request whose body came from the caller; it is sent as it is."""

    def body(self, callback_url: str | None) -> dict[str, Any]:
        """Return the body; a callback URL is part of it, if there is any."""
        del callback_url
        return deepcopy(dict(self.encoded))


def as_request(call: RawCall, *, new_id: Callable[[], str]) -> RawRequest | None:
    """Return the request of a create call that the catalogue knows, or None.

    The body gets an external id if it has none: by it the job is found again when the
    connection breaks. A model that the catalogue does not have is accepted.

    Raises:
        UsageError: the body is no object, or something in it no text.
    """
    if call.creates is None:
        return None
    product, route = call.creates
    body = {} if call.body is None else deepcopy(call.body)
    if not isinstance(body, dict) or call.params:
        raise UsageError(
            f"POST {call.path} takes a JSON object and no query",
            hint="give the fields with -f, or the body with --input FILE",
        )
    if not is_text(body):
        raise UsageError(
            f"the body of POST {call.path} is not a text: there are bytes or escapes in"
            " it that are no UTF-8",
            hint="type it again, or save the file it comes from as UTF-8",
        )
    plan = Plan(product=product, route=route, model=_model(product, route, call))
    external_id = _external_id(route, body) or new_id()
    if route.external_id_path is not None:
        catalogue.set_path(body, route.external_id_path, external_id)
    values, unreadable = catalogue.decode_body(product, route, plan.model, body)
    return RawRequest(
        plan=plan,
        values=values,
        extra={},
        external_id=external_id,
        estimate=None if unreadable else catalogue.estimate_units(plan, values),
        encoded=body,
    )


def check_call_price(call: RawCall, max_units: float | None) -> None:
    """Refuse a call that may cost more than the person allows; reading is free.

    Raises:
        AccountError: it may cost more than `max_units`, or nobody knows.
        UsageError: its body cannot be a job.
    """
    if max_units is None or call.is_read_only:
        return
    request = as_request(call, new_id=str)
    if request is None:
        raise unbounded(f"the catalogue does not have {call.method} {call.path}")
    check_price(request, max_units)


def _external_id(route: Route, body: Mapping[str, Any]) -> str | None:
    at = route.external_id_path
    found = catalogue.get_path(body, at) if at is not None else None
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise UsageError(
            f"{at} is {json.dumps(found)}, and the API wants a text",
            hint=f"-f {at}=ID, or leave it out and kling makes one",
        )
    return found


def _model(product: Product, route: Route, call: RawCall) -> Model:
    """Return the model that path or body names, even one not in the catalogue."""
    if route.model_path is not None:
        named = catalogue.get_path(call.body, route.model_path) or route.default_wire_id
    elif "{model}" in route.create_path:
        named = call.path.rpartition("/")[2]
    else:
        return product.models[0]
    return catalogue.model_by_wire_id(product, route, str(named)) or _unknown_model(
        route, str(named)
    )


def _unknown_model(route: Route, name: str) -> Model:
    return Model(
        id=name,
        label=name,
        aliases=(),
        status="current",
        wire_ids={route.name: name},
        limits={route.name: {}},
        rates=(),
    )


def recovery_hint(call: RawCall) -> str:
    """Return what to do about a call whose outcome is unknown."""
    if call.external_id is not None:
        return f"kling wait {call.external_id}"
    if call.creates is None:
        return "look whether it was done before you send it again"
    route = call.creates[1]
    if route.query_path is None:
        return "it may have been charged; send it again for a result"
    if route.generation is Generation.LEGACY:
        look = f"kling api GET {route.query_path}"
    else:
        look = "kling list --remote"
    return f"{look} lists what there is; send it again only if it is not there"


async def send_call(raw: RawCall, *, settings: Settings, clock: Clock) -> JobResult:
    """Send a call once and return its result; an error in the answer is part of it.

    Raises:
        CredentialsError: there are none.
        UnreachableError: there is no answer, and the call was not made.
        OutcomeUnknownError: there is no answer, and the call may have been made.
    """
    credentials = credentials_from_settings(settings)

    async def send() -> ApiResponse:
        async with new_http(settings.api_base) as http:
            client = KlingClient(http, credentials, clock)
            return await client.call(
                raw.method, raw.path, params=raw.params or None, json=raw.body
            )

    try:
        answer = await until_signal(send)
    except AmbiguousError as exc:
        raise _single_call_error(raw, exc) from exc
    except StoppedError as exc:
        if raw.is_read_only:
            raise
        raise exc.with_clause(
            "the call may have been made", hint=recovery_hint(raw)
        ) from exc
    error = _answer_error(raw, answer, credentials, settings)
    return _call_result(raw, answer, error, is_resumable=not settings.is_sandbox)


async def run_call(
    raw: RawCall,
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> list[JobResult]:
    """Send a call, wait for the tasks that its answer names and save their outputs.

    A create call that the catalogue knows is a job like every other: in the journal
    before it is sent, and sent again only when it has certainly not arrived.

    Raises: what `send_call` raises, and UsageError for a body that cannot be a job.
    """
    from kling_cli.jobs.attach import AttachedRun  # most raw calls need neither
    from kling_cli.jobs.generation import run_request

    request = as_request(raw, new_id=new_external_id)
    if request is not None:
        result = await run_request(
            request, options, settings=settings, emit=emit, clock=clock
        )
        return [result]
    first = await send_call(raw, settings=settings, clock=clock)
    names = [] if first.error else [task.id for task in _tasks_in(first.answer)]
    if not names:
        if first.error is None:
            emit(Notice(message="the answer names no task, so there is none to follow"))
        return [first]
    run = AttachedRun(
        names=names, options=options, settings=settings, emit=emit, clock=clock
    )
    return [replace(result, answer=first.answer) for result in await run.wait()]


def _answer_error(
    raw: RawCall, answer: ApiResponse, credentials: Credentials, settings: Settings
) -> KlingError | None:
    """Return the error in an answer, by the API's code or else the HTTP status."""
    is_plain = answer.code is None and answer.is_json
    if answer.code == SUCCESS or (is_plain and answer.http < _FIRST_ERROR_STATUS):
        return None
    error = error_from_response(
        answer,
        base_url=settings.api_base,
        credentials=credentials,
        is_create=not raw.is_read_only,
    )
    return _single_call_error(raw, error)


def _single_call_error(raw: RawCall, error: KlingError) -> KlingError:
    """Return the error of a call that is not retried for one of the client's."""
    if isinstance(error, AmbiguousError):
        if raw.is_read_only:
            return error.converted_to(UnreachableError)
        message = (
            f"it is unknown whether {raw.method} {raw.path} was done: {error.message}"
        )
        return error.converted_to(OutcomeUnknownError, message, hint=recovery_hint(raw))
    if isinstance(error, RateLimitError) and raw.creates:
        return error.converted_to(NoSlotError)
    return error


def _call_result(
    raw: RawCall, answer: ApiResponse, error: KlingError | None, *, is_resumable: bool
) -> JobResult:
    """Return the result, with the task that the answer is about, if it is one."""
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
    found = [] if error else _tasks_in(answer)
    if len(found) != 1:
        return result
    return _with_task(result, found[0], is_resumable=is_resumable)


def _with_task(result: JobResult, task: Task, *, is_resumable: bool) -> JobResult:
    is_open = not task.status.is_final and is_resumable
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


def _tasks_in(answer: ApiResponse | None) -> Sequence[Task]:
    """Return the tasks that an answer is about, if any."""
    if answer is None:
        return ()
    try:
        if isinstance(answer.data, list):
            return tasks_from_wire(answer.data, request_id=answer.request_id)
        return (task_from_wire(answer.data, request_id=answer.request_id),)
    except UnreachableError:
        return ()
