"""Sends callbacks: one to a task's `callback_url` at each change of its status.

One attempt a change, in order, each waiting for the answer to the one before it; what
the real service does about failures is not documented (API reference, section 4.6).
"""

from __future__ import annotations

import json
from math import inf
from typing import TYPE_CHECKING

import anyio
import httpx

from kling_cli.proxies import Proxies, Proxy
from kling_cli.sandbox.state.traffic_log import Delivery
from kling_cli.sandbox.wire import FINAL_CALLBACK_ONLY, flat_shape

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from kling_cli.sandbox.state.sandbox_state import SandboxState
    from kling_cli.sandbox.state.tasks import SandboxTask


ANSWER_TIMEOUT_S = 5.0
MIN_DELAY_S = 2.0
REPEATS = 3


class CallbackSender:
    """Sends the callbacks of one sandbox, with a background job for each task."""

    def __init__(self, state: SandboxState, group: TaskGroup) -> None:
        self._state = state
        self._group = group
        self._proxies = Proxies.from_environment()
        self._clients: dict[Proxy | None, httpx.AsyncClient] = {}

    def follow(self, task: SandboxTask) -> anyio.Event:
        """Send the callbacks of `task` as it changes; the event says all are sent."""
        done = anyio.Event()
        behaviour = self._state.faults.take("callback") if task.callback_url else "none"
        if behaviour == "none":
            done.set()
        else:
            self._group.start_soon(self._follow, task.id, behaviour or "", done)
        return done

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def _follow(self, task_id: str, behaviour: str, done: anyio.Event) -> None:
        held: list[tuple[SandboxTask, float]] = []
        is_first = True
        async for task, moment in TaskChanges(
            self._state, task_id, is_late=behaviour == "late"
        ):
            if _has_no_callback(task, moment):
                continue
            if behaviour == "forged" and is_first:
                await self._send_forged(task)
            if behaviour == "shuffle":
                held.append((task, moment))
            else:
                repeats = REPEATS if behaviour == "repeat" else 1
                await self._send(task, moment, times=repeats)
            is_first = False
        # the final status first, then the earlier ones
        for task, moment in held[-1:] + held[:-1]:
            await self._send(task, moment)
        done.set()

    async def _send(self, task: SandboxTask, moment: float, *, times: int = 1) -> None:
        body = flat_shape(task, moment, self._state.links.task_url)
        raw = json.dumps(body).encode()
        message_id = str(self._state.ids.random.randrange(10**9, 10**10))
        headers = self._signature(message_id, raw)
        for _ in range(times):
            await self._post(task, task.phase_at(moment), raw, headers)

    async def _send_forged(self, task: SandboxTask) -> None:
        """Claim success, with a link to another host name: the sandbox's, to see it."""
        body = flat_shape(task, task.times.created_at, self._state.links.task_url)
        _, _, port = self._state.base_url.rpartition(":")
        url = f"http://localhost:{port}/forged/{task.id}.mp4"
        video = {"id": task.id, "url": url, "duration": "5.041"}
        if "task_id" in body:
            body |= {"task_status": "succeed", "task_result": {"videos": [video]}}
        else:
            body |= {"status": "succeeded", "outputs": [{"type": "video", **video}]}
        raw = json.dumps(body).encode()
        headers = self._signature("1", raw + b" ")  # of another body
        await self._post(task, "forged", raw, headers)

    async def _post(
        self, task: SandboxTask, status: str, raw: bytes, headers: dict[str, str]
    ) -> None:
        url = task.callback_url or ""
        answer, error = None, None
        try:
            with anyio.fail_after(ANSWER_TIMEOUT_S):
                answer = await self._ask(url, raw, headers)
        except Exception as exc:  # noqa: BLE001 -- whatever URL or server: it is recorded
            error = type(exc).__name__
        self._state.traffic.record_delivery(
            Delivery(
                url=url, status=str(status), task_id=task.id, answer=answer, error=error
            )
        )

    async def _ask(self, url: str, raw: bytes, headers: dict[str, str]) -> int:
        client = await self._client_for(url)
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        async with client.stream("POST", url, content=raw, headers=headers) as got:
            return got.status_code

    async def _client_for(self, url: str) -> httpx.AsyncClient:
        proxy = await self._proxies.choose(url)
        if proxy not in self._clients:
            self._clients[proxy] = httpx.AsyncClient(
                proxy=proxy.url if proxy else None,
                timeout=ANSWER_TIMEOUT_S,
                trust_env=False,
            )
        return self._clients[proxy]

    def _signature(self, message_id: str, raw: bytes) -> dict[str, str]:
        """Return the headers of Standard Webhooks; none when there is no secret."""
        from standardwebhooks import Webhook

        secrets = self._state.options.webhook_secrets
        if not secrets:
            return {}
        now = self._state.clock.real_now()
        signatures = (Webhook(s).sign(message_id, now, raw.decode()) for s in secrets)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _has_no_callback(task: SandboxTask, moment: float) -> bool:
    """Say whether no callback is sent for this change: some products send the last."""
    is_final = task.phase_at(moment).is_final
    return task.plan.route.create_path == FINAL_CALLBACK_ONLY and not is_final


class TaskChanges:
    """Yields a task and the moment of each of its status changes, when it is due.

    The task is read again each time: a control request may have changed its times. With
    `is_late`, each change is due later by as long as the task takes, at least 2 s.
    """

    def __init__(self, state: SandboxState, task_id: str, *, is_late: bool) -> None:
        self._state = state
        self._task_id = task_id
        self._is_late = is_late
        self._last_moment = -inf
        self._is_over = False

    def __aiter__(self) -> TaskChanges:
        return self

    async def __anext__(self) -> tuple[SandboxTask, float]:
        while not self._is_over:
            task = self._state.tasks[self._task_id]
            moment = min(
                (at for at in task.changes if at > self._last_moment), default=inf
            )
            due = self._due(task, moment)
            if due <= self._state.clock.now_s():
                self._last_moment = moment
                self._is_over = task.phase_at(moment).is_final
                return task, moment
            await self._state.clock.change_by(due)
        raise StopAsyncIteration

    def _due(self, task: SandboxTask, moment: float) -> float:
        if not self._is_late:
            return moment
        return moment + max(MIN_DELAY_S, task.times.ended_at - task.times.created_at)
