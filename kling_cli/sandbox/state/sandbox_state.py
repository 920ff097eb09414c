"""The state of one sandbox: account, tasks, sessions, files, faults, traffic."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from kling_cli.sandbox.faults import FaultQueue, parse_fault
from kling_cli.sandbox.state.account import PACK_AGE_S, Account, Charged, ChargedCall
from kling_cli.sandbox.state.library import FILES
from kling_cli.sandbox.state.signed_links import SignedLinks
from kling_cli.sandbox.state.tasks import Phase, TaskRepository
from kling_cli.sandbox.state.traffic_log import TrafficLog
from kling_cli.sandbox.state.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kling_cli.sandbox.media.outputs import Content, Element
    from kling_cli.sandbox.media.video import Clip
    from kling_cli.sandbox.options import SandboxOptions


class IdGenerator:
    """Generates ids in the forms the API uses. Source: API reference, section 1.5."""

    def __init__(self, seed: int | None) -> None:
        # keys of a simulator on loopback: repeatable where a seed asks for it
        self.random: Random = SystemRandom() if seed is None else Random(seed)  # noqa: S311 -- a test's wish

    def task_id(self, first_digit: str) -> str:
        """Return 18 decimal digits, of which the first is given."""
        return first_digit + f"{self.random.randrange(10**17):017d}"

    def request_id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def key(self, prefix: str) -> str:
        """Return a made-up credential of 40 hexadecimal digits after `prefix`."""
        return f"{prefix}{self.random.getrandbits(160):040x}"


Point = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class VideoSession:
    """A session with a video: its clip if it `is_own`, the sandbox's, else a guess.

    `faces` is how many were looked for and found, `marks` the points by frame.
    """

    opened_at: float
    clip: Clip
    is_own: bool = False
    is_opened: bool = True
    video_id: str | None = None
    faces: int = 0
    marks: dict[int, set[Point]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKeys:
    """The credentials of the sandbox's one account."""

    api_key: str
    access_key: str
    secret_key: str


class SandboxState:
    """Everything that the endpoints share.

    `files` are those of what is no task, by the id of its owner; `sessions` what
    is known of the videos that were opened, `first_elements` those of the first
    generation, deleted ones too, `known_s` how long the sounds last that are
    no task's, by their ids.

    Raises:
        UsageError: a fault of the options is not of the grammar.
    """

    def __init__(self, options: SandboxOptions, *, base_url: str) -> None:
        ids = IdGenerator(options.seed)
        self.options = options
        self.base_url = base_url
        self.ids = ids
        self.keys = AccountKeys(
            api_key=options.api_key or ids.key("sandbox-"),
            access_key=options.access_key or ids.key("sandbox-access-"),
            secret_key=options.secret_key or ids.key("sandbox-secret-"),
        )
        self.links = SignedLinks(base_url, ids.key("links").encode())
        self.clock = VirtualClock(options.clock)
        self.account = Account(
            units=options.units,
            slots=options.slots,
            bought_at=self.clock.now_s() - options.has_seed_data * PACK_AGE_S,
        )
        self.tasks = TaskRepository()
        self.calls: list[ChargedCall] = []
        self.files: dict[str, Mapping[str, Content]] = {**FILES}
        self.first_elements: dict[str, Element] = {}
        self.audio_s: dict[str, float] = {}
        self.sessions: dict[str, VideoSession] = {}
        self.traffic = TrafficLog(options.on_request)
        self.faults = FaultQueue(
            map(parse_fault, options.fail), chaos=options.chaos, random=ids.random
        )

    def content(self, owner_id: str, name: str) -> Content | None:
        """Return a file of a task that is done, or one of `files`; None without."""
        task = self.tasks.get(owner_id)
        if task is None:
            return self.files.get(owner_id, {}).get(name)
        if task.phase_at(self.clock.now_s()) is not Phase.SUCCEEDED:
            return None
        files = (each.files.get(name) for each in task.outputs)
        return next((file for file in files if file is not None), None)

    def charged(self) -> Iterator[Charged]:
        """Yield everything that the packs pay for, oldest first of each kind."""
        yield from self.tasks
        yield from self.calls

    def left(self, pack: str) -> float:
        """Return the units left in a pack now."""
        return self.account.remaining(pack, self.charged(), self.clock.now_s())
