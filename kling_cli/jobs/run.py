"""What commands call: one function each for making, finishing, looking and fetching.

Each returns how every job ended; a failure is in its result. What fails before there
is a job is raised.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from kling_cli.api.paging import Listed
from kling_cli.api.task import TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, StillRunningError, StoppedError
from kling_cli.jobs.ask import NOWHERE
from kling_cli.jobs.destination import check_output
from kling_cli.jobs.entry import Entry
from kling_cli.jobs.events import Event, Finished, JobResult
from kling_cli.jobs.find import AGAIN
from kling_cli.jobs.finish import Finishing
from kling_cli.jobs.job import Job
from kling_cli.jobs.journal import Journal
from kling_cli.jobs.memory import with_memory
from kling_cli.jobs.naming import check_template
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.prepare import Order, Request, check_price, prepare
from kling_cli.jobs.remote import Remote, Wanted
from kling_cli.jobs.session import open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.products.model import CredentialKind
from kling_cli.settings import Settings

__all__ = [
    "Order",
    "RunOptions",
    "Wanted",
    "account_tasks",
    "fetch",
    "finish",
    "generate",
    "history",
    "kinds_of",
    "look",
    "new_external_id",
    "see_through",
]

_SANDBOX_HINT = (
    "this sandbox ends with the command; `kling sandbox` serves one that stays"
)

Tell = Callable[[Event], None]


def new_external_id() -> str:
    """Return an id that no account has seen; safe in URLs and file names."""
    return f"kling-{secrets.token_hex(10)}"


def kinds_of(settings: Settings) -> Collection[CredentialKind]:
    """Return what these settings can sign with.

    With nothing it is as if there were an API key: what is wrong with an order is said
    before `open_session` says that there is no login.
    """
    kinds = frozenset(CredentialKind(kind) for kind in settings.credential_kinds)
    return kinds or frozenset({CredentialKind.API_KEY})


async def generate(
    order: Order, options: RunOptions, *, settings: Settings, tell: Tell, clock: Clock
) -> JobResult:
    """Make one job and see it through.

    Raises:
        KlingError: it ended before it was written down; nothing was sent.
    """
    check_template(options.output or "")  # before files are read
    order = with_memory(order, settings)
    request = prepare(order, kinds_of(settings), new_id=new_external_id)
    check_price(request, options.max_units)
    return await see_through(
        request, options, settings=settings, tell=tell, clock=clock
    )


async def see_through(
    request: Request,
    options: RunOptions,
    *,
    settings: Settings,
    tell: Tell,
    clock: Clock,
) -> JobResult:
    """Send a request that has been checked, and see its job through.

    Raises:
        KlingError: it ended before it was written down; nothing was sent.
    """
    from kling_cli.jobs.generate import Generation  # with it comes the door

    check_output(options, settings.output_dir or Path(), _known(request))
    run = Generation(
        request=request, options=options, settings=settings, clock=clock, tell=tell
    )
    try:
        await until_signal(run.run)
    except KlingError as exc:
        if run.job is None:
            if isinstance(exc, StoppedError):
                raise _unsubmitted(exc) from exc
            raise
        run.job.fail(exc, clock.monotonic())
    assert run.job is not None  # noqa: S101 -- it was written down, or it raised
    return _ended(run.job, tell)


async def finish(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    tell: Tell,
    clock: Clock,
) -> list[JobResult]:
    """See tasks through as the generating command would have; by default all open.

    Raises:
        KlingError: nothing could be begun.
    """
    _check_own_output(options, settings)
    run = Finishing(
        names=names, options=options, settings=settings, clock=clock, tell=tell
    )
    return await _attach(run, run.wait)


async def look(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    tell: Tell,
    clock: Clock,
) -> list[JobResult]:
    """Ask once how tasks stand.

    Raises:
        KlingError: nothing could be begun.
    """
    run = Finishing(
        names=names, options=options, settings=settings, clock=clock, tell=tell
    )
    return await _attach(run, run.look)


async def fetch(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    tell: Tell,
    clock: Clock,
) -> list[JobResult]:
    """Save the files of finished tasks, again if need be.

    Raises:
        KlingError: nothing could be begun.
    """
    _check_own_output(options, settings)
    run = Finishing(
        names=names, options=options, settings=settings, clock=clock, tell=tell
    )
    return await _attach(run, run.fetch)


async def account_tasks(
    wanted: Wanted, *, settings: Settings, tell: Tell, clock: Clock
) -> tuple[Listed[Entry], Sequence[str]]:
    """Return the account's tasks, and what is to be said about those left out.

    Raises:
        KlingError: it could not be asked.
    """

    async def step() -> tuple[Listed[Entry], Sequence[str]]:
        async with open_session(settings, clock, tell) as session:
            remote = Remote(session=session, wanted=wanted)
            return await remote.tasks(), remote.notes

    return await until_signal(step)


def history(settings: Settings, *, limit: int) -> list[Entry]:
    """Return up to `limit` jobs of the journal, newest first.

    Raises:
        JournalError: it cannot be read.
    """
    with Journal.open(settings.state_dir) as journal:
        return journal.newest(limit)


def _known(request: Request) -> dict[str, str]:
    """Return the fields of a file's name that are known before the task is."""
    return {
        "external_id": request.external_id,
        "product": request.plan.product.name,
        "model": request.plan.model.id,
    }


def _check_own_output(options: RunOptions, settings: Settings) -> None:
    """Check an output given now; one of the journal is that of another command.

    Raises:
        UsageError: it could not be written.
    """
    if options.output:
        check_output(options, settings.output_dir or Path())


async def _attach(
    run: Finishing, step: Callable[[], Awaitable[None]]
) -> list[JobResult]:
    try:
        await until_signal(step)
    except KlingError as exc:
        if not run.jobs:
            raise
        for job in run.jobs:
            if job.ended_at is None:
                job.fail(exc, run.clock.monotonic())
    return [_ended(job, run.tell) for job in run.jobs]


def _ended(job: Job, tell: Tell) -> JobResult:
    """Return the result; tell it, unless its end has been told."""
    early = isinstance(job.error, StillRunningError | StoppedError)
    if job.error is not None and early and not job.is_lasting:
        job.error.hint = _SANDBOX_HINT
    elif isinstance(job.error, StoppedError):
        job.error = _with_way_back(job.error, job)
    result = job.result()
    if not job.is_told:
        job.is_told = True
        tell(Finished(result=result))
    return result


def _unsubmitted(stop: StoppedError) -> StoppedError:
    """Return the error of a run that was stopped before its job was written down."""
    message = f"{stop.message}; nothing was submitted"
    return StoppedError(message, exit_code=stop.exit_code, hint=AGAIN)


def _with_way_back(stop: StoppedError, job: Job) -> StoppedError:
    resume = job.result().resume
    if job.entry.is_unsubmitted:
        reason = f": {job.entry.message}" if job.entry.message else ""
        message = f"{stop.message}; job {job.entry.external_id} was not submitted"
        return StoppedError(message + reason, exit_code=stop.exit_code, hint=AGAIN)
    if resume is None:
        is_lost = job.entry.query_path == NOWHERE and job.task is None
        if is_lost:
            stop.hint = f"whether {job.entry.product} was charged is not known"
        return stop
    return StoppedError(
        f"{stop.message}; {_standing(job)}", exit_code=stop.exit_code, hint=resume
    )


def _standing(job: Job) -> str:
    """Say how a job stands that was left alone."""
    if job.task is None:
        return f"job {job.entry.external_id} may have been accepted"
    if job.task.status is TaskStatus.SUCCEEDED:
        return f"task {job.task.id} has succeeded and its result is ready"
    return f"task {job.task.id} goes on"
