"""The command of a product: everything about it comes from its description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_type_hints

from kling_cli.cli.agent_offer import offer_agent
from kling_cli.cli.declare import declare, signed
from kling_cli.cli.fields import parameters
from kling_cli.cli.options import (
    Callbacks,
    Fetching,
    Safety,
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


Act = Callable[["Product", Mapping[str, Any], Said], int]


def command(name: str, *, called: str) -> Any:
    """Return the command of the product `name`, `called` so or otherwise."""
    product = catalogue.load(name)
    act, own = generate, parameters(product)
    if product.session is not None and product.session.is_opened_here:
        from kling_cli.cli import in_steps

        act, own = in_steps.generate, in_steps.parameters(product)
    return _declared(product, own, act, called)


def _declared(product: Product, own: Iterable[Parameter], act: Act, name: str) -> Any:
    groups = get_type_hints(Said)

    def run(**given: Any) -> int:
        said = Said(**{each: given.pop(each) for each in groups})
        return act(product, given, said)

    shared = [
        Parameter(each, Parameter.KEYWORD_ONLY, annotation=group)
        for each, group in groups.items()
    ]
    signed(run, [*own, *shared])
    return declare(run, name=name, help_text=help_of(product))


def generate(product: Product, typed: Mapping[str, Any], said: Said) -> int:
    """Run one job, or show it under `--dry-run`, and return the exit code."""
    from kling_cli.cli.runner import load_settings, run

    order = order_of(product, typed, said.safety.external_id)
    settings = load_settings(
        settings_options(said.waiting, said.callbacks, said.safety)
    )
    if said.safety.is_dry_run:
        from kling_cli.cli.dry_run import show

        most = said.safety.max_units
        return show(order, settings=settings, talk=said.talk, max_units=most)
    options = run_options(product.name, settings, said)
    offer_agent(settings, options)

    async def work(around: Surroundings) -> JobResult:
        from kling_cli.jobs import run as jobs

        return await jobs.generate(order, options, **around.as_keywords)

    result = run(work, settings=settings, talk=said.talk)
    return conclude([result], command=product.name, talk=said.talk, wanted=said.wanted)


def order_of(
    product: Product, typed: Mapping[str, Any], external_id: str | None
) -> Order:
    """Return what was typed as an order of the product.

    Raises:
        UsageError: it cannot be read.
    """
    from kling_cli.jobs.prepare import Order

    return Order(
        product=product.name,
        model=typed["model"],
        values=read_values(product, typed),
        extra=read_extra(typed["extra"] or ()),
        external_id=external_id,
    )


def run_options(name: str, settings: Settings, said: Said) -> RunOptions:
    """Return how the job of the command `name` is to be run."""
    from kling_cli.jobs.options import RunOptions

    return RunOptions(
        command=name,
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


def help_of(product: Product) -> str:
    """Return the first lines of `--help`, with nothing that is taken for markup."""
    text = f"{product.summary}\n\n{product.example}".strip()
    return text.replace("[", "\\[")
