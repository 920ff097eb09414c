"""The command of a product: everything about it comes from its description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_type_hints

from kling_cli.cli.agent_offer import offer_agent
from kling_cli.cli.declare import declare, signed
from kling_cli.cli.fields import listed_field, parameters
from kling_cli.cli.options import (
    Callbacks,
    Fetching,
    Safety,
    Saving,
    Talk,
    Waiting,
    settings_options,
)
from kling_cli.cli.outcome import Wanted, conclude
from kling_cli.cli.values import read_extra, read_values
from kling_cli.products import catalogue

if TYPE_CHECKING:
    from kling_cli.cli.runner import Surroundings
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.options import RunOptions
    from kling_cli.jobs.prepare import Order
    from kling_cli.products.model import Product
    from kling_cli.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The groups of options every generating command has."""

    fetching: Fetching
    talk: Talk
    waiting: Waiting
    callbacks: Callbacks
    safety: Safety

    @property
    def wanted(self) -> Wanted:
        """What goes to stdout: ids, links or files."""
        if not self.waiting.is_waiting:
            return Wanted.IDS
        return Wanted.LINKS if self.fetching.is_link_only else Wanted.FILES


def command(name: str) -> Any:
    """Return the command of the product called `name`."""
    product = catalogue.load(name)
    groups = get_type_hints(Said)

    def run(**given: Any) -> int:
        said = Said(**{each: given.pop(each) for each in groups})
        listed = listed_field(product)
        if listed is not None and given.pop("is_listing"):
            from kling_cli.cli.choices import show

            return show(product, listed, given[listed.name] or "", said.talk)
        return generate(product, given, said, command=name)

    return _declared(run, product, groups, name=name)


def library_command(name: str, *, command: str) -> Any:
    """Return the command that makes something for the library; its id is the result.

    A voice has a sample to save, which is done when `--output` says where.
    """
    product = catalogue.managed(name)
    groups = get_type_hints(Said)
    del groups["fetching"]
    extra = {"saving": Saving} if product.output == "voice" else {}

    def run(**given: Any) -> int:
        saving = given.pop("saving", Saving())
        fetching = Fetching(
            output=saving.output,
            is_forced=saving.is_forced,
            is_link_only=saving.output is None,
        )
        shared = {each: given.pop(each) for each in groups}
        said = Said(fetching=fetching, **shared)
        return generate(product, given, said, command=command)

    return _declared(run, product, groups | extra, name=command.rsplit(maxsplit=1)[-1])


def _declared(
    run: Callable[..., int], product: Product, groups: Mapping[str, Any], *, name: str
) -> Any:
    """Return `run` as a command with the product's own options and these groups."""
    shared = [
        Parameter(each, Parameter.KEYWORD_ONLY, annotation=group)
        for each, group in groups.items()
    ]
    signed(run, [*parameters(product), *shared])
    return declare(run, name=name, help_text=_help(product))


def generate(
    product: Product, typed: Mapping[str, Any], said: Said, *, command: str
) -> int:
    """Run the job that options describe, and return the exit code."""
    order = _order(product, typed, said.safety.external_id)
    return carry_out(order, said, command=command)


def carry_out(order: Order, said: Said, *, command: str) -> int:
    """Run one job, or show it under `--dry-run`, and return the exit code."""
    from kling_cli.cli.runner import load_settings, run

    settings = load_settings(
        settings_options(said.waiting, said.callbacks, said.safety)
    )
    if said.safety.is_dry_run:
        return _dry_run(order, command, settings, said)
    options = _run_options(command, settings, said)
    offer_agent(settings, options)

    async def work(around: Surroundings) -> JobResult:
        from kling_cli.jobs import run as jobs

        return await jobs.generate(order, options, **around.as_keywords)

    result = run(work, settings=settings, talk=said.talk)
    return conclude([result], command=command, talk=said.talk, wanted=said.wanted)


def _dry_run(order: Order, command: str, settings: Settings, said: Said) -> int:
    from kling_cli.cli.dry_run import show

    return show(
        order,
        command=command,
        settings=settings,
        talk=said.talk,
        max_units=said.safety.max_units,
    )


def _order(
    product: Product, typed: Mapping[str, Any], external_id: str | None
) -> Order:
    from kling_cli.jobs.prepare import Order

    return Order(
        product=product.name,
        model=typed.get("model"),
        values=read_values(product, typed),
        extra=read_extra(typed["extra"] or ()),
        external_id=external_id,
    )


def _run_options(command: str, settings: Settings, said: Said) -> RunOptions:
    from kling_cli.jobs.options import RunOptions

    return RunOptions(
        command=command,
        callback=settings.callback,
        tunnel=settings.tunnel,
        callback_url=said.callbacks.callback_url,
        port=said.callbacks.port,
        timeout_s=settings.timeout_s,
        is_waiting=said.waiting.is_waiting,
        is_downloading=not said.fetching.is_link_only,
        output=said.fetching.output,
        is_forced=said.fetching.is_forced,
        max_units=said.safety.max_units,
    )


def _help(product: Product) -> str:
    """Return the first lines of `--help`, with nothing that is taken for markup."""
    text = f"{product.summary}\n\n{product.example}".strip()
    return text.replace("[", "\\[")
