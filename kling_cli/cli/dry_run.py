"""`--dry-run`: the request as it would be sent, and what it would cost."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.streams import write_result
from kling_cli.errors import ExitCode

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.jobs.prepare import Order, Request
    from kling_cli.products.model import Estimate
    from kling_cli.settings import Settings

LONG_TEXT = 512  # characters of a value that a person still wants to read


def show(
    order: Order, *, settings: Settings, talk: Talk, max_units: float | None
) -> int:
    """Print the checked request and its estimate; nothing is sent or written down.

    It works without credentials too: the request is then the one for an API key.
    """
    from kling_cli.jobs.memory import with_memory
    from kling_cli.jobs.prepare import check_price, prepare
    from kling_cli.jobs.run import kinds_of

    order = with_memory(order, settings)
    request = prepare(order, kinds_of(settings), new_id=lambda: "kling-made-when-sent")
    check_price(request.estimate, max_units)
    return _show(request, None, settings, talk)


def show_both(
    order: Order,
    step: Order,
    *,
    settings: Settings,
    talk: Talk,
    max_units: float | None,
) -> int:
    """Do the same for a job of two calls; what the first will tell stands in `<>`."""
    from kling_cli.jobs.intent import intend
    from kling_cli.jobs.prepare import check_price

    intent = intend(order, step, settings)
    check_price(intent.estimate, max_units)
    return _show(intent.second, intent.first, settings, talk)


def _show(
    request: Request, before: Request | None, settings: Settings, talk: Talk
) -> int:
    if talk.is_json:
        _print_document(request, before, settings)
        return int(ExitCode.DONE)
    for each in (before, request):
        if each is not None:
            _print_text(each, settings)
    return int(ExitCode.DONE)


def _print_document(
    request: Request, before: Request | None, settings: Settings
) -> None:
    """Print the document of every command with the request as one more key."""
    from kling_cli.api.task import TaskStatus
    from kling_cli.cli.report import document
    from kling_cli.jobs.events import JobResult

    nothing_yet = JobResult(
        command=request.plan.product.name,
        status=TaskStatus.UNKNOWN,
        external_id=request.external_id,
        product=request.plan.product.name,
        model=request.plan.model.id,
    )
    shown = document.of_result(nothing_yet)
    shown["dry_run"] = _described(request, settings)
    if before is not None:
        shown["dry_run"]["before"] = _described(before, settings)
    write_result(document.dumps(shown))


def _described(request: Request, settings: Settings) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": settings.api_base + request.plan.create_path,
        "body": request.body(None),
        "estimate": _estimate(request.estimate),
    }


def _print_text(request: Request, settings: Settings) -> None:
    body = request.body(None)
    if sys.stdout is not None and sys.stdout.isatty():
        body = abbreviated(body)
    write_result(f"POST {settings.api_base}{request.plan.create_path}")
    write_result(json.dumps(body, indent=2, ensure_ascii=False))
    write_result(estimate_line(request.estimate))


def abbreviated(value: Any) -> Any:
    """Return a body a person can read: media shortened, nothing that acts."""
    if isinstance(value, dict):
        return {one_line(key): abbreviated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [abbreviated(item) for item in value]
    if not isinstance(value, str):
        return value
    if len(value) > LONG_TEXT and " " not in value:
        return f"{value[:24]}… ({len(value)} characters)"
    return one_line(value)


def estimate_line(estimate: Estimate | None) -> str:
    """Return what the job would cost, in units and at list price."""
    if estimate is None:
        return "estimate: unknown for this combination"
    return (
        f"estimate: {estimate.units:g} units, about ${estimate.usd:.2f}"
        f" ({estimate.basis})"
    )


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "units": estimate.units,
        "usd": estimate.usd,
        "basis": estimate.basis,
    }
