"""A sandbox served for one test, with its state and its controls."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from kling_cli.clock import SystemClock
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import Sandbox, serve_sandbox

API_KEY = "api-key-of-the-tests-2718281828"
ACCESS_KEY = "access-key-of-the-tests-1618"
SECRET_KEY = "secret-key-of-the-tests-3141592653589793"
QUICK_S = 0.6  # what a task takes unless a test says otherwise
PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.02

State = dict[str, Any]


class ServerClock(SystemClock):
    """The machine's clock, with a wall time that can be set ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


class SandboxServer:
    """A sandbox in a thread of its own, reached over HTTP."""

    def __init__(self, base_url: str, clock: ServerClock) -> None:
        self.base_url = base_url
        self.clock = clock

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    @property
    def env(self) -> dict[str, str]:
        """The environment of a client with an API key."""
        return {"KLING_API_BASE": self.base_url, "KLING_API_KEY": API_KEY}

    @property
    def pair_env(self) -> dict[str, str | None]:
        """The environment of a client with a key pair."""
        return {
            "KLING_API_BASE": self.base_url,
            "KLING_API_KEY": None,
            "KLING_ACCESS_KEY": ACCESS_KEY,
            "KLING_SECRET_KEY": SECRET_KEY,
        }

    def state(self) -> State:
        state: State = self._call("GET", "/_sandbox/state")
        return state

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return list(self.state()["tasks"])

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.state()["counts"])

    def requests(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.state()["requests"] if one["kind"] == kind]

    def faults(self, *specs: str) -> None:
        """Inject these faults into the next requests; none: remove all faults."""
        self._call("POST", "/_sandbox/faults", {"faults": list(specs)})

    def advance(self, seconds: float) -> None:
        """Advance the virtual clock of tasks and links."""
        self._call("POST", "/_sandbox/clock", {"advance_s": seconds})

    def end(self, task_id: str, status: str = "succeeded", message: str = "") -> None:
        """Put a task into `status` now."""
        ending = {"status": status, "message": message}
        self._call("POST", f"/_sandbox/tasks/{task_id}", ending)

    def wait_until(
        self, is_so: Callable[[State], bool], *, timeout_s: float = PATIENCE_S
    ) -> State:
        """Return the state as soon as `is_so` is true of it."""
        deadline = time.monotonic() + timeout_s
        while not is_so(state := self.state()):
            assert time.monotonic() < deadline, state
            time.sleep(_LOOK_EVERY_S)
        return state

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            raw = None if body is None else json.dumps(body).encode()
            line.request(method, path, raw, {"content-type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
        finally:
            line.close()
        assert answer.status == 200, text
        return json.loads(text or b"null")


@contextmanager
def run_sandbox_server(**options: Any) -> Iterator[SandboxServer]:
    """Serve a sandbox with these options of `SandboxOptions` until the block ends."""
    clock = ServerClock()
    chosen: dict[str, Any] = {"task_seconds": QUICK_S, "seed": 1, **options}
    all_options = SandboxOptions(
        api_key=API_KEY,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        clock=clock,
        **chosen,
    )
    thread = _Thread(all_options)
    thread.start()
    try:
        yield SandboxServer(thread.wait_ready().base_url, clock)
    finally:
        thread.stop()


class _Thread(threading.Thread):
    def __init__(self, options: SandboxOptions) -> None:
        super().__init__(name="sandbox")
        self._options = options
        self._is_settled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._box: Sandbox | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:  # noqa: BLE001 -- told to the thread that waits
            self._error = exc
        finally:
            self._is_settled.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with serve_sandbox(self._options) as sandbox:
            self._box = sandbox
            self._is_settled.set()
            await self._stopping.wait()

    def wait_ready(self) -> Sandbox:
        assert self._is_settled.wait(PATIENCE_S)
        assert self._box is not None, self._error
        return self._box

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self.join(PATIENCE_S)
        if self._error is not None:
            raise self._error
