"""`kling api`: a raw signed call, in the manner of `gh api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kling_cli.cli.api_fields import body_of, query_of
from kling_cli.cli.api_options import Following, Method, Path, Sent
from kling_cli.cli.options import Account, Fetching, Patience, Talk, settings_options
from kling_cli.cli.outcome import Wanted
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.cli.runner import Surroundings
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.options import RunOptions
    from kling_cli.jobs.raw_request import RawCall
    from kling_cli.settings.settings import Settings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def api(  # noqa: PLR0913 -- one for each group of options
    *,
    method: Method,
    path: Path,
    sent: Sent,
    following: Following,
    patience: Patience,
    fetching: Fetching,
    talk: Talk,
    account: Account,
) -> int:
    """Send a raw signed call and print what the API answers, whatever it says.

    The exit code is that of the API's code. What may have changed something is never
    sent a second time.

    kling api POST /text-to-video/kling-3.0-turbo -f prompt="A paper boat" --wait

    kling api GET /tasks -f task_ids=988755600534027551
    """
    from kling_cli.cli.api_outcome import conclude_call
    from kling_cli.cli.runner import load_settings, run

    method = _method(method)
    settings = load_settings(settings_options(patience, account))
    if following.is_waiting:
        settings.require("timeout")
        if not fetching.is_link_only:
            settings.require("output_dir")
    parts = query_of(sent) if method == "GET" else body_of(sent)
    options = _run_options(settings, fetching)

    async def work(around: Surroundings) -> tuple[RawCall, list[JobResult]]:
        from kling_cli.jobs import raw

        call = _call(method, path, parts, around.settings, following.max_units)
        if following.is_waiting:
            found = await raw.call_and_wait(call, options, **around.as_keywords)
            return call, found
        once = await raw.call(call, settings=around.settings, clock=around.clock)
        return call, [once]

    is_brief = not following.is_waiting
    call, results = run(work, settings=settings, talk=talk, is_brief=is_brief)
    wanted = Wanted.LINKS if fetching.is_link_only else Wanted.FILES
    return conclude_call(
        call, results, talk=talk, wanted=wanted if following.is_waiting else None
    )


def _method(typed: str) -> str:
    method = typed.upper()
    if method not in METHODS:
        raise UsageError(
            f"{typed} is no method; there are {', '.join(METHODS)}",
            hint="kling api GET /tasks -f task_ids=988755600534027551",
        )
    return method


def _call(
    method: str, path: str, parts: Any, settings: Settings, max_units: float | None
) -> RawCall:
    """Return the call; `parts` are the query's parameters, or else the body.

    Raises:
        UsageError: the path or the body cannot be sent.
        AccountError: it may cost more than `max_units`.
    """
    from kling_cli.api.path import read_path
    from kling_cli.jobs.raw_request import RawCall, require_price

    place, params = read_path(path, api_base=settings.api_base)
    if method == "GET":
        return RawCall(method=method, path=place, params={**params, **parts})
    call = RawCall(method=method, path=place, params=params, body=parts)
    require_price(call, max_units)
    return call


def _run_options(settings: Settings, fetching: Fetching) -> RunOptions:
    """Return how to follow a task: by polling, as the body is not ours to change."""
    from kling_cli.jobs.options import RunOptions

    return RunOptions(
        command="api",
        callback="off",
        tunnel="none",
        timeout_s=settings.timeout_s,
        is_downloading=not fetching.is_link_only,
        output=fetching.output,
        is_forced=fetching.is_forced,
    )
