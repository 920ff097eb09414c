"""The keys of `kling listen` on a terminal: one letter each, no Enter."""

from __future__ import annotations

import os
import sys
import termios
import tty
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from kling_cli.cli.report.kept_callbacks import live_description

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.cli.report.listen_show import Screen
    from kling_cli.listen.controls import Controls, Keys

HELP = "keys: r replay last, d details, c copy URL, p pause forwarding, q quit"

Say = Callable[[str], None]
Act = Callable[["Controls"], str]


def replay(controls: Controls) -> str:
    """Pass the last callback on once more."""
    if controls.replay_last():
        return "replaying the last callback"
    return "nothing to replay: no callback yet, or no --forward-to"


def details(controls: Controls) -> str:
    """Return all there is to say of the last callback, in lines that are safe."""
    last = controls.last
    if last is None:
        return "no callback yet"
    return "\n".join(live_description(last, controls.facts_of(last.id)))


def copy(controls: Controls) -> str:
    """Return what makes a terminal put the URL into the clipboard (OSC 52)."""
    coded = b64encode(controls.callback_url.encode()).decode()
    return f"\x1b]52;c;{coded}\x07copied the callback URL"


def pause(controls: Controls) -> str:
    """Hold callbacks back, or pass on what was held back."""
    if controls.is_paused:
        controls.resume()
        return "forwarding again"
    controls.pause()
    return "forwarding paused: callbacks are kept, p passes them on"


def leave(controls: Controls) -> str:
    """End the listener as Ctrl-C would, but with exit code 0."""
    controls.stop("key q")
    return "stopping"


KEYS: Mapping[str, Act] = MappingProxyType(
    {"r": replay, "d": details, "c": copy, "p": pause, "q": leave}
)


def keys_of(talk: Talk, screen: Screen) -> Keys | None:
    """Return what reads the keys, where a person sits at both ends."""
    has_person = sys.stdin.isatty() and sys.stderr.isatty()
    is_wanted = has_person and not (talk.is_json or talk.is_quiet)
    return partial(read_keys, screen=screen) if is_wanted else None


async def read_keys(controls: Controls, *, screen: Screen) -> None:
    """Do what is typed until cancelled; the terminal is as before afterwards."""
    screen.say(HELP)
    with _single_keys():
        while True:
            await anyio.wait_readable(sys.stdin)
            for key in _typed():
                if (act := KEYS.get(key)) is not None:
                    screen.say(act(controls))
                    screen.set_paused(is_paused=controls.is_paused)


def _typed() -> str:

    return os.read(sys.stdin.fileno(), 64).decode("ascii", "ignore").lower()


@contextmanager
def _single_keys() -> Iterator[None]:
    """Have keys at once and unseen; Ctrl-C stays what it is."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
