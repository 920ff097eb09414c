"""The keys of `kling listen` on a terminal: one letter each, no Enter."""

from __future__ import annotations

import os
import sys
import termios
import tty
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import anyio

from kling_cli.background import background
from kling_cli.cli.output.terminal.job_control import (
    FOREGROUND_CHECK_S,
    is_in_foreground,
    share_terminal,
)
from kling_cli.cli.output.views.callbacks import new_callback_details

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.cli.output.listener.screen import Screen
    from kling_cli.listener.controls import Controls, KeyReader

HELP = "keys: r replay last, d details, c copy URL, p pause forwarding, q quit"

KeyAction = Callable[["Controls"], str]


def replay_last(controls: Controls) -> str:
    """Forward the last callback again."""
    if controls.replay_last():
        return "replaying the last callback"
    return "nothing to replay: no callback yet, or no --forward-to"


def last_details(controls: Controls) -> str:
    """Return everything about the last callback, control characters escaped."""
    last = controls.last_callback
    if last is None:
        return "no callback yet"
    return "\n".join(new_callback_details(last, controls.outcomes_of(last.id)))


def copy_url(controls: Controls) -> str:
    """Return the OSC 52 sequence that copies the URL to the clipboard."""
    coded = b64encode(controls.callback_url.encode()).decode()
    return f"\x1b]52;c;{coded}\x07copied the callback URL"


def toggle_pause(controls: Controls) -> str:
    """Pause forwarding, or forward what was queued meanwhile."""
    if controls.is_paused:
        controls.resume()
        return "forwarding again"
    controls.pause()
    return "forwarding paused: callbacks are kept, p passes them on"


def quit_listener(controls: Controls) -> str:
    """Stop the listener as Ctrl-C would, but with exit code 0."""
    controls.stop("key q")
    return "stopping"


KEYS: Mapping[str, KeyAction] = MappingProxyType(
    {
        "r": replay_last,
        "d": last_details,
        "c": copy_url,
        "p": toggle_pause,
        "q": quit_listener,
    }
)


def key_reader(output_options: OutputOptions, screen: Screen) -> KeyReader | None:
    """Return the reader of keys, where stdin and stderr are a terminal."""
    return partial(read_keys, screen=screen) if output_options.can_prompt else None


async def read_keys(controls: Controls, *, screen: Screen) -> None:
    """Handle keys until cancelled or until the terminal has vanished.

    The terminal's mode is restored at the end, and while another program has it.
    """
    keyboard = Keyboard(sys.stdin.fileno())

    @contextmanager
    def pause() -> Iterator[None]:
        with screen.pause(), keyboard.pause():
            yield

    with keyboard:
        screen.say(HELP)
        async with background() as group:
            group.start_soon(
                share_terminal, sys.stdin.fileno(), pause, not keyboard.is_taken
            )
            async for key in keyboard.keys():
                if (act := KEYS.get(key)) is not None:
                    screen.say(act(controls))
                    screen.set_paused(is_paused=controls.is_paused)


class Keyboard:
    """Reads single keys from a terminal, unbuffered and without echo.

    A context manager; Ctrl-C is a signal as usual.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    @property
    def is_taken(self) -> bool:
        """Whether the mode was set; not so for a process begun in the background."""
        return self._before is not None

    async def keys(self) -> AsyncIterator[str]:
        """Yield keys as they are typed; ends when the terminal has vanished."""
        while True:
            await anyio.wait_readable(self._terminal)
            if not is_in_foreground(self._terminal):
                await anyio.sleep(
                    FOREGROUND_CHECK_S
                )  # typed for the foreground process
                continue
            try:
                typed = os.read(self._terminal, 64)
            except OSError:
                return
            if not typed:
                return
            for key in typed.decode("ascii", "ignore").lower():
                yield key

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Restore the terminal's mode while another program has it."""
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        if not is_in_foreground(self._terminal):
            return
        with suppress(termios.error):  # it has vanished
            if self._before is None:
                self._before = termios.tcgetattr(self._terminal)
            tty.setcbreak(self._terminal, termios.TCSANOW)

    def _give_back(self) -> None:
        if self._before is None or not is_in_foreground(self._terminal):
            return
        with suppress(termios.error):
            termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)
