"""Tells the doors named by `callback_url` of each change of a task.

One attempt a change, in order, each waiting for the answer to the one before it; what
the real service does about failures is not documented (API reference, section 4.6).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import httpx

from kling_cli.proxies import Proxies, Proxy
from kling_cli.sandbox.callback_changes import Changes
from kling_cli.sandbox.routes.wire import TELLS_ITS_END_ONLY, flat_shape
from kling_cli.sandbox.state.traffic_log import Delivery

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from kling_cli.sandbox.state.sandbox_state import World
    from kling_cli.sandbox.state.tasks import SandboxTask

ANSWER_TIMEOUT_S = 5.0
REPEATS = 3


class Caller:
    """Sends the callbacks of one sandbox, a background job for each task."""

    def __init__(self, world: World, group: TaskGroup) -> None:
        self._world = world
        self._group = group
        self._proxies = Proxies.from_environment()
        self._clients: dict[Proxy | None, httpx.AsyncClient] = {}

    def follow(self, task: SandboxTask) -> anyio.Event:
        """Send the callbacks of `task` as it changes; the event says all are sent."""
        done = anyio.Event()
        habit = self._world.faults.take("callback") if task.callback_url else "none"
        if habit == "none":
            done.set()
        else:
            self._group.start_soon(self._follow, task.id, habit or "", done)
        return done

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def _follow(self, task_id: str, habit: str, done: anyio.Event) -> None:
        held: list[tuple[SandboxTask, float]] = []
        is_first = True
        async for task, moment in Changes(
            self._world, task_id, is_late=habit == "late"
        ):
            if _is_silent(task, moment):
                continue
            if habit == "forged" and is_first:
                await self._send_forged(task)
            if habit == "shuffle":
                held.append((task, moment))
            else:
                repeats = REPEATS if habit == "repeat" else 1
                await self._send(task, moment, times=repeats)
            is_first = False
        # the end is told first, and the beginning as if it were news
        for task, moment in held[-1:] + held[:-1]:
            await self._send(task, moment)
        done.set()

    async def _send(self, task: SandboxTask, moment: float, *, times: int = 1) -> None:
        body = flat_shape(task, moment, self._world.links.make)
        raw = json.dumps(body).encode()
        message_id = str(self._world.ids.random.randrange(10**9, 10**10))
        headers = self._signature(message_id, raw)
        for _ in range(times):
            await self._post(task, task.phase_at(moment), raw, headers)

    async def _send_forged(self, task: SandboxTask) -> None:
        """Claim success, with a link to another host name: the sandbox's, to see it."""
        body = flat_shape(task, task.times.created_at, self._world.links.make)
        _, _, port = self._world.base_url.rpartition(":")
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
        except Exception as exc:  # noqa: BLE001 -- whatever URL or door: it is noted
            error = type(exc).__name__
        self._world.ledger.note_delivery(
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

        secrets = self._world.options.webhook_secrets
        if not secrets:
            return {}
        now = self._world.timeline.real_now()
        signatures = (Webhook(s).sign(message_id, now, raw.decode()) for s in secrets)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _is_silent(task: SandboxTask, moment: float) -> bool:
    """Say whether nobody is told of this change: not every product tells them all."""
    is_final = task.phase_at(moment).is_final
    return task.plan.route.create_path == TELLS_ITS_END_ONLY and not is_final
