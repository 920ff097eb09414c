"""The status line of `kling listen`: its text, and that it overwrites no output."""

from __future__ import annotations

import errno
import io
import re
from itertools import pairwise

import pytest

from kling_cli.cli.output.listener.screen import (
    ListenerState,
    StatusLine,
    masked_url,
)
from kling_cli.listener import events
from kling_cli.listener.events import ListenerEvent
from tests.cli.output.listener.test_lines import FORWARDED, SEEN

SECRET = "tokenoftheperson"
PUBLIC = f"https://abc.example.app/callback/{SECRET}"
READY = events.Ready(
    callback_url=PUBLIC,
    local_url=f"http://127.0.0.1:1/callback/{SECRET}",
    forward_to=("http://127.0.0.1:3000/hook",),
)
FAILED = events.Forwarded(
    number=12, method="POST", url="http://a/b", status=500, duration_s=0.1
)


def tunnel(state: str, url: str | None = None) -> events.TunnelChanged:
    return events.TunnelChanged(
        state=state,  # type: ignore[arg-type]  # -- one of its words
        public_url="https://abc.example.app",
        callback_url=url,
    )


def text_after(*lines: ListenerEvent, columns: int = 100) -> str:
    state = ListenerState()
    for line in lines:
        state.apply(line)
    return state.text(columns, " · ")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "tunnel up · 0 received · 0 forwarded · 0 failed"),
        (
            (SEEN, SEEN, FORWARDED, FAILED),
            "tunnel up · 2 received · 1 forwarded · 1 failed",
        ),
        ((tunnel("down"),), "tunnel down · 0 received · 0 forwarded · 0 failed"),
        (
            (tunnel("died"), tunnel("up")),
            "tunnel up · 0 received · 0 forwarded · 0 failed",
        ),
        (
            (
                events.Rejected(reason="a", status=400, count=2),
                events.Rejected(reason="a", status=400, count=3),
                events.Rejected(reason="b", status=413, count=1),
            ),
            "tunnel up · 0 received · 0 forwarded · 0 failed · 4 refused",
        ),
    ],
)
def test_it_counts_and_says_how_the_tunnel_is(
    lines: tuple[ListenerEvent, ...], words: str
) -> None:
    printed = text_after(READY, *lines)

    assert printed == f"https://abc.example.app/callback/**** · {words}"
    assert SECRET not in printed


def test_a_listener_of_this_machine_that_forwards_nothing_says_less() -> None:
    local = events.Ready(
        callback_url="http://a/callback", local_url="http://a/callback"
    )

    assert text_after(local) == "http://a/callback · local only · 0 received"


def test_a_moved_tunnel_has_its_new_url_there_masked() -> None:
    printed = text_after(
        READY, tunnel("moved", f"https://new.example.app/callback/{SECRET}")
    )

    assert printed.startswith("https://new.example.app/callback/**** · tunnel up")


def test_where_it_is_narrow_the_url_is_left_out_first() -> None:
    full, host, bare = (text_after(READY, columns=n) for n in (90, 80, 50))

    assert full.startswith("https://")
    assert host.startswith("abc.example.app · tunnel up")
    assert bare == "tunnel up · 0 received · 0 forwarded · 0 failed"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (PUBLIC, "https://abc.example.app/callback/****"),
        ("https://u:p@a.example/callback?token=x", "https://a.example/****"),
        ("http://127.0.0.1:9/callback", "http://127.0.0.1:9/callback"),
        ("https://a.example/hooks/x/tok", "https://a.example/hooks/x/****"),
    ],
)
def test_a_url_is_shown_without_its_secret(url: str, shown: str) -> None:
    assert masked_url(url) == shown


class Screen(io.StringIO):
    """A terminal that records what is written to it."""

    def rows(self) -> list[str]:
        """Return the rows on the screen in the end."""
        rows = [""]
        for part in re.split(r"(\r\x1b\[J|\n)", self.getvalue()):
            if part == "\n":
                rows.append("")
            elif part == "\r\x1b[J":
                rows[-1] = ""
            else:
                rows[-1] += re.sub(r"\x1b\[\d*m", "", part)
        return rows


def test_the_line_stays_below_what_is_printed_and_goes_in_the_end() -> None:
    screen = Screen()
    status = StatusLine(screen)

    for before, after in pairwise(("one", "two", "three")):
        status.set(f"state {before}")
        with status.hidden():
            screen.write(f"log {after}\n")
    during = screen.rows()
    status.close()
    with status.hidden():
        screen.write("error: the end\n")

    assert during == ["log two", "log three", "state two"]
    assert screen.rows() == ["log two", "log three", "error: the end", ""]


def test_the_line_never_wraps() -> None:
    screen = Screen()
    StatusLine(screen).set("x" * 500)

    assert len(screen.rows()[-1]) == 79  # where nobody says how wide, 80 columns


class Gone(Screen):
    """A terminal whose other end has hung up."""

    n_tried = 0

    def write(self, _: str, /) -> int:
        self.n_tried += 1
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("is_closed", [False, True], ids=["gone", "closed"])
def test_a_terminal_that_is_gone_is_no_failure(is_closed: bool) -> None:
    screen = Gone()
    status = StatusLine(screen)
    if is_closed:
        screen.close()

    status.set("state")
    with status.hidden():
        pass
    status.close()

    assert screen.n_tried > 0
