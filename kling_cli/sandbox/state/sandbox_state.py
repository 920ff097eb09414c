"""The state of one sandbox: its account, its tasks, its faults, what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kling_cli.sandbox.faults import FaultBook, parse_fault
from kling_cli.sandbox.routes.authentication import Keys
from kling_cli.sandbox.state.account import PACK_AGE_S, Account, Call, Charged
from kling_cli.sandbox.state.ids import Ids
from kling_cli.sandbox.state.library import FILES
from kling_cli.sandbox.state.signed_links import Links
from kling_cli.sandbox.state.tasks import Phase
from kling_cli.sandbox.state.traffic_log import Ledger
from kling_cli.sandbox.state.virtual_clock import Timeline

if TYPE_CHECKING:
    from kling_cli.sandbox.media.library import Element
    from kling_cli.sandbox.media.outputs import Content
    from kling_cli.sandbox.options import SandboxOptions
    from kling_cli.sandbox.routes.sessions import VideoSession
    from kling_cli.sandbox.state.tasks import SandboxTask


class TaskBook:
    """Every task of the account, found by its id or by the caller's."""

    def __init__(self) -> None:
        self._tasks: dict[str, SandboxTask] = {}
        self._by_external_id: dict[str, str] = {}

    def __iter__(self) -> Iterator[SandboxTask]:
        """Yield the tasks, oldest first."""
        return iter(self._tasks.values())

    def put(self, task: SandboxTask) -> None:
        """Add a task, or replace the one of the same id."""
        self._tasks[task.id] = task
        if task.external_id is not None:
            self._by_external_id[task.external_id] = task.id

    def __getitem__(self, task_id: str) -> SandboxTask:
        return self._tasks[task_id]

    def get(self, task_id: str) -> SandboxTask | None:
        return self._tasks.get(task_id)

    def by_external_id(self, external_id: str) -> SandboxTask | None:
        return self._tasks.get(self._by_external_id.get(external_id, ""))


class World:
    """Everything the endpoints share.

    `shelf` has the files of what is no task, by the id of its owner; `sessions` what
    is known of the videos that were opened, `first_elements` those of the first
    generation, deleted ones too, `known_s` how long the sounds last that are
    no task's, by their ids.

    Raises:
        UsageError: a fault of the options is not of the grammar.
    """

    def __init__(self, options: SandboxOptions, *, base_url: str) -> None:
        ids = Ids(options.seed)
        self.options = options
        self.base_url = base_url
        self.ids = ids
        self.keys = Keys(
            api_key=options.api_key or ids.key("sandbox-"),
            access_key=options.access_key or ids.key("sandbox-access-"),
            secret_key=options.secret_key or ids.key("sandbox-secret-"),
        )
        self.links = Links(base_url, ids.key("links").encode())
        self.timeline = Timeline(options.clock)
        self.account = Account(
            units=options.units,
            slots=options.slots,
            bought_at=self.timeline.now_s() - options.has_past * PACK_AGE_S,
        )
        self.tasks = TaskBook()
        self.calls: list[Call] = []
        self.shelf: dict[str, Mapping[str, Content]] = {**FILES}
        self.first_elements: dict[str, Element] = {}
        self.known_s: dict[str, float] = {}
        self.sessions: dict[str, VideoSession] = {}
        self.ledger = Ledger(options.tell)
        self.faults = FaultBook(
            map(parse_fault, options.fail), chaos=options.chaos, random=ids.random
        )

    def content(self, owner_id: str, name: str) -> Content | None:
        """Return a file of a task that is done, or one of the shelf; None without."""
        task = self.tasks.get(owner_id)
        if task is None:
            return self.shelf.get(owner_id, {}).get(name)
        if task.phase_at(self.timeline.now_s()) is not Phase.SUCCEEDED:
            return None
        files = (each.files.get(name) for each in task.outputs)
        return next((file for file in files if file is not None), None)

    def charged(self) -> Iterator[Charged]:
        """Yield everything that the packs pay for, oldest first of each kind."""
        yield from self.tasks
        yield from self.calls

    def left(self, pack: str) -> float:
        """Return the units left in a pack now."""
        return self.account.remaining(pack, self.charged(), self.timeline.now_s())
