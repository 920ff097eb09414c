"""Whole runs in this process, against a sandbox on loopback in the same event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kling_cli.clock import Clock, SystemClock
from kling_cli.jobs import attach, generation
from kling_cli.jobs.events import JobResult
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.sandbox.faults import parse_fault
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import Sandbox, serve_sandbox
from kling_cli.sandbox.state.tasks import Phase, force_phase
from kling_cli.sandbox.state.traffic_log import Exchange
from kling_cli.settings import settings as settings_module
from kling_cli.settings.settings import Settings
from kling_cli.store.journal import Journal
from kling_cli.store.records import JobRecord, StoredCallback
from tests.jobs.factories import EventLog, a_record

API_KEY = "api-key-of-the-jobs-tests-271828"
ACCESS_KEY = "access-key-of-the-jobs-tests-1618"
SECRET_KEY = "secret-key-of-the-jobs-tests-3141592653589793"
QUICK_S = 0.25


@dataclass(slots=True)
class JobEnvironment:
    """An account, the folders of a machine, and the runs of commands."""

    sandbox: Sandbox
    folder: Path
    settings: Settings
    event_log: EventLog = field(default_factory=EventLog)
    clock: Clock = field(default_factory=SystemClock)
    on_request: Callable[[Exchange], None] = lambda _: None

    async def generate(self, order: Order | None = None, **options: Any) -> JobResult:
        return await generation.generate(
            order or an_order(), self._options(options),
            settings=self.settings, emit=self.event_log, clock=self.clock,
        )  # fmt: skip

    async def wait(self, *names: str, **options: Any) -> list[JobResult]:
        return await self._attached(names, {"command": "wait", **options}).wait()

    async def query(self, *names: str) -> list[JobResult]:
        return await self._attached(names, {"command": "status"}).query()

    async def download(self, *names: str, **options: Any) -> list[JobResult]:
        return await self._attached(
            names, {"command": "download", **options}
        ).download()

    def _attached(
        self, names: Sequence[str], options: dict[str, Any]
    ) -> attach.AttachedRun:
        return attach.AttachedRun(
            names=names, options=self._options(options),
            settings=self.settings, emit=self.event_log, clock=self.clock,
        )  # fmt: skip

    async def submit(self, **options: Any) -> JobResult:
        """Submit a job without waiting for it."""
        return await self.generate(is_waiting=False, **options)

    def _options(self, options: dict[str, Any]) -> RunOptions:
        return RunOptions(**{"command": "text2video", "timeout_s": 20.0, **options})

    def record(self, name: str) -> JobRecord:
        with Journal.open(self.settings.state_dir) as journal:
            found = journal.find_job(name)
        assert found is not None
        return found

    def leave(self, external_id: str = "mine", **columns: Any) -> None:
        """Add a job to the journal as a killed process has left it."""
        known = {"written_at": self.clock.now(), "api_base": self.settings.api_base}
        with Journal.open(self.settings.state_dir) as journal:
            journal.add_job(a_record(external_id, **{**known, **columns}))

    def forget(self) -> None:
        """Become another machine, with an empty journal."""
        state_dir = self.folder / "other-state"
        self.settings = replace(self.settings, state_dir=state_dir)

    def use_key_pair(self) -> None:
        self.settings = settings_of(self.sandbox, self.folder, is_pair=True)

    def fail(self, *faults: str) -> None:
        """Set the faults of the next requests."""
        self.sandbox.state.faults.replace(map(parse_fault, faults))

    def end(self, task_id: str) -> None:
        """End a task now, with success."""
        sandbox = self.sandbox.state
        task = sandbox.tasks[task_id]
        sandbox.tasks.put(force_phase(task, Phase.SUCCEEDED, "", sandbox.clock.now_s()))
        sandbox.clock.wake()

    def end_when_asked(self) -> None:
        """End every task at its first query."""

        def end(exchange: Exchange) -> None:
            if exchange.kind == "query":
                self.on_request = lambda _: None
                for task in list(self.sandbox.state.tasks):
                    self.end(task.id)

        self.on_request = end

    def store(self, callback: StoredCallback) -> None:
        """Store a callback as another process that shares the ingress would."""
        with Journal.open(self.settings.state_dir) as journal:
            journal.add_callback(callback)

    def change(self, external_id: str, **columns: Any) -> None:
        """Change a job in the journal."""
        with Journal.open(self.settings.state_dir) as journal:
            journal.update_job(external_id, **columns)

    def lose(self, path: str) -> None:
        """Delete a file that was saved."""
        Path(path).unlink()

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.sandbox.state.traffic.document()["counts"])

    @property
    def saved(self) -> set[str]:
        """The names in the output folder."""
        folder = self.folder / "out"
        return {path.name for path in folder.iterdir()} if folder.exists() else set()

    def request(self, kind: str) -> asyncio.Event:
        """Return the event of a request of `kind` from now on."""
        came = asyncio.Event()

        def listen(exchange: Exchange) -> None:
            if exchange.kind == kind:
                came.set()

        self.on_request = listen
        return came

    def stop_at(self, kind: str, number: signal.Signals) -> None:
        """Send this process a signal when a request of `kind` has come."""

        def stop(exchange: Exchange) -> None:
            if exchange.kind == kind:
                signal.raise_signal(number)

        self.on_request = stop


def an_order(external_id: str | None = None, **values: Any) -> Order:
    return Order(
        product="text2video",
        values={"prompt": "a paper boat", **values},
        external_id=external_id,
    )


def settings_of(sandbox: Sandbox, folder: Path, *, is_pair: bool = False) -> Settings:
    keys = {"KLING_API_KEY": API_KEY}
    if is_pair:
        keys = {"KLING_ACCESS_KEY": ACCESS_KEY, "KLING_SECRET_KEY": SECRET_KEY}
    return settings_module.read_settings(
        {
            **keys,
            "KLING_API_BASE": sandbox.base_url,
            "KLING_STATE_DIR": str(folder / "state"),
            "KLING_CONFIG_DIR": str(folder / "config"),
            "KLING_OUTPUT_DIR": str(folder / "out"),
        }
    )


@asynccontextmanager
async def job_environment(
    folder: Path, *faults: str, **options: Any
) -> AsyncIterator[JobEnvironment]:
    """Serve a sandbox with `faults`; a task takes a quarter of a second."""

    def emit(exchange: Exchange) -> None:
        env.on_request(exchange)

    chosen = SandboxOptions(
        **{"task_seconds": QUICK_S, "seed": 1, **options},
        fail=faults,
        api_key=API_KEY,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        on_request=emit,
    )
    async with serve_sandbox(chosen) as sandbox:
        env = JobEnvironment(sandbox, folder, settings_of(sandbox, folder))
        yield env
