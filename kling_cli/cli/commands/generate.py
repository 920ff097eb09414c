"""The commands of products, made from the catalogue.

In order: declaring a command, its options, running its job or its dry run, jobs of two
calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_type_hints

from kling_cli import catalogue
from kling_cli.cli.options import product_fields
from kling_cli.cli.options.declaration import declare_command, with_signature
from kling_cli.cli.options.product_fields import (
    listed_field,
    product_parameters,
    short_help_texts,
)
from kling_cli.cli.options.shared import (
    CallbackOptions,
    DownloadOptions,
    OutputOptions,
    PresentationOptions,
    SafetyOptions,
    SaveOptions,
    WaitOptions,
    settings_options,
)
from kling_cli.cli.options.tunnel_prompt import prepare_job_tunnel
from kling_cli.cli.options.values import read_option_values
from kling_cli.cli.output.job_results import (
    ResultKind,
    print_result_lines,
    print_results,
)
from kling_cli.cli.output.terminal.streams import prompt_line, write_message
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import ExitCode, StoppedError
from kling_cli.jobs.order import read_extra

if TYPE_CHECKING:
    from kling_cli.api import Output
    from kling_cli.catalogue import Product, SessionSpec
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.calls.two_step import ChooseInput
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.job import RunOptions
    from kling_cli.jobs.order import Order
    from kling_cli.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """The groups of options that every generating command has."""

    download_options: DownloadOptions
    output_options: OutputOptions
    wait_options: WaitOptions
    callback_options: CallbackOptions
    safety_options: SafetyOptions
    presentation_options: PresentationOptions = field(
        default_factory=PresentationOptions
    )

    @property
    def result_kind(self) -> ResultKind:
        """What is printed on stdout: ids, links or files."""
        if not self.wait_options.is_waiting:
            return ResultKind.IDS
        return (
            ResultKind.LINKS if self.download_options.is_link_only else ResultKind.FILES
        )


RunCommand = Callable[["Product", Mapping[str, Any], CommandOptions], int]


def make_command(name: str, *, called: str) -> Any:
    """Return the command of the product `name`, shown as `called`."""
    product = catalogue.load_product(name)
    groups = get_type_hints(CommandOptions)
    act: RunCommand = partial(generate, command=name)
    own = product_parameters(product)
    if catalogue.opening_step(product) is not None:
        act, own = generate_in_two_calls, two_step_parameters(product)

    def run(**given: Any) -> int:
        options = CommandOptions(**{each: given.pop(each) for each in groups})
        listed = listed_field(product)
        if listed is not None and given.pop("is_listing"):
            from kling_cli.cli.output.views.field_choices import print_choices

            return print_choices(
                product, listed, given[listed.name] or "", options.output_options
            )
        return act(product, given, options)

    return _declare_product_command(run, product, own, groups, name=called)


def make_library_command(name: str, *, command: str) -> Any:
    """Return the command that creates a library item; its id is the result.

    The sample of a voice is saved when `--output` names a path.
    """
    product = catalogue.load_managed(name)
    groups = get_type_hints(CommandOptions)
    del groups["download_options"], groups["presentation_options"]
    extra = {"save_options": SaveOptions} if product.output == "voice" else {}

    def run(**given: Any) -> int:
        save_options = given.pop("save_options", SaveOptions())
        download_options = DownloadOptions(
            output=save_options.output,
            is_forced=save_options.is_forced,
            is_link_only=save_options.output is None,
        )
        shared = {each: given.pop(each) for each in groups}
        options = CommandOptions(download_options=download_options, **shared)
        return generate(product, given, options, command=command)

    own, name = product_parameters(product), command.rsplit(maxsplit=1)[-1]
    return _declare_product_command(run, product, own, groups | extra, name=name)


def _declare_product_command(
    run: Callable[..., int],
    product: Product,
    own: Iterable[Parameter],
    groups: Mapping[str, Any],
    *,
    name: str,
) -> Any:
    """Declare `run` as a command with the product's parameters and groups."""
    shared = [
        Parameter(each, Parameter.KEYWORD_ONLY, annotation=group)
        for each, group in groups.items()
    ]
    with_signature(run, [*own, *shared])
    opening = catalogue.opening_step(product)
    short = (short_help_texts(opening) if opening else {}) | short_help_texts(product)
    return declare_command(
        run, name=name, help_text=command_help(product), short_help_texts=short
    )


def generate(
    product: Product, typed: Mapping[str, Any], options: CommandOptions, *, command: str
) -> int:
    """Run the job that the options describe, and return the exit code."""
    order = parse_order(product, typed, options.safety_options.external_id)
    return run_order(order, options, command=command)


def run_order(order: Order, options: CommandOptions, *, command: str) -> int:
    """Run one job, or show it under `--dry-run`, and return the exit code."""
    if order.before is not None:
        return run_two_step_order(order, options, command=command)
    from kling_cli.cli.runner import run

    settings = load_job_settings(options)
    if options.safety_options.is_dry_run:
        return show_dry_run(order, command, settings, options)
    run_options = make_run_options(command, settings, options)
    run_options = prepare_job_tunnel(settings, run_options, options.output_options)

    async def work(context: RunContext) -> JobResult:
        from kling_cli.jobs.generation import generate as run_job

        return await run_job(order, run_options, **context.as_keywords)

    result = run(work, settings=settings, output_options=options.output_options)
    return print_job_result(result, options, settings, command=command)


def print_job_result(
    result: JobResult, options: CommandOptions, settings: Settings, *, command: str
) -> int:
    """Print the result of a job and return the exit code."""
    from kling_cli.cli.output.job_results import Presentation

    return print_results(
        [result],
        command=command,
        output_options=options.output_options,
        result_kind=options.result_kind,
        presentation=Presentation.of(options.presentation_options, settings),
    )


def show_dry_run(
    order: Order, command: str, settings: Settings, options: CommandOptions
) -> int:
    """Print the request without sending it, and return the exit code."""
    from kling_cli.cli.output.dry_run import print_dry_run

    return print_dry_run(
        order,
        command=command,
        settings=settings,
        output_options=options.output_options,
        max_units=options.safety_options.max_units,
    )


def parse_order(
    product: Product, typed: Mapping[str, Any], external_id: str | None
) -> Order:
    """Return the order of a product, and of the call before it, from typed values.

    Raises:
        UsageError: a value cannot be parsed.
    """
    from kling_cli.jobs.order import Order

    step, first = catalogue.opening_step(product), None
    if step is not None:
        first = Order(product=step.name, values=read_option_values(step, typed))
    return Order(
        product=product.name,
        model=typed.get("model"),
        values=read_option_values(product, typed),
        extra=read_extra(typed["extra"] or ()),
        external_id=external_id,
        before=first,
    )


def load_job_settings(options: CommandOptions) -> Settings:
    """Return the settings of a job.

    Raises:
        UsageError: no API host is known.
    """
    from kling_cli.cli.runner import load_settings

    settings = load_settings(
        settings_options(
            options.wait_options, options.callback_options, options.safety_options
        )
    )
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    return settings


def make_run_options(
    command: str, settings: Settings, options: CommandOptions
) -> RunOptions:
    """Return the run options of a job.

    Raises:
        UsageError: a default that applies to this job is invalid.
    """
    from kling_cli.jobs.job import RunOptions, with_defaults

    run_options = RunOptions(
        command=command,
        callback_url=options.callback_options.callback_url,
        port=options.callback_options.port,
        is_waiting=options.wait_options.is_waiting,
        is_downloading=not options.download_options.is_link_only,
        output=options.download_options.output,
        is_forced=options.download_options.is_forced,
        max_units=options.safety_options.max_units,
    )
    return with_defaults(run_options, settings)


def command_help(product: Product) -> str:
    """Return the help text of a product's command: summary and example."""
    return f"{product.summary}\n\n{product.example}".strip()


_FIRST_CALL_FLAG = "is_finding"


def two_step_parameters(product: Product) -> Iterator[Parameter]:
    """Yield the parameters of the first call, then those of the product."""
    use = _session_spec(product)
    yield from product_fields.positional_parameters(catalogue.load_step(use.step))
    yield from product_fields.product_parameters(product)
    words = f"Only find the {use.noun}s, and print them: id, when, link."
    yield product_fields.flag_parameter(_FIRST_CALL_FLAG, f"--{use.noun}s", words)


def generate_in_two_calls(
    product: Product, typed: Mapping[str, Any], options: CommandOptions
) -> int:
    """Run the job that options describe, or its first call; return the exit code."""
    order = parse_order(product, typed, options.safety_options.external_id)
    if typed.get(_FIRST_CALL_FLAG) and order.before is not None:
        return _run_first_call(order.before, options, command=product.name)
    return run_two_step_order(order, options, command=product.name)


def run_two_step_order(order: Order, options: CommandOptions, *, command: str) -> int:
    """Run the job's two calls, or show them, and return the exit code."""
    settings = load_job_settings(options)
    if options.safety_options.is_dry_run:
        return show_dry_run(order, command, settings, options)
    run_options = make_run_options(command, settings, options)
    run_options = prepare_job_tunnel(settings, run_options, options.output_options)
    result = _run_both_calls(order, run_options, settings, options.output_options)
    return print_job_result(result, options, settings, command=command)


def _session_spec(product: Product) -> SessionSpec:
    assert product.session is not None  # noqa: S101 -- checked by the caller
    return product.session


def _run_first_call(first: Order, options: CommandOptions, *, command: str) -> int:
    """Run the first call alone, and print its outputs, one a line."""
    from kling_cli.cli.runner import run
    from kling_cli.jobs.calls.two_step import TwoStepJob

    settings = load_job_settings(options)
    if options.safety_options.is_dry_run:
        return show_dry_run(first, command, settings, options)
    run_options = make_run_options(command, settings, options)
    output_options = options.output_options

    async def work(context: RunContext) -> JobResult:
        return await TwoStepJob(options=run_options, **context.as_keywords).find(first)

    result = run(work, settings=settings, output_options=output_options)
    outputs = [one.output for one in result.outputs]
    shown = [line for line in choice_lines(outputs) if result.error is None]
    return print_result_lines(
        shown,
        [result],
        command=run_options.command,
        output_options=output_options,
        is_many=False,
    )


def _run_both_calls(
    order: Order,
    run_options: RunOptions,
    settings: Settings,
    output_options: OutputOptions,
) -> JobResult:
    from kling_cli.cli.runner import run
    from kling_cli.jobs.calls.two_step import TwoStepJob

    noun = _session_spec(catalogue.load_product(order.product)).noun

    async def work(context: RunContext) -> JobResult:
        steps = TwoStepJob(options=run_options, **context.as_keywords)
        if output_options.can_prompt:
            steps = replace(steps, ask=_input_chooser(noun, context))
        return await steps.run(order)

    return run(work, settings=settings, output_options=output_options)


def _input_chooser(noun: str, context: RunContext) -> ChooseInput:
    def ask(found: tuple[Output, ...]) -> str:
        with context.pause():
            return prompt_choice(noun, found)

    return ask


def prompt_choice(noun: str, found: tuple[Output, ...]) -> str:
    """Return the id chosen at a prompt on the terminal.

    Raises:
        StoppedError: nothing was chosen.
    """
    from kling_cli.jobs.signals import interruptible

    for line in choice_lines(found):
        write_message(line)
    ids = [str(one.id) for one in found]
    with interruptible():
        while line := prompt_line(f"Which {noun} ({', '.join(ids)})? "):
            if line.strip() in ids:
                return line.strip()
            write_message(f"there is no {noun} {one_line(line.strip())}")
    raise StoppedError(f"no {noun} was chosen", exit_code=ExitCode.INTERRUPTED)


def choice_lines(found: tuple[Output, ...] | list[Output]) -> Iterator[str]:
    """Yield a line for each choice: its id, time span and picture."""
    from kling_cli.jobs.calls.two_step import time_span

    for one in found:
        yield one_line(f"{one.id}  {time_span(one)}  {one.url or ''}".rstrip())
