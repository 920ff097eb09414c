"""Everything behind the listener's door: who keeps, shows, checks and asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from anyio.abc import TaskGroup

from kling_cli.api.task import Task
from kling_cli.callbacks.door import Door, capability_door
from kling_cli.callbacks.keyfile import load_key
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.receiver import Receiver
from kling_cli.clock import Clock
from kling_cli.errors import KlingError
from kling_cli.listener.account import Account, open_account
from kling_cli.listener.broker import Broker
from kling_cli.listener.controls import Controls
from kling_cli.listener.doors import bare_door, mock_marks, reply, standing_door
from kling_cli.listener.endings import Endings
from kling_cli.listener.keeper import CountingKeeper, Keeper, open_keeper
from kling_cli.listener.known import Known
from kling_cli.listener.lines import Line
from kling_cli.listener.options import ListenOptions
from kling_cli.listener.passing import open_forwards
from kling_cli.listener.probe import Probe
from kling_cli.listener.reconcile import Reconciler, watch_sleep
from kling_cli.listener.rejections import Rejections
from kling_cli.listener.verify import Verifier
from kling_cli.settings.settings import Settings
from kling_cli.store.entry import Entry
from kling_cli.store.journal import KeptCallback

DRAIN_S: Final = 12.0  # for forwards under way when the listening ends
TICK_S: Final = 0.5  # between looks at what was turned away


def _no_way(_: object) -> None:
    """Check nothing: there is no way in but our own machine."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """Works on what comes in; `receiver` is the app of the listener on this machine.

    `public_receiver` is what a tunnel leads to: another one where the local listener
    also takes callbacks without a token, so that no header decides who may do so.
    `check_way` is told, with the reason, when the way in may be gone without a word.
    """

    account: Account
    keeper: Keeper
    known: Known
    controls: Controls
    clock: Clock
    limits: Limits
    probe: Probe
    check_way: Callable[[str], None] = field(init=False, default=_no_way)
    rejections: Rejections = field(init=False)
    endings: Endings = field(init=False)
    broker: Broker = field(init=False)
    reconciler: Reconciler = field(init=False)
    verifier: Verifier | None = field(init=False)
    receiver: Receiver = field(init=False)
    public_receiver: Receiver = field(init=False)

    def start(self, group: TaskGroup) -> None:
        """Begin to work, in `group`."""
        group.start_soon(self.broker.run)
        group.start_soon(self.reconciler.run)
        group.start_soon(watch_sleep, self.clock, self._woken)
        group.start_soon(self._tick)
        if self.verifier is not None:
            group.start_soon(self.verifier.run)

    async def finish(self) -> None:
        """Work on what has come so far, to the end."""
        self.hand_over_rest()
        if self.controls.forwards is not None:
            await self.controls.forwards.drain(DRAIN_S)

    def hand_over_rest(self) -> None:
        """Work on what has come so far, without waiting for anybody.

        What the forwarder cannot see through any more, it records as not delivered.
        """
        self.broker.work()
        self.controls.resume()

    def tell_rest(self) -> None:
        """Tell what nobody has been told yet, once everything is closed."""
        self.controls.forwards = None
        self.broker.work()
        self.rejections.flush()

    def learn(self, task: Task) -> None:
        """Take an answer of the API."""
        self.account.learn(task)
        self.broker.confirm(task)

    def open_entries(self) -> Sequence[Entry]:
        """Return what to ask for after an outage: the journal's, and what was heard."""
        entries = {entry.task_id: entry for entry in self.account.unfinished()}
        for task_id in self.known.open_ids():
            entry = self.account.entry_of(task_id)
            if entry is not None:
                entries.setdefault(task_id, entry)
        return list(entries.values())

    async def stand_in(self, kept: KeptCallback) -> int | None:
        """Keep and pass on a callback that was made up; return its number."""
        try:
            number = await self.keeper.keep(kept)
        except KlingError:
            number = 0
        self.broker.stand_in(replace(kept, id=number))
        return number or None

    @property
    def n_unknown(self) -> int:
        """How many requests found no door, our own looks at the tunnel left out."""
        receivers = {id(one): one for one in (self.receiver, self.public_receiver)}
        n_unknown = sum(one.counts.unknown for one in receivers.values())
        return n_unknown - self.probe.n_heard

    @property
    def counts(self) -> Counter[str]:
        """How many callbacks and refusals of each kind there were."""
        refusals = {"rejected": self.rejections.total, "unknown": self.n_unknown}
        return self.broker.counts + Counter(refusals)

    def _woken(self, reason: str) -> None:
        self.reconciler.ask_soon(reason)
        self.check_way(reason)

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK_S)
            self.rejections.tick()
            self.endings.tick()


@asynccontextmanager
async def open_desk(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[Line], None],
    finish: Callable[[str], None],
) -> AsyncIterator[Desk]:
    """Open journal, keeper and forwarder, and put the desk together.

    Raises:
        UsageError: the state folder, or a secret, cannot be used.
    """
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(open_account(settings, clock, tell))
        keeper: Keeper = CountingKeeper()
        if options.is_keeping:
            keeper = await stack.enter_async_context(open_keeper(settings.state_dir))
        forwards = await stack.enter_async_context(
            open_forwards(options, settings=settings, clock=clock, tell=tell)
        )
        desk = Desk(
            account=account,
            keeper=keeper,
            known=Known(account.find),
            controls=Controls(callback_url="", forwards=forwards, stop=finish),
            clock=clock,
            probe=Probe(clock),
            limits=replace(Limits(), answer_s=Limits().answer_s + options.delay_s),
        )
        furnish(desk, options, tell)
        yield desk


def furnish(desk: Desk, options: ListenOptions, tell: Callable[[Line], None]) -> None:
    """Put in their places those who work at the desk."""
    asker = desk.account.asker
    desk.endings = Endings(
        options.until,
        options.wanted.task_ids,
        clock=desk.clock,
        finish=desk.controls.stop,
    )
    desk.rejections = Rejections(tell, clock=desk.clock, unknown=lambda: desk.n_unknown)
    desk.verifier = None
    if asker is not None:
        desk.verifier = Verifier(
            asker, desk.account.entry_of, clock=desk.clock, tell=tell, learn=desk.learn
        )
    desk.reconciler = Reconciler(
        asker,
        desk.known,
        clock=desk.clock,
        tell=tell,
        open_entries=desk.open_entries,
        stand_in=desk.stand_in,
        learn=desk.learn,
    )
    desk.broker = _broker(desk, options, tell)


def _broker(desk: Desk, options: ListenOptions, tell: Callable[[Line], None]) -> Broker:
    return Broker(
        desk.keeper,
        desk.known,
        desk.controls,
        tell=tell,
        endings=desk.endings,
        rejections=desk.rejections,
        wanted=options.wanted,
        verifier=desk.verifier,
    )


def make_receivers(desk: Desk, options: ListenOptions, token: str) -> None:
    """Make the app of the listener, and the one that a tunnel leads to.

    Raises:
        UsageError: a webhook secret is none.
    """
    settings = desk.account.settings
    settings.require("webhook_secret")
    key = load_key(settings.state_dir)
    doors: list[Door] = [desk.probe.door, standing_door(token)]
    if options.is_keeping:  # others read their callbacks in the journal
        doors.append(capability_door(key))
    make = partial(
        Receiver,
        keep=desk.broker.keep,
        tell=desk.broker.hear,
        clock=desk.clock,
        secrets=settings.webhook_secrets,
        limits=desk.limits,
        mark=mock_marks(key),
        reply=reply(options.status),
        delay_s=options.delay_s,
    )
    desk.public_receiver = desk.receiver = make(doors)
    if options.is_tokenless:
        desk.receiver = make([*doors, bare_door()])
