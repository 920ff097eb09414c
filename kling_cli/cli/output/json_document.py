"""The JSON that `--json` prints: the same keys in every outcome. Schema 1 is stable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.terminal.streams import write_result
from kling_cli.cli.output.terminal.text import optional_timestamp

if TYPE_CHECKING:
    from kling_cli.errors import KlingError
    from kling_cli.jobs.calls.session_step import StepResult
    from kling_cli.jobs.events import JobResult
    from kling_cli.store import SavedOutput

SCHEMA = 1

# The additional keys of commands that list, with their values on failure.
LISTING_KEYS: Mapping[str, Mapping[str, Any]] = {
    "voices list": {"voices": [], "has_more": False},
    "voices show": {"voices": []},
    "voices delete": {"deleted": []},
    "elements list": {"elements": [], "has_more": False},
    "elements show": {"elements": []},
    "elements delete": {"deleted": []},
    "models": {"models": []},
    "account packs": {"packs": []},
    "account billing": {"deductions": [], "totals": [], "has_more": False},
    "account balance": {
        "deductions": [],
        "totals": [],
        "has_more": False,
        "left": [],
    },
    "list": {"tasks": []},
    "tunnel list": {"chosen": None, "tunnels": []},
    "tunnel test": {"tunnels": []},
    "tunnel use": {"tunnel": None, "path": None},
}


def result_document(result: JobResult) -> dict[str, Any]:
    """Return the document of one job; only some have a session."""
    return {
        "schema": SCHEMA,
        "ok": result.error is None,
        "command": result.command,
        "task_id": result.task_id,
        "external_task_id": result.external_id,
        "product": result.product,
        "model": result.model,
        "prompt": result.prompt,
        "status": result.status.value,
        "state": result.state.value,
        "status_message": result.status_message,
        "created_at": optional_timestamp(result.created_at),
        "updated_at": optional_timestamp(result.updated_at),
        "elapsed_s": None if result.elapsed_s is None else round(result.elapsed_s, 3),
        "completed_by": result.completed_by,
        "requests": {"create": result.create_requests, "query": result.query_requests},
        "callbacks": result.callbacks,
        "outputs": [_output_object(one) for one in result.outputs],
        "expires_at": optional_timestamp(result.expires_at),
        "units": result.units,
        "estimated_units": result.estimated_units,
        "request_id": result.request_id,
        "resume": result.resume,
        "error": None if result.error is None else error_object(result.error),
        **({"session_id": result.session_id} if result.session_id else {}),
    }


def results_document(command: str, results: Sequence[JobResult]) -> dict[str, Any]:
    """Return the document of several jobs; `error` is that of the first that failed."""
    errors = [result.error for result in results if result.error is not None]
    return {
        "schema": SCHEMA,
        "ok": not errors,
        "command": command,
        "tasks": [result_document(result) for result in results],
        "error": error_object(errors[0]) if errors else None,
    }


def listing_document(
    command: str, facts: Mapping[str, Any], error: KlingError | None = None
) -> dict[str, Any]:
    """Return the document of a command of `LISTING_KEYS`; absent facts are empty.

    The named list precedes `error` in every outcome.
    """
    return {
        "schema": SCHEMA,
        "ok": error is None,
        "command": command,
        **LISTING_KEYS[command],
        **facts,
        "error": None if error is None else error_object(error),
    }


def failure_document(command: str, error: KlingError) -> dict[str, Any]:
    """Return the document of a command that failed before there was a job or a list."""
    if command in LISTING_KEYS:
        return listing_document(command, {}, error)
    return jobless_document(command, request_id=error.request_id, error=error)


def jobless_document(command: str, **known: Any) -> dict[str, Any]:
    """Return the document of a command without a job; `known`: fields of its result."""
    from kling_cli.api import TaskStatus
    from kling_cli.jobs.events import JobResult

    result = JobResult(command=command, status=TaskStatus.UNKNOWN, **known)
    return result_document(result)


def session_step_document(
    command: str,
    session_id: str | None,
    result: StepResult | None,
    error: KlingError | None,
) -> dict[str, Any]:
    """Return the document of a session step; `result` None: it failed."""
    task = result.task if result else None
    return {
        "schema": SCHEMA,
        "ok": error is None,
        "command": command,
        "session_id": task.id if task else session_id,
        "expires_at": optional_timestamp(result.expires_at) if result else None,
        "outputs": [_output_object(one) for one in result.saved] if result else [],
        "units": task.units if task else None,
        "request_id": task.request_id if task else getattr(error, "request_id", None),
        "error": None if error is None else error_object(error),
    }


def error_object(error: KlingError) -> dict[str, Any]:
    """Return the `error` object."""
    return {
        "type": error.type,
        "code": error.code,
        "http": error.http,
        "message": error.message,
        "hint": error.hint,
        "retryable": error.is_retryable,
    }


def dumps(document: dict[str, Any]) -> str:
    """Return `document` on one line, in ASCII."""
    return json.dumps(document, allow_nan=False)


def print_document(document: dict[str, Any]) -> None:
    """Print `document` on stdout."""
    write_result(dumps(document))


def _output_object(one: SavedOutput) -> dict[str, Any]:
    return {
        "type": one.output.type,
        "id": one.output.id,
        "url": one.output.url,
        "watermark_url": one.output.watermark_url,
        "duration_s": one.output.duration_s,
        "path": None if one.path is None else str(one.path),
        "bytes": one.total_bytes,
        **(one.output.facts or {}),
    }
