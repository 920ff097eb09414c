"""`kling trigger`: mock callbacks, to your app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kling_cli.cli.options import Talk
from kling_cli.cli.trigger_options import Mocking, Scenario
from kling_cli.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from kling_cli.listen.courier import Outcome
    from kling_cli.listen.deliver import Stamp
    from kling_cli.listen.mock.scenarios import Delivery
    from kling_cli.listen.targets import Target
    from kling_cli.settings import Settings

    Answers = list[tuple[Delivery, Outcome]]

DEFAULT = "http://localhost:8000/callback"


def trigger(*, scenario: Scenario = None, mocking: Mocking, talk: Talk) -> int:
    """Send mock callbacks, signed if KLING_WEBHOOK_SECRET is set.

    The exit code is 0 when each was answered as it should be: with 2xx, or, where the
    callback is spoilt, with 2xx or 4xx.

    kling trigger succeeded --print

    kling listen --no-token -- kling trigger lifecycle --assert 2xx,5s
    """
    from kling_cli.callbacks.keyfile import load_key
    from kling_cli.cli.runner import load_settings
    from kling_cli.clock import SystemClock
    from kling_cli.listen.conformance import complaints, read_demands
    from kling_cli.listen.deliver import Stamp

    demands = read_demands(mocking.demands)
    settings = load_settings({})
    stamp = Stamp(
        key=load_key(settings.state_dir),
        secrets=settings.webhook_secrets,
        clock=SystemClock(),
    )
    each = 2 if demands.is_idempotent else 1
    sent = [one for one in _made(scenario, mocking, stamp) for _ in range(each)]
    if mocking.is_printed:
        return _print(sent * mocking.times, mocking, stamp)
    answers = _send(sent * mocking.times, _target(mocking, settings), stamp, talk)
    found = complaints(answers, demands, is_signed=bool(stamp.secrets))
    return _conclude(answers, found, talk)


def _made(name: str | None, mocking: Mocking, stamp: Stamp) -> tuple[Delivery, ...]:
    from kling_cli.cli.values import read_extra
    from kling_cli.listen.mock.scenarios import custom, scenario
    from kling_cli.listen.mock.shapes import Mock

    if mocking.generation not in ("new", "legacy"):
        raise UsageError("--generation is new or legacy")
    if (name is None) == (mocking.body is None):
        raise UsageError(
            "say which scenario, or --body FILE", hint="kling trigger succeeded"
        )
    mock = Mock(
        task_id=mocking.task_id,
        created_at=stamp.clock.now(),
        is_legacy=mocking.generation == "legacy",
        product=mocking.product,
    )
    if mocking.body is not None:
        return custom(_read(mocking.body), mock)
    if name == "old-timestamp" and not stamp.secrets:
        raise UsageError(
            "old-timestamp needs a secret", hint="set KLING_WEBHOOK_SECRET"
        )
    return scenario(name or "", mock, read_extra(mocking.changes or ()))


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"--body {name}: {exc.strerror}") from exc


def _target(mocking: Mocking, settings: Settings) -> Target:
    from kling_cli.callbacks.tunnel import lease
    from kling_cli.listen.doors import standing_path
    from kling_cli.listen.targets import read_target
    from kling_cli.listen.token import load_token

    if mocking.to is not None:
        return read_target(mocking.to)
    for name in (lease.PUBLIC, lease.LOCAL):
        door = lease.look(settings.state_dir, name)
        if door is not None and door.is_standing:
            path = standing_path(load_token(settings.state_dir))
            return read_target(f"{door.local_url}{path}")
    return read_target(DEFAULT)


def _print(sent: list[Delivery], mocking: Mocking, stamp: Stamp) -> int:
    from kling_cli.cli.report.streams import write_result
    from kling_cli.listen.curl import curl_command
    from kling_cli.listen.targets import read_target

    url = read_target(mocking.to or DEFAULT).url  # a listener's token is not shown
    for one in sent:
        write_result(curl_command(url, stamp.headers(one), one.raw))
    return 0


def _send(sent: list[Delivery], target: Target, stamp: Stamp, talk: Talk) -> Answers:
    import anyio

    from kling_cli.cli.report.streams import write_result
    from kling_cli.listen.deliver import deliver

    answers: Answers = []

    def tell(one: Delivery, outcome: Outcome) -> None:
        answers.append((one, outcome))
        if not talk.is_json:
            said = outcome.status or outcome.failure
            write_result(f"{len(answers)} {said} {outcome.duration_s:.3f}s")

    anyio.run(deliver, sent, target, stamp, tell)
    return answers


def _conclude(answers: Answers, found: list[str], talk: Talk) -> int:
    from kling_cli.cli.outcome import say
    from kling_cli.cli.report.document import dumps, of_error
    from kling_cli.cli.report.plain import error_lines
    from kling_cli.cli.report.streams import write_result

    error = UnreachableError("; ".join(found[:5])) if found else None
    if talk.is_json:
        document: dict[str, Any] = {
            "schema": 1,
            "ok": error is None,
            "command": "trigger",
            "deliveries": [
                {"status": outcome.status, "duration_s": round(outcome.duration_s, 6)}
                for _, outcome in answers
            ],
            "error": of_error(error) if error else None,
        }
        write_result(dumps(document))
    for each in error_lines(error) if error else ():
        say(each, is_colorless=talk.is_colorless)
    return int(error.exit_code) if error else 0
