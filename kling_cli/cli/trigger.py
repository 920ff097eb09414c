"""`kling trigger`: mock callbacks, to your app."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kling_cli.cli.options import Talk
from kling_cli.cli.trigger_options import Mocking, Scenario
from kling_cli.errors import KlingError, StoppedError

if TYPE_CHECKING:
    from kling_cli.cli.trigger_values import Trial
    from kling_cli.listen.courier import Outcome
    from kling_cli.listen.deliver import Tell
    from kling_cli.listen.mock.scenarios import Delivery


def trigger(*, scenario: Scenario = None, mocking: Mocking, talk: Talk) -> int:
    """Send mock callbacks, signed if KLING_WEBHOOK_SECRET is set.

    Ends with 0 when all answers are as they should be, 8 when not, 6 without any.

    kling trigger succeeded --print

    kling listen --no-token -- kling trigger lifecycle --assert 2xx,5s
    """
    from kling_cli.cli.report.trigger_lines import conclude, show_commands
    from kling_cli.cli.trigger_values import commands, parse

    try:
        trial = parse(scenario, mocking)
        if mocking.is_printed:
            show_commands(commands(trial, mocking.to), talk)
            return 0
        return _try(trial, talk)
    except KlingError as exc:  # in JSON, the keys are the same
        return conclude([], talk, error=exc)


def _try(trial: Trial, talk: Talk) -> int:
    """Send everything, judge what came back, and say so."""
    import anyio

    from kling_cli.cli.report.trigger_lines import conclude, show
    from kling_cli.jobs.signals import until_signal
    from kling_cli.listen.conformance import judge, verdict

    answers: dict[int, tuple[Delivery, Outcome]] = {}
    stop: KlingError | None = None

    def tell(number: int, one: Delivery, outcome: Outcome) -> None:
        answers[number] = (one, outcome)
        show(number, one, outcome, talk)

    try:
        anyio.run(until_signal, partial(_send, trial, tell))
    except StoppedError as exc:
        stop = exc
    judged = judge(answers, trial.demands, is_signed=bool(trial.stamp.secrets))
    return conclude(judged, talk, error=stop or verdict(judged))


async def _send(trial: Trial, tell: Tell) -> None:
    from kling_cli.listen.deliver import deliver

    patience_s = trial.demands.patience_s
    await deliver(trial.sent, trial.target, trial.stamp, tell, timeout_s=patience_s)
