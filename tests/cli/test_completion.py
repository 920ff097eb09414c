from __future__ import annotations

import pytest

from tests.support.kling import Kling


def completions(kling: Kling, line: str) -> list[str]:
    """Return what bash is offered for the last word of `line`."""
    words = line.split(" ")
    result = kling.run(
        env={
            "_KLING_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    assert result.stderr == ""
    return result.lines


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kling text2", ["text2video"]),
        ("kling text2video -m kling-3", ["kling-3.0-turbo", "kling-3.0"]),
        ("kling text2video --resolution ", ["720p", "1080p", "4k"]),
        ("kling text2video --mode ", ["std", "pro", "4k"]),
        ("kling text2video --aspect-ratio 1", ["16:9", "1:1"]),
        ("kling image2video -d 1", ["10"]),
        ("kling text2video --callback ", ["auto", "require", "off"]),
        ("kling text2video --no-s", ["--no-sound"]),
        ("kling list --status s", ["submitted", "succeeded"]),
        ("kling auth log", ["login", "logout"]),
        ("kling events sh", ["show"]),
        ("kling events list --trust t", ["token"]),
    ],
)
def test_the_shell_is_offered_what_fits(
    line: str, offered: list[str], kling: Kling
) -> None:
    assert completions(kling, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str, kling: Kling) -> None:
    result = kling.run(
        "--show-completion", shell,
        env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip

    assert result.exit_code == 0
    assert "_KLING_COMPLETE" in result.stdout
