"""What was typed after `kling trigger`, checked and made into a trial of a handler."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kling_cli.callbacks.keyfile import load_key
from kling_cli.callbacks.signatures import check_secret
from kling_cli.cli.events_options import named_task
from kling_cli.cli.output.streams import read_input
from kling_cli.cli.runner import load_settings
from kling_cli.cli.trigger_options import Mocking
from kling_cli.cli.values import read_extra
from kling_cli.clock import SystemClock
from kling_cli.errors import UsageError
from kling_cli.listener.changes import put
from kling_cli.listener.curl import curl_command
from kling_cli.listener.doors import standing_path
from kling_cli.listener.targets import DEFAULT_PATH, Target, read_target
from kling_cli.listener.token import load_token
from kling_cli.mock.conformance import Demands, read_demands
from kling_cli.mock.deliver import Series, Stamp, Trial, volleys
from kling_cli.mock.scenarios import (
    Delivery,
    Expected,
    custom,
    names,
    scenario,
    sign_of_life,
)
from kling_cli.mock.shapes import Mock
from kling_cli.settings.settings import Settings
from kling_cli.tunnels import shared_lock

_GENERATIONS: Final = ("new", "legacy")


def parse(name: str | None, mocking: Mocking) -> Series:
    """Return what was typed, checked.

    With `--all` every scenario is a task of its own, and what a handler must do is
    judged even where nothing was demanded.

    Raises:
        UsageError: some of it makes no sense.
    """
    settings = load_settings({})
    stamp = _stamp(settings)
    own_id = str(named_task(mocking.task_id))
    if not mocking.is_all:
        demands = read_demands(mocking.demands)
        trial = _trial(name, own_id, mocking, demands, stamp, settings)
        return Series(trials=(trial,), demands=demands)
    if name is not None or mocking.body is not None:
        raise UsageError(
            "--all sends every scenario, so name none", hint="kling trigger --all"
        )
    demands = read_demands(mocking.demands or Expected.TAKEN.value)
    trials, skipped = [], []
    for each in names():
        task_id = f"{own_id}-{each}"
        try:
            trials.append(_trial(each, task_id, mocking, demands, stamp, settings))
        except SecretRequiredError:
            skipped.append(each)
    return Series(trials=trials, demands=demands, skipped=skipped, is_all=True)


def _trial(  # noqa: PLR0913, PLR0917 -- what all trials of a series share, and two more
    name: str | None,
    task_id: str,
    mocking: Mocking,
    demands: Demands,
    stamp: Stamp,
    settings: Settings,
) -> Trial:
    mock = Mock(
        task_id=task_id,
        created_at=stamp.clock.now(),
        is_legacy=mocking.generation == _GENERATIONS[1],
        product=mocking.product,
    )
    made = _made(name, mocking, mock)
    _require_secret(made, demands, is_signed=bool(stamp.secrets))
    sent = volleys(made, is_doubled=demands.is_idempotent, times=mocking.times)
    if demands.is_strict and _may_be_tried_after(made, stamp):
        sent.append((sign_of_life(mock),))
    return Trial(
        scenario=name,
        sent=sent,
        target=_target(mocking.to, settings),
        stamp=stamp,
        demands=demands,
    )


class SecretRequiredError(UsageError):
    """Signatures can be made or judged only with the secret of the handler."""


def commands(trial: Trial, mocking: Mocking) -> list[str]:
    """Return the curl commands that send the same; a listener's token is not shown."""
    url = (trial.target if mocking.to else read_target(DEFAULT_PATH)).url
    return [
        curl_command(url, trial.stamp.headers(one), one.raw)
        for volley in trial.sent
        for one in volley
    ]


def _stamp(settings: Settings) -> Stamp:
    settings.require("webhook_secret")
    for secret in settings.webhook_secrets:
        check_secret(secret)
    return Stamp(
        key=load_key(settings.state_dir),
        secrets=settings.webhook_secrets,
        clock=SystemClock(),
    )


def _made(name: str | None, mocking: Mocking, mock: Mock) -> tuple[Delivery, ...]:
    if mocking.generation not in _GENERATIONS:
        raise UsageError(f"--generation is {' or '.join(_GENERATIONS)}")
    if (name is None) == (mocking.body is None):
        raise UsageError(
            "say which scenario, or --body FILE", hint="kling trigger succeeded"
        )
    changes = read_extra(mocking.changes or ())
    if mocking.body is None:
        return scenario(name or "", mock, changes)
    return custom(_changed(_read(mocking.body), changes), mock)


def _read(name: str) -> bytes:
    if name == "-":
        return read_input()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"--body {name}: {exc.strerror}") from exc


def _changed(raw: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return a body of the person's own with other values; without any, as it is."""
    if not changes:
        return raw
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError("--set: the --body is no JSON object", hint="leave out --set")
    for key, value in changes.items():
        put(body, key, value)
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _require_secret(
    made: Sequence[Delivery], demands: Demands, *, is_signed: bool
) -> None:
    """Refuse to try, or to judge, signatures that we could not make.

    An old one can only be made with the handler's own secret. A forged one can be sent
    without, but whether a sound one would be let in can then not be seen.
    """
    is_judged = demands.is_strict and not demands.statuses
    for one in made:
        if not is_signed and (one.age or (one.is_forged and is_judged)):
            raise SecretRequiredError(
                f"{one.name} needs the secret that your handler checks with",
                hint="set KLING_WEBHOOK_SECRET to it: whsec_…",
            )


def _may_be_tried_after(made: Sequence[Delivery], stamp: Stamp) -> bool:
    """Return whether a sound callback should follow, to see if the handler still works.

    One that checks signatures would refuse it if we cannot sign it.
    """
    return any(one.is_spoilt and (stamp.secrets or not one.is_forged) for one in made)


def _target(to: str | None, settings: Settings) -> Target:
    if to is not None:
        return read_target(to)
    for name in (shared_lock.PUBLIC, shared_lock.LOCAL):
        door = shared_lock.find_shared_tunnel(settings.state_dir, name)
        if door is not None and door.is_standing:
            path = standing_path(load_token(settings.state_dir))
            return read_target(f"{door.local_url}{path}")
    return read_target(DEFAULT_PATH)
