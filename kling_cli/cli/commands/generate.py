"""The command of a product: everything about it comes from its description."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_type_hints

from kling_cli import catalogue
from kling_cli.cli.options import product_fields
from kling_cli.cli.options.declaration import declare, signed
from kling_cli.cli.options.product_fields import briefs, listed_field, parameters
from kling_cli.cli.options.shared import (
    CallbackOptions,
    DownloadOptions,
    OutputOptions,
    SafetyOptions,
    SaveOptions,
    Showing,
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
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.streams import write_message
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import ExitCode, StoppedError
from kling_cli.jobs.order_parser import read_extra

if TYPE_CHECKING:
    from kling_cli.api import Output
    from kling_cli.catalogue import Product, SessionSpec
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.calls.two_step import ChooseInput
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.job import RunOptions
    from kling_cli.jobs.prepare import Order
    from kling_cli.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """The groups of options every generating command has."""

    fetching: DownloadOptions
    talk: OutputOptions
    waiting: WaitOptions
    callbacks: CallbackOptions
    safety: SafetyOptions
    showing: Showing = field(default_factory=Showing)

    @property
    def wanted(self) -> ResultKind:
        """What goes to stdout: ids, links or files."""
        if not self.waiting.is_waiting:
            return ResultKind.IDS
        return ResultKind.LINKS if self.fetching.is_link_only else ResultKind.FILES


RunCommand = Callable[["Product", Mapping[str, Any], CommandOptions], int]


def command(name: str, *, called: str) -> Any:
    """Return the command of the product `name`, `called` so or otherwise."""
    product = catalogue.load_product(name)
    groups = get_type_hints(CommandOptions)
    act: RunCommand = partial(generate, command=name)
    own = parameters(product)
    if catalogue.opening_step(product) is not None:
        act, own = generate_in_two_steps, two_step_parameters(product)

    def run(**given: Any) -> int:
        said = CommandOptions(**{each: given.pop(each) for each in groups})
        listed = listed_field(product)
        if listed is not None and given.pop("is_listing"):
            from kling_cli.cli.output.views.field_choices import print_choices

            return print_choices(product, listed, given[listed.name] or "", said.talk)
        return act(product, given, said)

    return _declared(run, product, own, groups, name=called)


def library_command(name: str, *, command: str) -> Any:
    """Return the command that makes something for the library; its id is the result.

    A voice has a sample to save, which is done when `--output` says where.
    """
    product = catalogue.load_managed(name)
    groups = get_type_hints(CommandOptions)
    del groups["fetching"], groups["showing"]
    extra = {"saving": SaveOptions} if product.output == "voice" else {}

    def run(**given: Any) -> int:
        saving = given.pop("saving", SaveOptions())
        fetching = DownloadOptions(
            output=saving.output,
            is_forced=saving.is_forced,
            is_link_only=saving.output is None,
        )
        shared = {each: given.pop(each) for each in groups}
        said = CommandOptions(fetching=fetching, **shared)
        return generate(product, given, said, command=command)

    own, name = parameters(product), command.rsplit(maxsplit=1)[-1]
    return _declared(run, product, own, groups | extra, name=name)


def _declared(
    run: Callable[..., int],
    product: Product,
    own: Iterable[Parameter],
    groups: Mapping[str, Any],
    *,
    name: str,
) -> Any:
    """Return `run` as a command with options of its own and these groups."""
    shared = [
        Parameter(each, Parameter.KEYWORD_ONLY, annotation=group)
        for each, group in groups.items()
    ]
    signed(run, [*own, *shared])
    opening = catalogue.opening_step(product)
    short = (briefs(opening) if opening else {}) | briefs(product)
    return declare(run, name=name, help_text=help_of(product), briefs=short)


def generate(
    product: Product, typed: Mapping[str, Any], said: CommandOptions, *, command: str
) -> int:
    """Run the job that options describe, and return the exit code."""
    order = order_of(product, typed, said.safety.external_id)
    return carry_out(order, said, command=command)


def carry_out(order: Order, said: CommandOptions, *, command: str) -> int:
    """Run one job, or show it under `--dry-run`, and return the exit code."""
    if order.before is not None:
        return carry_out_two_steps(order, said, command=command)
    from kling_cli.cli.runner import run

    settings = settings_of(said)
    if said.safety.is_dry_run:
        return dry_run(order, command, settings, said)
    options = run_options(command, settings, said)
    options = prepare_job_tunnel(settings, options, said.talk)

    async def work(around: RunContext) -> JobResult:
        from kling_cli.jobs.generation import generate as run_job

        return await run_job(order, options, **around.as_keywords)

    result = run(work, settings=settings, talk=said.talk)
    return finished(result, said, settings, command=command)


def finished(
    result: JobResult, said: CommandOptions, settings: Settings, *, command: str
) -> int:
    """Print and show what a job made, and return the exit code."""
    from kling_cli.cli.output.job_results import Presentation

    return print_results(
        [result],
        command=command,
        talk=said.talk,
        wanted=said.wanted,
        presentation=Presentation.of(said.showing, settings),
    )


def dry_run(
    order: Order, command: str, settings: Settings, said: CommandOptions
) -> int:
    """Show what would be sent, and return the exit code."""
    from kling_cli.cli.output.dry_run import print_dry_run

    return print_dry_run(
        order,
        command=command,
        settings=settings,
        talk=said.talk,
        max_units=said.safety.max_units,
    )


def order_of(
    product: Product, typed: Mapping[str, Any], external_id: str | None
) -> Order:
    """Return what was typed as an order of the product, and of a call before its own.

    Raises:
        UsageError: it cannot be read.
    """
    from kling_cli.jobs.prepare import Order

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


def settings_of(said: CommandOptions) -> Settings:
    """Return the settings of a job.

    Raises:
        UsageError: nobody can say whom it would be sent to.
    """
    from kling_cli.cli.runner import load_settings

    settings = load_settings(
        settings_options(said.waiting, said.callbacks, said.safety)
    )
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    return settings


def run_options(command: str, settings: Settings, said: CommandOptions) -> RunOptions:
    """Return how the job of `command` is to be run.

    Raises:
        UsageError: a default that this job goes by is nonsense.
    """
    from kling_cli.jobs.job import RunOptions
    from kling_cli.jobs.run_options import with_defaults

    options = RunOptions(
        command=command,
        callback_url=said.callbacks.callback_url,
        port=said.callbacks.port,
        is_waiting=said.waiting.is_waiting,
        is_downloading=not said.fetching.is_link_only,
        output=said.fetching.output,
        is_forced=said.fetching.is_forced,
        max_units=said.safety.max_units,
    )
    return with_defaults(options, settings)


def help_of(product: Product) -> str:
    """Return the first lines of `--help`."""
    return f"{product.summary}\n\n{product.example}".strip()


_FINDING = "is_finding"


def two_step_parameters(product: Product) -> Iterator[Parameter]:
    """Yield what the first call takes, and then what the product itself does."""
    use = _use(product)
    yield from product_fields.arguments(catalogue.load_step(use.step))
    yield from product_fields.parameters(product)
    words = f"Only find the {use.noun}s, and print them: id, when, link."
    yield product_fields.flag(_FINDING, f"--{use.noun}s", words)


def generate_in_two_steps(
    product: Product, typed: Mapping[str, Any], said: CommandOptions
) -> int:
    """Run the job that options describe, or its first call; return the exit code."""
    order = order_of(product, typed, said.safety.external_id)
    if typed.get(_FINDING) and order.before is not None:
        return _find(order.before, said, command=product.name)
    return carry_out_two_steps(order, said, command=product.name)


def carry_out_two_steps(order: Order, said: CommandOptions, *, command: str) -> int:
    """Run the job's two calls, or show them, and return the exit code."""
    settings = settings_of(said)
    if said.safety.is_dry_run:
        return dry_run(order, command, settings, said)
    options = run_options(command, settings, said)
    options = prepare_job_tunnel(settings, options, said.talk)
    result = _run(order, options, settings, said.talk)
    return finished(result, said, settings, command=command)


def _use(product: Product) -> SessionSpec:
    assert product.session is not None  # noqa: S101 -- the caller has looked
    return product.session


def _find(first: Order, said: CommandOptions, *, command: str) -> int:
    """Make the first call alone, and print what it has found, one a line."""
    from kling_cli.cli.runner import run
    from kling_cli.jobs.calls.two_step import TwoStepJob

    settings = settings_of(said)
    if said.safety.is_dry_run:
        return dry_run(first, command, settings, said)
    options, talk = run_options(command, settings, said), said.talk

    async def work(around: RunContext) -> JobResult:
        return await TwoStepJob(options=options, **around.as_keywords).find(first)

    result = run(work, settings=settings, talk=talk)
    outputs = [one.output for one in result.outputs]
    shown = [line for line in table(outputs) if result.error is None]
    return print_result_lines(
        shown, [result], command=options.command, talk=talk, is_many=False
    )


def _run(
    order: Order, options: RunOptions, settings: Settings, talk: OutputOptions
) -> JobResult:
    from kling_cli.cli.runner import run
    from kling_cli.jobs.calls.two_step import TwoStepJob

    noun = _use(catalogue.load_product(order.product)).noun

    async def work(around: RunContext) -> JobResult:
        steps = TwoStepJob(options=options, **around.as_keywords)
        if is_person_there(talk):
            steps = replace(steps, ask=_asker(noun, around))
        return await steps.run(order)

    return run(work, settings=settings, talk=talk)


def is_person_there(talk: OutputOptions) -> bool:
    """Return whether somebody can be asked something; a script never is."""
    on_terminal = is_terminal(sys.stdin) and is_terminal(sys.stderr)
    return on_terminal and not talk.is_json and not talk.is_quiet


def _asker(noun: str, around: RunContext) -> ChooseInput:
    def ask(found: tuple[Output, ...]) -> str:
        with around.pause():
            return ask_which(noun, found)

    return ask


def ask_which(noun: str, found: tuple[Output, ...]) -> str:
    """Return the id that a person has chosen on the terminal.

    Raises:
        StoppedError: they would rather not.
    """
    from kling_cli.jobs.signals import interruptible

    for line in table(found):
        write_message(line)
    ids = [str(one.id) for one in found]
    with interruptible():
        while line := _answer(f"Which {noun} ({', '.join(ids)})? "):
            if line.strip() in ids:
                return line.strip()
            write_message(f"there is no {noun} {one_line(line.strip())}")
    raise StoppedError(f"no {noun} was chosen", exit_code=ExitCode.INTERRUPTED)


def _answer(question: str) -> str:
    """Return the line that was typed; empty at the end of input.

    typer's own prompt would write a blank to stdout, where results stand.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def table(found: tuple[Output, ...] | list[Output]) -> Iterator[str]:
    """Yield a line for each thing found: its id, when it is seen, its picture."""
    from kling_cli.jobs.calls.two_step import span

    for one in found:
        yield one_line(f"{one.id}  {span(one)}  {one.url or ''}".rstrip())
