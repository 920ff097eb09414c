"""`--dry-run`: prints the request as it would be sent, and its estimated cost."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.terminal.streams import write_message, write_result
from kling_cli.cli.output.terminal.text import format_units, format_usd, one_line
from kling_cli.errors import ExitCode

if TYPE_CHECKING:
    from kling_cli.catalogue import Estimate, PreparedRequest
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.jobs.order import Order
    from kling_cli.settings import Settings

MAX_SHOWN_TEXT_LENGTH = 512  # characters of a value that a person still wants to read


def print_dry_run(
    order: Order,
    *,
    command: str,
    settings: Settings,
    output_options: OutputOptions,
    max_units: float | None,
) -> int:
    """Print the validated request and its estimate; nothing is sent or stored.

    Without credentials the request is the one for an API key. Of a job of two calls
    both are printed; values that the first call returns are placeholders in `<>`.
    """
    requests = _requests(order, settings, max_units)
    for each in requests:
        if each.model_reason is not None and not output_options.is_quiet:
            write_message(one_line(each.model_reason))
    if output_options.is_json:
        _print_document(order, requests, settings, command)
    else:
        for each in requests:
            _print_text(each, settings)
    return int(ExitCode.DONE)


def _requests(
    order: Order, settings: Settings, max_units: float | None
) -> list[PreparedRequest]:
    """Return the requests that would be sent, in order."""
    from kling_cli.jobs.calls.two_step import PLACEHOLDER_ID, plan_two_steps
    from kling_cli.jobs.history import resolve_references
    from kling_cli.jobs.prepare import check_price, credential_kinds, prepare

    if order.before is not None:
        intent = plan_two_steps(order, settings)
        check_price(intent.combined, max_units)
        return [each for each in (intent.first, intent.second) if each is not None]
    known = resolve_references(order, settings)
    request = prepare(known, credential_kinds(settings), new_id=lambda: PLACEHOLDER_ID)
    check_price(request, max_units)
    return [request]


def _print_document(
    order: Order, requests: list[PreparedRequest], settings: Settings, command: str
) -> None:
    """Print the JSON document of the command with the request as one more key."""
    from kling_cli.cli.output.json_document import jobless_document, print_document
    from kling_cli.jobs.order import of_order

    *before, request = requests
    shown = jobless_document(
        command,
        external_id=request.external_id,
        product=request.plan.product.name,
        model=request.plan.model.id,
    )
    shown["dry_run"] = _request_document(request, settings)
    shown["dry_run"]["request"] = of_order(order, model=request.plan.model.id)
    for each in before:
        shown["dry_run"]["before"] = _request_document(each, settings)
    print_document(shown)


def _request_document(request: PreparedRequest, settings: Settings) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": settings.api_base + request.plan.create_path,
        "body": request.body(None),
        "estimate": _estimate_document(request.estimate),
    }


def _print_text(request: PreparedRequest, settings: Settings) -> None:
    body = request.body(None)
    if sys.stdout is not None and sys.stdout.isatty():
        body = abbreviated(body)
    write_result(f"POST {settings.api_base}{request.plan.create_path}")
    write_result(json.dumps(body, indent=2, ensure_ascii=False))
    write_result(estimate_line(request))


def abbreviated(value: Any) -> Any:
    """Return a body for a terminal: media shortened, control characters escaped."""
    if isinstance(value, dict):
        return {one_line(key): abbreviated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [abbreviated(item) for item in value]
    if not isinstance(value, str):
        return value
    if len(value) > MAX_SHOWN_TEXT_LENGTH and " " not in value:
        return f"{value[:24]}… ({len(value)} characters)"
    return one_line(value)


def estimate_line(request: PreparedRequest) -> str:
    """Return the estimated cost in units and at list price."""
    estimate = request.estimate
    if estimate is None:
        from kling_cli.catalogue import explain_missing_price

        return f"estimate: unknown; {explain_missing_price(request.plan)}"
    if estimate.units is not None:
        return (
            f"estimate: {format_units(estimate.units)},"
            f" about {format_usd(estimate.usd or 0)} ({estimate.basis})"
        )
    if estimate.at_most_units is not None:
        return (
            f"estimate: at most {format_units(estimate.at_most_units)},"
            f" about {format_usd(estimate.at_most_usd or 0)} ({estimate.basis})"
        )
    return f"estimate: known only afterwards ({estimate.basis})"


def _estimate_document(estimate: Estimate | None) -> dict[str, Any] | None:
    """Return the estimate as JSON; its keys are the fields of the class."""
    from msgspec import structs

    return None if estimate is None else structs.asdict(estimate)
