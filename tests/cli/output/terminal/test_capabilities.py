from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.cli.output.terminal.capabilities import (
    ImageProtocol,
    file_hyperlink,
    has_hyperlinks,
    hyperlink,
    image_protocol,
    notification_sequence,
)

PLAIN = {"TERM": "xterm-256color"}
ITERM = {**PLAIN, "TERM_PROGRAM": "iTerm.app"}
KITTY = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}
FOOT = {"TERM": "foot"}
OLD_VTE = {**PLAIN, "VTE_VERSION": "4205"}
VTE = {**PLAIN, "VTE_VERSION": "7600"}
TMUX = {**ITERM, "TERM": "tmux-256color", "TMUX": "/run/tmux,1,0"}
CONSOLE = {"TERM": "linux", "TERM_PROGRAM": "iTerm.app"}


@pytest.mark.parametrize(
    ("environ", "is_linked", "how", "notice"),
    [
        pytest.param(PLAIN, False, None, "\a", id="nothing known"),
        pytest.param(
            ITERM, True, ImageProtocol.ITERM, "\x1b]9;done\x1b\\", id="iTerm2"
        ),
        pytest.param(KITTY, True, ImageProtocol.KITTY, "\x1b]9;done\x1b\\", id="kitty"),
        pytest.param(
            FOOT,
            True,
            ImageProtocol.SIXEL,
            "\x1b]777;notify;kling;done\x1b\\",
            id="foot",
        ),
        pytest.param(OLD_VTE, False, None, "\a", id="an old VTE"),
        pytest.param(VTE, True, None, "\a", id="VTE"),
        pytest.param(TMUX, False, None, "\a", id="tmux"),
        pytest.param(CONSOLE, False, None, "", id="a console"),
        pytest.param({}, False, None, "", id="no terminal at all"),
    ],
)
def test_a_terminal_gets_what_it_is_known_to_understand(
    environ: dict[str, str], is_linked: bool, how: ImageProtocol | None, notice: str
) -> None:
    assert has_hyperlinks(environ) is is_linked
    assert image_protocol(environ) is how
    assert notification_sequence("done", environ) == notice


def test_links_can_be_forced_or_forbidden() -> None:
    assert has_hyperlinks({**PLAIN, "FORCE_HYPERLINK": "1"})
    assert not has_hyperlinks({**ITERM, "FORCE_HYPERLINK": "0"})


def test_text_of_a_link_or_a_notification_cannot_end_its_sequence() -> None:
    evil = "https://x/\x1b\\\a\n漢"

    assert hyperlink("text", evil) == (
        "\x1b]8;;https://x/%1B\\%07%0A%E6%BC%A2\x1b\\text\x1b]8;;\x1b\\"
    )
    assert notification_sequence("a;\x1b\\b\a", ITERM) == "\x1b]9;a,\\x1b\\b\\x07\x1b\\"
    assert len(notification_sequence("x" * 999, ITERM)) < 200


def test_a_file_is_linked_by_its_absolute_path() -> None:
    assert file_hyperlink("b", Path("/films/a b.mp4")) == (
        "\x1b]8;;file:///films/a%20b.mp4\x1b\\b\x1b]8;;\x1b\\"
    )
