"""The client of the Kling API: signs, asks, and says in our terms what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from kling_cli.api.codes import SIGN_AGAIN, SUCCESS, error_for
from kling_cli.api.credentials import Credentials
from kling_cli.api.exchange import PATIENCE_S, Answer, Request, exchange
from kling_cli.api.http import httpx
from kling_cli.api.ids import by_id, checked, chunks
from kling_cli.api.task import Task
from kling_cli.api.values import mapping, text, whole
from kling_cli.api.verdict import error_of
from kling_cli.api.wire import (
    Pack,
    Page,
    packs_from_wire,
    page_from_wire,
    result_from_wire,
    task_from_wire,
    tasks_from_wire,
)
from kling_cli.clock import Clock
from kling_cli.errors import AmbiguousError, RefusedError, UnreachableError

_NOT_FOUND: Final = 1203
_BAD_VALUE: Final = 1201


@dataclass(slots=True)
class RequestCounts:
    """How many requests of each kind have been sent, repeats included."""

    create: int = 0
    query: int = 0


class KlingClient:
    """One account on one host. `http` has the API's base URL; its owner closes it.

    `last_created` is what the last create call answered, whatever it said.

    Every method raises CredentialsError and AccountError for what only a person can
    mend, and UnreachableError (RateLimitError for 429) for what may be better soon.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        clock: Clock,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self._patience_s = patience_s
        self.request_counts = RequestCounts()
        self.last_created: Answer | None = None

    async def create(self, path: str, body: Mapping[str, Any]) -> Task:
        """Submit a job and return its task.

        Raises:
            AmbiguousError: nobody knows whether there is a task now.
            UnreachableError: there is certainly none; nothing was sent, or a gateway
                turned it away.
            RateLimitError, NoSlotError: there is none yet; later there may be.
            RefusedError, ContentRefusedError: the request as it is will never do.
        """
        return await self._created(path, body, task_from_wire)

    async def call_directly(self, path: str, body: Mapping[str, Any]) -> Task:
        """Return the finished task of a call that answers with its result.

        Raises what `create` raises. Source: API reference 2.7, 2.8, read 2026-10-04.
        """
        return await self._created(path, body, result_from_wire)

    async def _created(
        self, path: str, body: Mapping[str, Any], read: Callable[..., Task]
    ) -> Task:
        request = Request(method="POST", path=path, json=body, doubt=AmbiguousError)
        answer = self.last_created = await self._send(request, "create")
        if answer.code != SUCCESS:
            raise self._error(answer, is_create=True)
        try:
            return read(answer.data, request_id=answer.request_id)
        except UnreachableError as exc:
            raise AmbiguousError(
                exc.message, http=answer.http, request_id=answer.request_id
            ) from exc

    async def tasks(
        self, ids: Sequence[str], *, is_external: bool = False, path: str = "/tasks"
    ) -> dict[str, Task]:
        """Return the tasks of any family by the ids asked for; unknown ones are absent.

        Needs an API key. Solutions have a `path` of their own, `/solutions`. Source:
        API reference 2.5 and 2.10, read 2026-10-04.
        """
        key = "external_task_ids" if is_external else "task_ids"
        found: dict[str, Task] = {}
        for chunk in chunks(ids):
            params = {key: ",".join(chunk)}
            answer = await self._query("GET", path, params=params)
            tasks = tasks_from_wire(answer.data, request_id=answer.request_id)
            found.update(by_id(chunk, tasks, is_external=is_external))
        return found

    async def legacy_task(self, query_path: str, task_id: str) -> Task | None:
        """Return a legacy family's task by task id or external id, None if unknown.

        Source: API reference 2.3 (unknown ids: 400/1201), read 2026-10-04.
        """
        path = f"{query_path.rstrip('/')}/{quote(checked(task_id), safe='')}"
        try:
            answer = await self._query("GET", path)
        except RefusedError as exc:
            if exc.code == _NOT_FOUND or _is_unknown_id(exc):
                return None
            raise
        return task_from_wire(answer.data, request_id=answer.request_id)

    async def search(  # noqa: PLR0913 -- one per field of the API's filter
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
        statuses: Iterable[str] = (),
        product_types: Iterable[str] = (),
    ) -> Page:
        """Return a page of the account's tasks; with a cursor the window is ignored.

        Needs an API key. Source: API reference 2.5, `POST /tasks`, read 2026-10-04.
        """
        filters = {"status": list(statuses), "product_type": list(product_types)}
        asked = {
            "start_time": _unix_ms(start),
            "end_time": _unix_ms(end),
            "cursor": cursor,
            "limit": limit,
            "filters": [{"key": k, "values": v} for k, v in filters.items() if v],
        }
        body = {key: value for key, value in asked.items() if value not in (None, [])}
        answer = await self._query("POST", "/tasks", json=body)
        return page_from_wire(answer.data, request_id=answer.request_id)

    async def legacy_list(
        self, path: str, page: int = 1, size: int = 30
    ) -> tuple[Task, ...]:
        """Return a page of one legacy family's tasks, counted from 1."""
        params = {"pageNum": str(page), "pageSize": str(size)}
        answer = await self._query("GET", path, params=params)
        return tasks_from_wire(answer.data, request_id=answer.request_id)

    async def costs(self, start: datetime, end: datetime) -> tuple[Pack, ...]:
        """Return the resource packs bought between `start` and `end`.

        At most one such request a second. Source: API reference 2.11, read 2026-10-04.
        """
        params = {"start_time": str(_unix_ms(start)), "end_time": str(_unix_ms(end))}
        request = Request(method="GET", path="/account/costs", params=params)
        answer = self._checked_answer(await self._send(request, "other"))
        inner = whole(mapping(answer.data).get("code"))
        if inner:
            message = text(mapping(answer.data).get("msg"))
            raise error_for(answer.http, inner, message, answer.request_id)
        return packs_from_wire(answer.data)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """Send a signed request and return the answer, whatever its code.

        Raises:
            AmbiguousError: a request that may change something got no answer.
        """
        doubt = UnreachableError if method.upper() == "GET" else AmbiguousError
        request = Request(
            method=method.upper(), path=path, params=params, json=json, doubt=doubt
        )
        return await self._send(request, "other")

    async def _query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        request = Request(method=method, path=path, params=params, json=json)
        return self._checked_answer(await self._send(request, "query"))

    def _checked_answer(self, answer: Answer) -> Answer:
        if answer.code != SUCCESS:
            raise self._error(answer, is_create=False)
        return answer

    async def _send(self, request: Request, kind: str) -> Answer:
        """Send `request`; once more, signed anew, when the token was the trouble."""
        answer = await self._send_once(request, kind)
        if answer.code not in SIGN_AGAIN:
            return answer
        ahead = answer.date - self._clock.now() if answer.date else timedelta()
        self._credentials.forget(ahead)
        return await self._send_once(request, kind)

    async def _send_once(self, request: Request, kind: str) -> Answer:
        if kind == "create":
            self.request_counts.create += 1
        elif kind == "query":
            self.request_counts.query += 1
        authorization = self._credentials.authorization(self._clock.now())
        return await exchange(
            self._http, request, authorization, patience_s=self._patience_s
        )

    def _error(self, answer: Answer, *, is_create: bool) -> Exception:
        return error_of(
            answer,
            base_url=str(self._http.base_url),
            credentials=self._credentials,
            is_create=is_create,
        )


def _is_unknown_id(exc: RefusedError) -> bool:
    return exc.code == _BAD_VALUE and "not found" in exc.message.lower()


def _unix_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
