"""`kling trigger`: mock callbacks, to your app."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kling_cli.cli.options import Talk
from kling_cli.cli.trigger_options import Mocking, Scenario
from kling_cli.errors import KlingError, StoppedError

if TYPE_CHECKING:
    from kling_cli.cli.output.trigger_lines import Report
    from kling_cli.listener.courier import Outcome
    from kling_cli.mock.conformance import Answered
    from kling_cli.mock.deliver import Series, Trial
    from kling_cli.mock.scenarios import Delivery


def trigger(*, scenario: Scenario = None, mocking: Mocking, talk: Talk) -> int:
    """Send mock callbacks, signed if KLING_WEBHOOK_SECRET is set.

    Ends with 0 when all answers are as they should be, 8 when not, 6 without any.

    kling trigger succeeded --print

    kling listen --no-token -- kling trigger lifecycle --assert 2xx,5s
    """
    from kling_cli.cli.output.trigger_lines import Report, show_commands
    from kling_cli.cli.trigger_values import commands, parse

    report = Report(talk, is_asserting=mocking.is_all or mocking.demands is not None)
    try:
        series = parse(scenario, mocking)
        if mocking.is_printed:
            made = [one for trial in series.trials for one in commands(trial, mocking)]
            show_commands(made, talk)
            return 0
    except KlingError as exc:  # in JSON, the keys are the same
        return report.conclude(exc)
    return _try(series, report)


def _try(series: Series, report: Report) -> int:
    """Send everything, judge what comes back, and say so."""
    import anyio

    from kling_cli.jobs.signals import until_signal
    from kling_cli.mock.conformance import NoHandlerError, verdict

    report.begin(series)
    for trial in series.trials:
        answers: dict[int, tuple[Delivery, Outcome]] = {}
        stop: KlingError | None = None
        try:
            anyio.run(until_signal, partial(_send, trial, report, answers))
        except StoppedError as exc:
            stop = exc
        report.add(trial.scenario, _judged(trial, answers, report.n_answers))
        is_out_of_reach = isinstance(verdict(report.judged), NoHandlerError)
        if stop is not None or is_out_of_reach:
            return report.conclude(stop or verdict(report.judged))
    return report.conclude(verdict(report.judged))


def _judged(
    trial: Trial, answers: dict[int, tuple[Delivery, Outcome]], n_before: int
) -> list[Answered]:
    from kling_cli.mock.conformance import judge

    numbered = {n_before + number: answer for number, answer in answers.items()}
    return judge(numbered, trial.demands, is_signed=bool(trial.stamp.secrets))


async def _send(
    trial: Trial, report: Report, answers: dict[int, tuple[Delivery, Outcome]]
) -> None:
    from kling_cli.mock.deliver import deliver

    def tell(number: int, one: Delivery, outcome: Outcome) -> None:
        answers[number] = (one, outcome)
        report.show(number, one, outcome)

    patience_s = trial.demands.patience_s
    await deliver(trial.sent, trial.target, trial.stamp, tell, timeout_s=patience_s)
