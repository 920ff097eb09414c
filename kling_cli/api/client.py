"""The client of the Kling API: creates tasks, queries and lists them."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from kling_cli.api.credentials import Credentials, credentials_from_settings
from kling_cli.api.error_codes import SUCCESS, TOKEN_CODES, error_from_response
from kling_cli.api.http import httpx, new_http
from kling_cli.api.json_values import to_unix_ms
from kling_cli.api.pagination import PageFetcher
from kling_cli.api.tasks import (
    Task,
    TaskPage,
    page_from_wire,
    result_from_wire,
    task_from_wire,
    tasks_from_wire,
)
from kling_cli.api.transport import (
    EXCHANGE_TIMEOUT_S,
    ApiResponse,
    Request,
    send_request,
)
from kling_cli.clock import Clock
from kling_cli.errors import AmbiguousError, RefusedError, UnreachableError, UsageError
from kling_cli.settings import Settings

MAX_IDS_PER_CALL: Final = 20  # Source: API reference 2.5, `GET /tasks`, read 2026-10-04


def chunk_ids(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield `ids`, without duplicates, in lists that one call accepts.

    Raises:
        UsageError: one of them is not an id.
    """
    unique = list(dict.fromkeys(require_task_id(each) for each in ids))
    for start in range(0, len(unique), MAX_IDS_PER_CALL):
        yield unique[start : start + MAX_IDS_PER_CALL]


def require_task_id(task_id: str) -> str:
    """Return a task id that is safe in a path and in a list separated by commas.

    Raises:
        UsageError: it is not.
    """
    if task_id in ("", ".", "..") or "," in task_id:
        raise UsageError(f"{task_id!r} is not a task id", hint="give ids one by one")
    return task_id


def match_by_id(
    asked: Sequence[str], tasks: Sequence[Task], *, is_external: bool
) -> Iterator[tuple[str, Task]]:
    """Yield the tasks by the ids queried; a lone task matches a lone id."""
    for task in tasks:
        name = task.external_id if is_external else task.id
        if name is None and len(asked) == len(tasks) == 1:
            name = asked[0]
        if name in asked and name is not None:
            yield name, task


RETRY_PAUSES_S: Final = (1.0, 2.0)  # `/account/costs` wants no more than one a second


@dataclass(frozen=True, slots=True)
class RetryingClient:
    """Retries requests that are safe to repeat: lists, figures, deletions.

    Responses of 429 or 5xx are retried; a host that cannot be reached is not, as a
    person is waiting.
    """

    client: PageFetcher
    clock: Clock

    async def query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        """Return the first successful response, after retries.

        Raises:
            KlingError: as the client does.
        """
        for pause_s in RETRY_PAUSES_S:
            try:
                return await self.client.query(method, path, params=params, json=json)
            except UnreachableError as exc:
                if exc.http is None:
                    raise
            await self.clock.sleep(pause_s)
        return await self.client.query(method, path, params=params, json=json)


_NOT_FOUND: Final = 1203
_BAD_VALUE: Final = 1201


@dataclass(slots=True)
class RequestCounts:
    """How many requests of each kind have been sent, retries included."""

    create: int = 0
    query: int = 0


class KlingClient:
    """The client for one account on one host.

    `http` has the API's base URL; its owner closes it. `last_create_response` is that
    of the last create call, whatever its code.

    Every method raises CredentialsError and AccountError for what only a person can
    correct, and UnreachableError (RateLimitError for 429) for what may be temporary.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Clock,
        *,
        exchange_timeout_s: float = EXCHANGE_TIMEOUT_S,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self._exchange_timeout_s = exchange_timeout_s
        self.request_counts = RequestCounts()
        self.last_create_response: ApiResponse | None = None

    async def create(self, path: str, body: Mapping[str, Any]) -> Task:
        """Submit a job and return its task.

        Raises:
            AmbiguousError: it is unknown whether the task was created.
            UnreachableError: it was certainly not created; nothing was sent, or a
                gateway refused it.
            RateLimitError, NoSlotError: it was not created; a retry may succeed.
            RefusedError, ContentRefusedError: the request is invalid; no retry helps.
        """
        return await self._created(path, body, task_from_wire)

    async def create_synchronous(self, path: str, body: Mapping[str, Any]) -> Task:
        """Return the finished task of a call whose response has the result.

        Raises what `create` raises. Source: API reference 2.7, 2.8, read 2026-10-04.
        """
        return await self._created(path, body, result_from_wire)

    async def _created(
        self, path: str, body: Mapping[str, Any], read: Callable[..., Task]
    ) -> Task:
        request = Request(
            method="POST", path=path, json=body, no_response_error=AmbiguousError
        )
        response = self.last_create_response = await self._send(request, "create")
        if response.code != SUCCESS:
            raise self._error(response, is_create=True)
        try:
            return read(response.data, request_id=response.request_id)
        except UnreachableError as exc:
            raise AmbiguousError(
                exc.message, http=response.http, request_id=response.request_id
            ) from exc

    async def tasks(
        self, ids: Sequence[str], *, is_external: bool = False, path: str = "/tasks"
    ) -> dict[str, Task]:
        """Return the tasks of any family by the ids queried; unknown ones are absent.

        Needs an API key. Solutions have a `path` of their own, `/solutions`. Source:
        API reference 2.5 and 2.10, read 2026-10-04.
        """
        key = "external_task_ids" if is_external else "task_ids"
        found: dict[str, Task] = {}
        for chunk in chunk_ids(ids):
            params = {key: ",".join(chunk)}
            response = await self.query("GET", path, params=params)
            tasks = tasks_from_wire(response.data, request_id=response.request_id)
            found.update(match_by_id(chunk, tasks, is_external=is_external))
        return found

    async def legacy_task(self, query_path: str, task_id: str) -> Task | None:
        """Return a legacy family's task by task id or external id, None if unknown.

        Source: API reference 2.3 (unknown ids: 400/1201), read 2026-10-04.
        """
        path = f"{query_path.rstrip('/')}/{quote(require_task_id(task_id), safe='')}"
        try:
            response = await self.query("GET", path)
        except RefusedError as exc:
            if exc.code == _NOT_FOUND or _is_unknown_id(exc):
                return None
            raise
        return task_from_wire(response.data, request_id=response.request_id)

    async def search(  # noqa: PLR0913 -- one per field of the API's filter
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
        statuses: Iterable[str] = (),
        product_types: Iterable[str] = (),
        path: str = "/tasks",
    ) -> TaskPage:
        """Return a page of the account's tasks; with a cursor the window is ignored.

        Needs an API key. Solutions have a `path` of their own, `/solutions`, and no
        product types. Source: API reference 2.5 and 2.10, read 2026-10-04.
        """
        filters = {"status": list(statuses), "product_type": list(product_types)}
        asked = {
            "start_time": to_unix_ms(start),
            "end_time": to_unix_ms(end),
            "cursor": cursor,
            "limit": limit,
            "filters": [{"key": k, "values": v} for k, v in filters.items() if v],
        }
        body = {key: value for key, value in asked.items() if value not in (None, [])}
        response = await self.query("POST", path, json=body)
        return page_from_wire(response.data, request_id=response.request_id)

    async def legacy_list(
        self, path: str, page: int = 1, size: int = 30
    ) -> tuple[Task, ...]:
        """Return a page of one legacy family's tasks, counted from 1."""
        params = {"pageNum": str(page), "pageSize": str(size)}
        response = await self.query("GET", path, params=params)
        return tasks_from_wire(response.data, request_id=response.request_id)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        """Send a signed request and return the response, whatever its code.

        Raises:
            AmbiguousError: a request that may change something got no response.
        """
        no_response_error = (
            UnreachableError if method.upper() == "GET" else AmbiguousError
        )
        request = Request(
            method=method.upper(),
            path=path,
            params=params,
            json=json,
            no_response_error=no_response_error,
        )
        return await self._send(request, "other")

    async def query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        """Return the response to a request that is safe to repeat; an error for a code.

        Raises:
            RefusedError: the API does not know what is queried.
        """
        request = Request(method=method, path=path, params=params, json=json)
        response = await self._send(request, "query")
        if response.code != SUCCESS:
            raise self._error(response, is_create=False)
        return response

    async def _send(self, request: Request, kind: str) -> ApiResponse:
        """Send `request`; if the token is refused, once more with a new one."""
        response = await self._send_once(request, kind)
        if response.code not in TOKEN_CODES:
            return response
        clock_offset = (
            response.date - self._clock.now() if response.date else timedelta()
        )
        self._credentials.invalidate(clock_offset)
        return await self._send_once(request, kind)

    async def _send_once(self, request: Request, kind: str) -> ApiResponse:
        if kind == "create":
            self.request_counts.create += 1
        elif kind == "query":
            self.request_counts.query += 1
        authorization = self._credentials.authorization(self._clock.now())
        return await send_request(
            self._http,
            request,
            authorization,
            exchange_timeout_s=self._exchange_timeout_s,
        )

    def _error(self, response: ApiResponse, *, is_create: bool) -> Exception:
        return error_from_response(
            response,
            base_url=str(self._http.base_url),
            credentials=self._credentials,
            is_create=is_create,
        )


def _is_unknown_id(exc: RefusedError) -> bool:
    return exc.code == _BAD_VALUE and "not found" in exc.message.lower()


@asynccontextmanager
async def open_client(settings: Settings, clock: Clock) -> AsyncIterator[KlingClient]:
    """Open a client for the account of these settings, closed in the end.

    Raises:
        CredentialsError: there are no credentials.
    """
    credentials = credentials_from_settings(settings)
    async with new_http(settings.api_base) as http:
        yield KlingClient(http, credentials, clock)
