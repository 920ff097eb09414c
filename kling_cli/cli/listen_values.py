"""What was typed after `kling listen`, checked and made into options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from kling_cli.cli.delivery_options import Delivery
from kling_cli.cli.events_options import named_task
from kling_cli.cli.listen_options import Choice, Door, Forwarding
from kling_cli.errors import UsageError
from kling_cli.listener.broker import Wanted
from kling_cli.listener.endings import Until
from kling_cli.listener.options import ListenOptions
from kling_cli.listener.targets import read_route, read_target
from kling_cli.settings.setting_values import parse_seconds

STATUSES: Final = ("submitted", "processing", "succeeded", "failed")
LONGEST_DELAY_S: Final = 300.0
_ANSWERS: Final = range(200, 600)
_BODILESS: Final = (204, 205, 304)


def parse(  # noqa: PLR0913 -- the groups of options, one each
    door: Door,
    forwarding: Forwarding,
    delivery: Delivery,
    choice: Choice,
    *,
    command: tuple[str, ...],
    is_stdout_ours: bool,
    tunnel: str,
) -> ListenOptions:
    """Return what was typed, checked.

    Raises:
        UsageError: some of it makes no sense.
    """
    status, delay_s = read_response(door.respond or ())
    targets = [read_target(text) for text in forwarding.forward_to or ()]
    targets += [read_route(text) for text in forwarding.routes or ()]
    return ListenOptions(
        port=door.port,
        tunnel=tunnel,
        callback_url=read_url(door.callback_url),
        is_tokenless=door.is_tokenless,
        is_rotating=door.is_rotating,
        is_keeping=not door.is_forgetful,
        wanted=read_wanted(choice),
        until=read_until(choice),
        timeout_s=read_timeout(choice.timeout),
        status=status,
        delay_s=delay_s,
        command=command,
        is_stdout_ours=is_stdout_ours,
        targets=tuple(targets),
        manner=delivery.manner(),
    )


def read_response(texts: Sequence[str]) -> tuple[int, float]:
    """Return the status and the delay in seconds that `--respond` asks for.

    Raises:
        UsageError: it is neither.
    """
    status, delay_s = 200, 0.0
    for text in texts:
        word, is_delay, seconds = text.strip().partition("delay=")
        try:
            if is_delay and not word:
                delay_s = float(seconds)
            else:
                status = int(text)
        except ValueError:
            raise _not_a_response(text) from None
    if status not in _ANSWERS or status in _BODILESS:
        raise _not_a_response(str(status))
    if not 0 <= delay_s <= LONGEST_DELAY_S:
        raise _not_a_response(f"delay={delay_s:g}")
    return status, delay_s


def read_url(text: str | None) -> str | None:
    """Return the person's own URL, without a slash at its end.

    Raises:
        UsageError: it is no address that can be called.
    """
    if text is None:
        return None
    try:
        split = urlsplit(text)
        is_good = split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        is_good = False
    if not is_good or split.query or split.fragment:
        raise UsageError(
            f"--callback-url {text}: not the beginning of a URL",
            hint="--callback-url https://example.com",
        )
    return text.rstrip("/")


def read_wanted(choice: Choice) -> Wanted:
    """Return which callbacks are wanted.

    Raises:
        UsageError: there is no such status.
    """
    statuses = [_status(word) for word in _words(choice.events or ())]
    return Wanted(
        task_ids=frozenset(str(named_task(each)) for each in choice.task_ids or ()),
        statuses=frozenset(statuses),
    )


def read_until(choice: Choice) -> Until:
    return Until(max_events=choice.max_events, is_final=choice.is_until_final)


def read_timeout(text: str | None) -> float | None:
    """Return the seconds of `--timeout`, None for ever.

    Raises:
        UsageError: it is no length of time.
    """
    if text is None:
        return None
    try:
        return parse_seconds(text)
    except ValueError as exc:
        complaint, *hint = (str(part) for part in exc.args)
        raise UsageError(
            f"--timeout: {complaint}", hint=hint[0] if hint else None
        ) from exc


def _words(texts: Iterable[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _status(word: str) -> str:
    status = "succeeded" if word.lower() == "succeed" else word.lower()
    if status not in STATUSES:
        raise UsageError(
            f"--events {word}: no such status", hint=f"one of {', '.join(STATUSES)}"
        )
    return status


def _not_a_response(text: str) -> UsageError:
    return UsageError(
        f"--respond {text}: neither a status that has a body nor a delay",
        hint=f"--respond 503, or --respond delay=2 (at most {LONGEST_DELAY_S:g} s)",
    )
