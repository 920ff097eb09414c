"""The command of a product whose session is opened by a call before its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from kling_cli.catalogue import catalogue
from kling_cli.cli import fields
from kling_cli.cli.generate import (
    Said,
    dry_run,
    finished,
    order_of,
    run_options,
    settings_of,
)
from kling_cli.cli.outcome import conclude_with
from kling_cli.cli.output.escape import one_line
from kling_cli.cli.output.streams import write_note
from kling_cli.cli.output.styles import is_terminal
from kling_cli.cli.tunnel_setup import prepare_job_tunnel
from kling_cli.errors import ExitCode, StoppedError

if TYPE_CHECKING:
    from kling_cli.api.task import Output
    from kling_cli.catalogue.model import Product
    from kling_cli.catalogue.session import SessionUse
    from kling_cli.cli.options import Talk
    from kling_cli.cli.runner import Surroundings
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.in_steps import Ask
    from kling_cli.jobs.options import RunOptions
    from kling_cli.jobs.prepare import Order
    from kling_cli.settings.settings import Settings

_FINDING = "is_finding"


def parameters(product: Product) -> Iterator[Parameter]:
    """Yield what the first call takes, and then what the product itself does."""
    use = _use(product)
    yield from fields.arguments(catalogue.step(use.step))
    yield from fields.parameters(product)
    words = f"Only find the {use.noun}s, and print them: id, when, link."
    yield fields.flag(_FINDING, f"--{use.noun}s", words)


def generate(product: Product, typed: Mapping[str, Any], said: Said) -> int:
    """Run the job that options describe, or its first call; return the exit code."""
    order = order_of(product, typed, said.safety.external_id)
    if typed.get(_FINDING) and order.before is not None:
        return _find(order.before, said, command=product.name)
    return carry_out(order, said, command=product.name)


def carry_out(order: Order, said: Said, *, command: str) -> int:
    """Run the job's two calls, or show them, and return the exit code."""
    settings = settings_of(said)
    if said.safety.is_dry_run:
        return dry_run(order, command, settings, said)
    options = run_options(command, settings, said)
    options = prepare_job_tunnel(settings, options, said.talk)
    result = _run(order, options, settings, said.talk)
    return finished(result, said, settings, command=command)


def _use(product: Product) -> SessionUse:
    assert product.session is not None  # noqa: S101 -- the caller has looked
    return product.session


def _find(first: Order, said: Said, *, command: str) -> int:
    """Make the first call alone, and print what it has found, one a line."""
    from kling_cli.cli.runner import run
    from kling_cli.jobs.in_steps import InSteps

    settings = settings_of(said)
    if said.safety.is_dry_run:
        return dry_run(first, command, settings, said)
    options, talk = run_options(command, settings, said), said.talk

    async def work(around: Surroundings) -> JobResult:
        return await InSteps(options=options, **around.as_keywords).find(first)

    result = run(work, settings=settings, talk=talk)
    outputs = [one.output for one in result.outputs]
    shown = [line for line in table(outputs) if result.error is None]
    return conclude_with(
        shown, [result], command=options.command, talk=talk, is_many=False
    )


def _run(
    order: Order, options: RunOptions, settings: Settings, talk: Talk
) -> JobResult:
    from kling_cli.cli.runner import run
    from kling_cli.jobs.in_steps import InSteps

    noun = _use(catalogue.load(order.product)).noun

    async def work(around: Surroundings) -> JobResult:
        steps = InSteps(options=options, **around.as_keywords)
        if is_person_there(talk):
            steps = replace(steps, ask=_asker(noun, around))
        return await steps.run(order)

    return run(work, settings=settings, talk=talk)


def is_person_there(talk: Talk) -> bool:
    """Return whether somebody can be asked something; a script never is."""
    on_terminal = is_terminal(sys.stdin) and is_terminal(sys.stderr)
    return on_terminal and not talk.is_json and not talk.is_quiet


def _asker(noun: str, around: Surroundings) -> Ask:
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
        write_note(line)
    ids = [str(one.id) for one in found]
    with interruptible():
        while line := _answer(f"Which {noun} ({', '.join(ids)})? "):
            if line.strip() in ids:
                return line.strip()
            write_note(f"there is no {noun} {one_line(line.strip())}")
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
    from kling_cli.jobs.in_steps import span

    for one in found:
        yield one_line(f"{one.id}  {span(one)}  {one.url or ''}".rstrip())
