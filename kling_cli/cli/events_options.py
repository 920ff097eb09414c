"""The options of `kling events`, in groups, and what they choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli import completion
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.store.journal_callbacks import Wanted

STATUSES = ("submitted", "processing", "succeeded", "failed", "unknown")
TRUSTS = ("signed", "token", "open", "mock")
DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which kept callbacks."""

    task_id: Annotated[
        str | None,
        typer.Option(
            "--task",
            metavar="ID",
            help="Only those of this task, by either id; last is the newest.",
            autocompletion=completion.task_ids,
        ),
    ] = None
    product: Annotated[
        str | None,
        typer.Option(
            "--product",
            metavar="NAME",
            help="Only those of this product.",
            autocompletion=completion.products,
        ),
    ] = None
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="WORD",
            help="Only those that claim submitted, processing, succeeded, failed or "
            "unknown.",
            autocompletion=completion.words(*STATUSES),
        ),
    ] = None
    trust: Annotated[
        str | None,
        typer.Option(
            "--trust",
            metavar="WORD",
            help="Only those of this proof: signed (a valid signature), token (came by "
            "the secret URL), open (none) or mock (kling trigger).",
            autocompletion=completion.words(*TRUSTS),
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only those that came since then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = None
    is_failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="Only those that your app did not answer with 2xx."
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """How many of them."""

    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=0, help="The newest N; 0: all."),
    ] = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Until when."""

    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar="WHEN",
            help="Only those that came before then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = None


def wanted_of(chosen: Choice, *, before: Before | None = None) -> Wanted:
    """Return what the options choose.

    Raises:
        UsageError: a word or a time means nothing.
    """
    from kling_cli.cli.list import moment_of
    from kling_cli.cli.output.authentication import trust_of
    from kling_cli.clock import SystemClock
    from kling_cli.store.journal_callbacks import Wanted

    _require("--status", chosen.status, STATUSES)
    trust = trust_of(chosen.trust) if chosen.trust else None
    _require("--trust", trust, TRUSTS)
    now = SystemClock().now()
    until = before.before if before else None
    return Wanted(
        task_id=named_task(chosen.task_id),
        product=chosen.product,
        status=chosen.status,
        trust=trust,
        since=moment_of(chosen.since, now) if chosen.since else None,
        until=moment_of(until, now, option="--before") if until else None,
        is_failed=chosen.is_failed,
    )


def named_task(typed: str | None) -> str | None:
    """Return the id of the task that was typed; `last` and `last~N` are looked up.

    Raises:
        UsageError: there is no such task.
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.jobs.newest import named, steps_back

    if typed is None or steps_back(typed) is None:
        return typed
    return named(typed, load_settings({}))


def _require(option: str, word: str | None, words: tuple[str, ...]) -> None:
    if word is not None and word not in words:
        raise UsageError(
            f"{option} {word}: no such word", hint=f"one of {', '.join(words)}"
        )
