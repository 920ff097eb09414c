"""The commands of session steps, made from the catalogue like those of products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from kling_cli import catalogue
from kling_cli.cli.commands.generate import command_help
from kling_cli.cli.options import product_fields
from kling_cli.cli.options.declaration import declare_command, with_signature
from kling_cli.cli.options.shared import (
    AccountOptions,
    DownloadOptions,
    OutputOptions,
    settings_options,
)
from kling_cli.cli.options.values import read_option_values
from kling_cli.cli.output.terminal.streams import print_message, write_result
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import ExitCode, KlingError

if TYPE_CHECKING:
    from kling_cli.catalogue import Product, StepSpec
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.calls.session_step import StepResult
    from kling_cli.jobs.job import RunOptions
    from kling_cli.jobs.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInvocation:
    """A step and its typed values; `command` is its name in `--json`."""

    step: Product
    facts: StepSpec
    command: str
    values: Mapping[str, Any]
    output_options: OutputOptions
    account_options: AccountOptions
    download_options: DownloadOptions | None


def make_command(name: str, *, called: str) -> Any:
    """Return the command of the step `name`, shown as `called` in its group."""
    step = catalogue.load_step(name)
    group = next(each.group for each in catalogue.step_summaries() if each.name == name)
    facts = step.step
    assert facts is not None  # noqa: S101 -- a test checks the catalogue for it
    groups: dict[str, Any] = {
        "output_options": OutputOptions,
        "account_options": AccountOptions,
    }
    groups |= {"download_options": DownloadOptions} if facts.is_saved else {}

    def run(**given: Any) -> int:
        group_options = {each: given.pop(each) for each in groups}
        invocation = StepInvocation(
            step=step,
            facts=facts,
            command=f"{group} {called}",
            values=read_option_values(step, given),
            **{"download_options": None, **group_options},
        )
        return _run_step(invocation)

    shared = [
        Parameter(each, Parameter.KEYWORD_ONLY, annotation=options)
        for each, options in groups.items()
    ]
    with_signature(
        run,
        [
            *product_fields.positional_parameters(step),
            *product_fields.option_parameters(step),
            *shared,
        ],
    )
    return declare_command(run, name=called, help_text=command_help(step))


def _run_step(invocation: StepInvocation) -> int:
    """Run the step, print its result, and return the exit code."""
    from kling_cli.cli.output import json_document

    result = _execute_step(invocation)
    error = result if isinstance(result, KlingError) else None
    taken = None if isinstance(result, KlingError) else result
    if invocation.output_options.is_json:
        named = invocation.values.get("session")
        shown = json_document.session_step_document(
            invocation.command, named, taken, error
        )
        json_document.print_document(shown)
    elif taken is not None:
        for line in _result_lines(invocation, taken):
            write_result(line)
    for line in _message_lines(invocation, result):
        print_message(line, is_colorless=invocation.output_options.is_colorless)
    return int(error.exit_code if error else ExitCode.DONE)


def _execute_step(invocation: StepInvocation) -> StepResult | KlingError:
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.calls.session_step import StepRun
    from kling_cli.jobs.order import Order

    options = _step_run_options(invocation)
    order: Order = Order(product=invocation.step.name, values=invocation.values)

    async def work(context: RunContext) -> StepResult | KlingError:
        try:
            return await StepRun(options=options, **context.as_keywords).run(order)
        except KlingError as exc:
            return exc

    settings = load_settings(settings_options(invocation.account_options))
    if options.is_downloading:
        settings.require("output_dir")
    return run(
        work, settings=settings, output_options=invocation.output_options, is_brief=True
    )


def _step_run_options(invocation: StepInvocation) -> RunOptions:
    from kling_cli.jobs.job import RunOptions

    download_options = invocation.download_options
    return RunOptions(
        command=invocation.command,
        is_downloading=download_options is not None
        and not download_options.is_link_only,
        output=download_options.output if download_options else None,
        is_forced=bool(download_options and download_options.is_forced),
    )


def _result_lines(invocation: StepInvocation, result: StepResult) -> Iterator[str]:
    """Yield the lines for stdout: the session opened, or the files made."""
    if invocation.facts.session_hours is not None:
        yield one_line(result.task.id)
    elif invocation.facts.is_saved:
        for one in result.saved:
            yield str(one.path) if one.path else one_line(one.output.url or "")


def _message_lines(
    invocation: StepInvocation, result: StepResult | KlingError
) -> Iterator[str]:
    """Yield the lines for stderr: what was done, and the command to type next."""
    if isinstance(result, KlingError):
        from kling_cli.cli.output.plain_lines import error_lines

        yield from error_lines(result)
    elif not invocation.output_options.is_quiet:
        if invocation.facts.session_hours is not None:
            yield one_line(_session_lines(result))
        elif invocation.step.output == "mask":
            count = len(result.task.outputs)
            yield f"{count or 'no'} object{'' if count == 1 else 's'} marked"
        session = one_line(result.task.id)
        yield from (
            each.replace("SESSION", session) for each in invocation.facts.next_steps
        )


def _session_lines(result: StepResult) -> str:
    """Return the video of a session, and when the session expires."""
    known = [f"session {result.task.id}"]
    for video in result.task.outputs:
        facts = video.facts or {}
        known += [f"{video.duration_s:g} s"] if video.duration_s is not None else []
        if {"fps", "frames"} <= facts.keys():
            known.append(f"{facts['frames']} frames, {facts['fps']:g} a second")
        if {"width", "height"} <= facts.keys():
            known.append(f"{facts['width']}x{facts['height']} px")
    if result.expires_at is not None:
        known.append(f"open until {result.expires_at:%Y-%m-%d %H:%M} UTC")
    return ", ".join(known)
