"""Taking one step for a command, and saying what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.cli.options import Account, Fetching, Talk, settings_options
from kling_cli.cli.outcome import say
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.streams import write_result
from kling_cli.errors import ExitCode, KlingError

if TYPE_CHECKING:
    from kling_cli.cli.runner import Surroundings
    from kling_cli.jobs.selection import StepResult

GROUP = "multi-elements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A step as it was typed; `shown` yields what goes to stdout, `told` to stderr."""

    name: str
    step: str
    values: dict[str, Any]
    talk: Talk
    account: Account
    fetching: Fetching | None = None
    told: Callable[[StepResult], Iterator[str]] = lambda _: iter(())
    shown: Callable[[StepResult], Iterator[str]] = lambda _: iter(())

    @property
    def command(self) -> str:
        return f"{GROUP} {self.name}"


def take(wanted: Wanted) -> int:
    """Take the step, say what came of it, and return the exit code."""
    result = _result(wanted)
    if isinstance(result, KlingError):
        if wanted.talk.is_json:
            _print_document(wanted, None, result)
        _say_error(wanted, result)
        return int(result.exit_code)
    if wanted.talk.is_json:
        _print_document(wanted, result, None)
    else:
        for line in wanted.shown(result):
            write_result(line)
    for line in wanted.told(result) if not wanted.talk.is_quiet else ():
        say(one_line(line), is_colorless=wanted.talk.is_colorless)
    return int(ExitCode.DONE)


def _result(wanted: Wanted) -> StepResult | KlingError:
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.options import RunOptions
    from kling_cli.jobs.prepare import Order
    from kling_cli.jobs.selection import Step

    fetching = wanted.fetching
    options = RunOptions(
        command=GROUP,
        is_downloading=fetching is not None and not fetching.is_link_only,
        output=fetching.output if fetching else None,
        is_forced=bool(fetching and fetching.is_forced),
    )
    order = Order(product=wanted.step, values=wanted.values)

    async def work(around: Surroundings) -> StepResult | KlingError:
        try:
            return await Step(options=options, **around.as_keywords).take(order)
        except KlingError as exc:
            return exc

    settings = load_settings(settings_options(wanted.account))
    return run(work, settings=settings, talk=wanted.talk, is_brief=True)


def _say_error(wanted: Wanted, error: KlingError) -> None:
    from kling_cli.cli.report.plain import error_lines

    for line in error_lines(error):
        say(line, is_colorless=wanted.talk.is_colorless)


def _print_document(
    wanted: Wanted, result: StepResult | None, error: KlingError | None
) -> None:
    from kling_cli.cli.report import document

    session_id = wanted.values.get("session")
    write_result(
        document.dumps(document.of_step(wanted.command, session_id, result, error))
    )
