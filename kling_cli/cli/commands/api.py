"""`kling api`: a raw signed call."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli import catalogue
from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import (
    SAFETY_PANEL,
    AccountOptions,
    DownloadOptions,
    OutputOptions,
    TimeoutOptions,
    settings_options,
)
from kling_cli.cli.options.values import read_bytes, read_json
from kling_cli.cli.output.job_results import (
    ResultKind,
    exit_code,
    print_failures,
    result_lines,
)
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.streams import (
    print_message,
    write_bytes,
    write_result,
)
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import UsageError
from kling_cli.jobs.order import json_or_text, strict_json
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.api import ApiResponse
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.calls.raw import RawCall
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.job import RunOptions
    from kling_cli.settings import Settings

_FIELD_KEY = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]*\])*")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_FILE_HINT = "give a readable file, or - for standard input"


def parse_body(body_options: BodyOptions) -> Any:
    """Return the JSON body, None for none: the input with the fields on top.

    Raises:
        UsageError: a field, a file or the JSON in it is none.
    """
    body = (
        None
        if body_options.source is None
        else read_json(body_options.source, hint=_FILE_HINT)
    )
    fields = list(_fields(body_options))
    if not fields:
        return body
    body = {} if body is None else body
    if not isinstance(body, dict):
        raise UsageError(
            "fields can be put on top of a JSON object only",
            hint="leave out -f and -F, or --input",
        )
    for key, value in fields:
        _set_nested(body, key, value)
    return body


def parse_query(body_options: BodyOptions) -> Mapping[str, str]:
    """Return the fields as query parameters; a list is joined by commas.

    Raises:
        UsageError: there is a body, or an object where a query has a value.
    """
    if body_options.source is not None:
        raise UsageError(
            "GET has no body, so --input is of no use to it",
            hint="give the parameters with -f, or use POST",
        )
    fields = parse_body(body_options) or {}
    return {key: _query_parameter(key, value) for key, value in fields.items()}


def _fields(body_options: BodyOptions) -> Iterator[tuple[str, Any]]:
    for text in body_options.texts or ():
        yield _split_pair("-f", text)
    for text in body_options.values or ():
        key, value = _split_pair("-F", text)
        yield key, _parse_value(value)


def _split_pair(option: str, text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not _FIELD_KEY.fullmatch(key):
        raise UsageError(
            f"{option} {text}: not of the form KEY=VALUE",
            hint="-f prompt=… -F settings.duration=5 -f 'contents[][type]=prompt'",
        )
    return key, value


def _parse_value(text: str) -> Any:
    return _file_content(text[1:]) if text.startswith("@") else json_or_text(text)


def _file_content(name: str) -> Any:
    """Return what a file holds, as the API wants it in a body."""
    raw = read_bytes(name, hint=_FILE_HINT)
    if name.lower().endswith(".json"):
        try:
            return strict_json(raw)
        except ValueError as exc:
            raise UsageError(f"@{name} is not JSON: {exc}") from exc
    try:
        return decode_text(raw)
    except ValueError:
        return base64.b64encode(raw).decode("ascii")


def _set_nested(body: dict[str, Any], key: str, value: Any) -> None:
    steps: list[str] = []
    keys = _BRACKETS.sub(r".\1", key).split(".")
    for number, step in enumerate(keys):
        rest = keys[number + 1 :]
        steps.append(
            step or str(_list_index(catalogue.get_path(body, ".".join(steps)), rest))
        )
    try:
        catalogue.set_path(body, ".".join(steps), value)
    except UsageError as exc:
        raise UsageError(
            f"{key}: {exc.message}", hint="one field may not be a value and an object"
        ) from exc


def _list_index(entries: Any, rest: list[str]) -> int:
    """Return which entry `[]` means: the last while it lacks what comes, else a new."""
    if not isinstance(entries, list):
        return 0
    is_open = bool(entries) and bool(rest) and isinstance(entries[-1], dict)
    if is_open and (
        "" in rest or catalogue.get_path(entries[-1], ".".join(rest)) is None
    ):
        return len(entries) - 1
    return len(entries)


def _query_parameter(key: str, value: Any) -> str:
    each = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in each):
        raise UsageError(
            f"{key}: a query has no place for objects", hint="use POST, or a text"
        )
    return ",".join(one if isinstance(one, str) else json.dumps(one) for one in each)


_BODY_PANEL = "What is sent"

Method = Annotated[
    str,
    typer.Argument(
        metavar="METHOD",
        help="GET, POST, PUT, PATCH or DELETE.",
        autocompletion=completion.word_completer(
            "GET", "POST", "PUT", "PATCH", "DELETE"
        ),
    ),
]
Path = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="A path of the API, with or without the slash before it; a query is part "
        "of it.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyOptions:
    """The fields of the body, or of the query of a GET."""

    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--raw-field",
            "-f",
            metavar="KEY=TEXT",
            help="A field whose value is a text. KEY may be dotted, or have brackets: "
            "settings.duration, contents\\[]\\[type]. Repeatable.",
            rich_help_panel=_BODY_PANEL,
        ),
    ] = None
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-F",
            metavar="KEY=VALUE",
            help="A field whose value is JSON (5, true, null, \\[1]), or else a text; "
            "@FILE is a file's content: JSON, text, or the base64 of an image or a "
            "sound. Repeatable; put in after those of -f.",
            rich_help_panel=_BODY_PANEL,
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="The body as JSON from a file, or from standard input; fields are put "
            "on top of it.",
            rich_help_panel=_BODY_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """Whether to wait for the task that the response names, and its maximum cost."""

    is_waiting: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Follow the task that the answer names to its end and save what it "
            "made, as kling wait does; a create call is written down before it is "
            "sent.",
            rich_help_panel="Waiting",
        ),
    ] = False
    max_units: Annotated[
        float | None,
        typer.Option(
            "--max-units",
            metavar="N",
            min=0,
            help="Refuse to send what may cost more than N units, or nobody knows "
            "how many.",
            rich_help_panel=SAFETY_PANEL,
        ),
    ] = None


def print_call(
    call: RawCall,
    results: Sequence[JobResult],
    *,
    output_options: OutputOptions,
    result_kind: ResultKind | None,
) -> int:
    """Print the response and return the exit code.

    With `result_kind`, tasks have been followed, and what they made is printed instead.
    """
    is_followed = result_kind is not None and any(each.task_id for each in results)
    if output_options.is_json:
        _print_document(call, results)
    elif result_kind is not None and is_followed:
        for line in result_lines(results, result_kind):
            write_result(line)
    else:
        _print_answer(results[0].answer)
        _print_resume_hint(results[0], output_options)
    print_failures(results, output_options)
    return exit_code(results)


def pretty_lines(response: ApiResponse) -> Iterator[str]:
    """Yield a response as lines for a terminal, control characters escaped."""
    text = response.body.decode("utf-8", "replace")
    if response.is_json:
        text = json.dumps(json.loads(response.body), indent=2, ensure_ascii=False)
    return (one_line(line) for line in text.splitlines())


def _print_answer(response: ApiResponse | None) -> None:
    """Print the response formatted on a terminal, and byte for byte in a pipe."""
    if response is None or not response.body:
        return
    if is_terminal(sys.stdout):
        for line in pretty_lines(response):
            write_result(line)
        return
    end = b"" if response.body.endswith(b"\n") else b"\n"
    write_bytes(response.body + end)


def _print_resume_hint(result: JobResult, output_options: OutputOptions) -> None:
    if result.resume is not None and not output_options.is_quiet:
        print_message(
            f"go on with: {one_line(result.resume)}",
            is_colorless=output_options.is_colorless,
        )


def _print_document(call: RawCall, results: Sequence[JobResult]) -> None:
    """Print the JSON document with the response as one more key."""
    from kling_cli.cli.output import json_document

    if len(results) == 1:
        shown = json_document.result_document(results[0])
    else:
        shown = json_document.results_document("api", results)
    shown["api"] = _response_object(call, results[0].answer)
    json_document.print_document(shown)


def _response_object(call: RawCall, response: ApiResponse | None) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "http": None if response is None else response.http,
        "answer": None if response is None else _response_value(response),
    }


def _response_value(response: ApiResponse) -> Any:
    """Return the JSON value of a response; one that is not JSON as text."""
    try:
        return strict_json(response.body)
    except ValueError:
        return response.body.decode("utf-8", "replace") or None


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def api(  # noqa: PLR0913 -- one for each group of options
    *,
    method: Method,
    path: Path,
    body_options: BodyOptions,
    follow_options: FollowOptions,
    timeout_options: TimeoutOptions,
    download_options: DownloadOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Send a raw signed call and print what the API answers, whatever it says.

    The exit code is that of the API's code. What may have changed something is never
    sent a second time.

    kling api POST /text-to-video/kling-3.0-turbo -f prompt="A paper boat" --wait

    kling api GET /tasks -f task_ids=988755600534027551
    """
    from kling_cli.cli.runner import load_settings, run

    method = _parse_method(method)
    settings = load_settings(settings_options(timeout_options, account_options))
    if follow_options.is_waiting:
        settings.require("timeout")
        if not download_options.is_link_only:
            settings.require("output_dir")
    parts = parse_query(body_options) if method == "GET" else parse_body(body_options)
    options = _run_options(settings, download_options)

    async def work(context: RunContext) -> tuple[RawCall, list[JobResult]]:
        from kling_cli.jobs.calls import raw

        call = _parse_call(
            method, path, parts, context.settings, follow_options.max_units
        )
        if follow_options.is_waiting:
            found = await raw.run_call(call, options, **context.as_keywords)
            return call, found
        once = await raw.send_call(call, settings=context.settings, clock=context.clock)
        return call, [once]

    is_brief = not follow_options.is_waiting
    call, results = run(
        work, settings=settings, output_options=output_options, is_brief=is_brief
    )
    result_kind = (
        ResultKind.LINKS if download_options.is_link_only else ResultKind.FILES
    )
    return print_call(
        call,
        results,
        output_options=output_options,
        result_kind=result_kind if follow_options.is_waiting else None,
    )


def _parse_method(typed: str) -> str:
    method = typed.upper()
    if method not in METHODS:
        raise UsageError(
            f"{typed} is no method; there are {', '.join(METHODS)}",
            hint="kling api GET /tasks -f task_ids=988755600534027551",
        )
    return method


def _parse_call(
    method: str, path: str, parts: Any, settings: Settings, max_units: float | None
) -> RawCall:
    """Return the call; `parts` are the query's parameters, otherwise the body's.

    Raises:
        UsageError: the path or the body cannot be sent.
        AccountError: it may cost more than `max_units`.
    """
    from kling_cli.api import parse_request_path
    from kling_cli.jobs.calls.raw import RawCall, check_call_price

    place, params = parse_request_path(path, api_base=settings.api_base)
    if method == "GET":
        return RawCall(method=method, path=place, params={**params, **parts})
    call = RawCall(method=method, path=place, params=params, body=parts)
    check_call_price(call, max_units)
    return call


def _run_options(settings: Settings, download_options: DownloadOptions) -> RunOptions:
    """Return the options to follow a task by polling; the body is not changed."""
    from kling_cli.jobs.job import RunOptions

    return RunOptions(
        command="api",
        callback="off",
        tunnel="none",
        timeout_s=settings.timeout_s,
        is_downloading=not download_options.is_link_only,
        output=download_options.output,
        is_forced=download_options.is_forced,
    )
