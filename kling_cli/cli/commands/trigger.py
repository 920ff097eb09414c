"""`kling trigger`: sends mock callbacks to a handler and checks its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kling_cli import tunnels
from kling_cli.callbacks import check_secret, load_key
from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.cli.options.values import resolve_task_id
from kling_cli.cli.output.terminal.streams import read_input
from kling_cli.cli.runner import load_settings
from kling_cli.clock import SystemClock
from kling_cli.errors import KlingError, StoppedError, UsageError
from kling_cli.jobs.order import read_extra
from kling_cli.listener.forwarding.targets import DEFAULT_PATH, Target, parse_target
from kling_cli.listener.history.export import curl_command
from kling_cli.listener.history.replay import change_body
from kling_cli.listener.ingress.urls import load_token, standing_path
from kling_cli.mock.conformance import Expectations, parse_expectations
from kling_cli.mock.payloads import MockTask
from kling_cli.mock.scenarios import (
    ExpectedStatus,
    MockDelivery,
    build_scenario,
    custom_delivery,
    recovery_check,
    scenario_names,
)
from kling_cli.mock.sender import MockRun, MockRuns, MockSigner, delivery_batches
from kling_cli.settings import Settings

if TYPE_CHECKING:
    from kling_cli.cli.output.views.mock_results import MockReport
    from kling_cli.listener.forwarding.delivery import DeliveryOutcome
    from kling_cli.mock.conformance import CheckedDelivery
    from kling_cli.mock.scenarios import MockDelivery
    from kling_cli.mock.sender import MockRun, MockRuns

# Repeated here, as importing the scenarios loads their sender; a test compares.
SCENARIOS = (
    *("submitted", "processing", "succeeded", "failed", "failed-moderation"),
    *("image", "audio", "lifecycle"),
)
NASTY_SCENARIOS = (
    *("duplicate", "out-of-order", "late-processing", "slow", "oversize", "malformed"),
    *("deep-json", "bad-signature", "old-timestamp", "unknown-task", "burst"),
)

ScenarioArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SCENARIO]",
        autocompletion=completion.word_completer(*SCENARIOS, *NASTY_SCENARIOS),
        help=f"{', '.join(SCENARIOS)}; or nasty: {', '.join(NASTY_SCENARIOS)}.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MockOptions:
    """The mock callbacks, their target, and the expected answers."""

    is_all: Annotated[
        bool,
        typer.Option(
            "--all", help="Test a handler with every scenario, one after the other."
        ),
    ] = False
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL|PORT|/PATH",
            help="Where to send (default: the running kling listen, else port 8000).",
        ),
    ] = None
    task_id: Annotated[
        str,
        typer.Option(
            "--task-id", metavar="ID", help="Of which task; last is the newest."
        ),
    ] = "mock-task-1"
    product: Annotated[
        str, typer.Option("--product", metavar="NAME", help="What billing names.")
    ] = "video"
    generation: Annotated[
        str,
        typer.Option("--generation", metavar="new|legacy", help="Shape of the body."),
    ] = "new"
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Set a field, dotted. Repeatable."
        ),
    ] = None
    body: Annotated[
        str | None,
        typer.Option(
            "--body", metavar="FILE|-", help="Send this instead, byte for byte."
        ),
    ] = None
    is_printed: Annotated[
        bool, typer.Option("--print", help="Print curl commands, send nothing.")
    ] = False
    times: Annotated[
        int, typer.Option("--times", metavar="N", min=1, help="All of it N times.")
    ] = 1
    expectations: Annotated[
        str | None,
        typer.Option(
            "--assert",
            metavar="2xx,5s,idempotent",
            help="Test a handler, with PASS or FAIL for each: 2xx (what is invalid: "
            "4xx, and valid callbacks afterwards: 2xx) or a status such as 401; a "
            "time; idempotent (each is sent twice and answered alike).",
        ),
    ] = None


_GENERATIONS: Final = ("new", "legacy")


def parse_mock_runs(name: str | None, mock_options: MockOptions) -> MockRuns:
    """Return the mock runs that the options describe.

    With `--all` every scenario is a task of its own, and the default expectations
    apply where none was given.

    Raises:
        UsageError: an option is invalid.
    """
    settings = load_settings({})
    signer = _load_signer(settings)
    own_id = str(resolve_task_id(mock_options.task_id))
    if not mock_options.is_all:
        expectations = parse_expectations(mock_options.expectations)
        mock_run = _make_run(name, own_id, mock_options, expectations, signer, settings)
        return MockRuns(runs=(mock_run,), expectations=expectations)
    if name is not None or mock_options.body is not None:
        raise UsageError(
            "--all sends every scenario, so name none", hint="kling trigger --all"
        )
    expectations = parse_expectations(
        mock_options.expectations or ExpectedStatus.ACCEPTED.value
    )
    runs, skipped = [], []
    for each in scenario_names():
        task_id = f"{own_id}-{each}"
        try:
            runs.append(
                _make_run(each, task_id, mock_options, expectations, signer, settings)
            )
        except SecretRequiredError:
            skipped.append(each)
    return MockRuns(runs=runs, expectations=expectations, skipped=skipped, is_all=True)


def _make_run(  # noqa: PLR0913, PLR0917 -- what all runs share, and two more
    name: str | None,
    task_id: str,
    mock_options: MockOptions,
    expectations: Expectations,
    signer: MockSigner,
    settings: Settings,
) -> MockRun:
    mock = MockTask(
        task_id=task_id,
        created_at=signer.clock.now(),
        is_legacy=mock_options.generation == _GENERATIONS[1],
        product=mock_options.product,
    )
    deliveries = _make_deliveries(name, mock_options, mock)
    _require_secret(deliveries, expectations, is_signed=bool(signer.secrets))
    batches = delivery_batches(
        deliveries, is_doubled=expectations.is_idempotent, times=mock_options.times
    )
    if expectations.is_strict and _needs_reachability_check(deliveries, signer):
        batches.append((recovery_check(mock),))
    return MockRun(
        scenario=name,
        batches=batches,
        target=_find_target(mock_options.to, settings),
        signer=signer,
        expectations=expectations,
    )


class SecretRequiredError(UsageError):
    """A signature can be made or judged only with the handler's secret."""


def curl_commands(mock_run: MockRun, mock_options: MockOptions) -> list[str]:
    """Return the equivalent curl commands; a listener's token is masked."""
    url = (mock_run.target if mock_options.to else parse_target(DEFAULT_PATH)).url
    return [
        curl_command(url, mock_run.signer.headers(one), one.raw)
        for batch in mock_run.batches
        for one in batch
    ]


def _load_signer(settings: Settings) -> MockSigner:
    settings.require("webhook_secret")
    for secret in settings.webhook_secrets:
        check_secret(secret)
    return MockSigner(
        key=load_key(settings.state_dir),
        secrets=settings.webhook_secrets,
        clock=SystemClock(),
    )


def _make_deliveries(
    name: str | None, mock_options: MockOptions, mock: MockTask
) -> tuple[MockDelivery, ...]:
    if mock_options.generation not in _GENERATIONS:
        raise UsageError(f"--generation is {' or '.join(_GENERATIONS)}")
    if (name is None) == (mock_options.body is None):
        raise UsageError(
            "say which scenario, or --body FILE", hint="kling trigger succeeded"
        )
    changes = read_extra(mock_options.changes or ())
    if mock_options.body is None:
        return build_scenario(name or "", mock, changes)
    raw = _read_body(mock_options.body)
    if changes:
        raw = change_body(raw, changes, subject="the --body", hint="leave out --set")
    return custom_delivery(raw, mock)


def _read_body(name: str) -> bytes:
    if name == "-":
        return read_input()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"--body {name}: {exc.strerror}") from exc


def _require_secret(
    deliveries: Sequence[MockDelivery], expectations: Expectations, *, is_signed: bool
) -> None:
    """Refuse to send, or to judge, signatures that cannot be made.

    An expired signature needs the handler's own secret. A forged one can be sent
    without it, but not whether a valid one would be accepted.
    """
    is_judged = expectations.is_strict and not expectations.statuses
    for one in deliveries:
        if not is_signed and (one.signature_age or (one.is_forged and is_judged)):
            raise SecretRequiredError(
                f"{one.name} needs the secret that your handler checks with",
                hint="set KLING_WEBHOOK_SECRET to it: whsec_…",
            )


def _needs_reachability_check(
    deliveries: Sequence[MockDelivery], signer: MockSigner
) -> bool:
    """Return whether a valid callback should follow, to test the handler afterwards.

    A handler that checks signatures would refuse it if it cannot be signed.
    """
    return any(
        one.is_invalid and (signer.secrets or not one.is_forged) for one in deliveries
    )


def _find_target(to: str | None, settings: Settings) -> Target:
    if to is not None:
        return parse_target(to)
    for name in (tunnels.PUBLIC, tunnels.LOCAL):
        tunnel = tunnels.find_shared_tunnel(settings.state_dir, name)
        if tunnel is not None and tunnel.is_standing:
            path = standing_path(load_token(settings.state_dir))
            return parse_target(f"{tunnel.local_url}{path}")
    return parse_target(DEFAULT_PATH)


def trigger(
    *,
    scenario: ScenarioArgument = None,
    mock_options: MockOptions,
    output_options: OutputOptions,
) -> int:
    """Send mock callbacks, signed if KLING_WEBHOOK_SECRET is set.

    Ends with 0 when all answers are as they should be, 8 when not, 6 without any.

    kling trigger succeeded --print

    kling listen --no-token -- kling trigger lifecycle --assert 2xx,5s
    """
    from kling_cli.cli.output.views.mock_results import MockReport, print_commands

    report = MockReport(
        output_options,
        is_asserting=mock_options.is_all or mock_options.expectations is not None,
    )
    try:
        mock_runs = parse_mock_runs(scenario, mock_options)
        if mock_options.is_printed:
            deliveries = [
                one
                for mock_run in mock_runs.runs
                for one in curl_commands(mock_run, mock_options)
            ]
            print_commands(deliveries, output_options)
            return 0
    except KlingError as exc:  # in JSON, the keys are the same
        return report.conclude(exc)
    return _run_all(mock_runs, report)


def _run_all(mock_runs: MockRuns, report: MockReport) -> int:
    """Send everything, check the answers and print the report."""
    import anyio

    from kling_cli.jobs.signals import until_signal
    from kling_cli.mock.conformance import HandlerUnreachableError, conformance_error

    report.begin(mock_runs)
    for mock_run in mock_runs.runs:
        answers: dict[int, tuple[MockDelivery, DeliveryOutcome]] = {}
        stop: KlingError | None = None
        try:
            anyio.run(until_signal, partial(_send, mock_run, report, answers))
        except StoppedError as exc:
            stop = exc
        report.add(
            mock_run.scenario, _judge_answers(mock_run, answers, report.n_answers)
        )
        is_out_of_reach = isinstance(
            conformance_error(report.checked), HandlerUnreachableError
        )
        if stop is not None or is_out_of_reach:
            return report.conclude(stop or conformance_error(report.checked))
    return report.conclude(conformance_error(report.checked))


def _judge_answers(
    mock_run: MockRun,
    answers: dict[int, tuple[MockDelivery, DeliveryOutcome]],
    n_before: int,
) -> list[CheckedDelivery]:
    from kling_cli.mock.conformance import check_deliveries

    numbered = {n_before + number: answer for number, answer in answers.items()}
    return check_deliveries(
        numbered, mock_run.expectations, is_signed=bool(mock_run.signer.secrets)
    )


async def _send(
    mock_run: MockRun,
    report: MockReport,
    answers: dict[int, tuple[MockDelivery, DeliveryOutcome]],
) -> None:
    from kling_cli.mock.sender import send_batches

    def report_answer(number: int, one: MockDelivery, outcome: DeliveryOutcome) -> None:
        answers[number] = (one, outcome)
        report.show(number, one, outcome)

    timeout_s = mock_run.expectations.response_timeout_s
    await send_batches(
        mock_run.batches,
        mock_run.target,
        mock_run.signer,
        report_answer,
        timeout_s=timeout_s,
    )
