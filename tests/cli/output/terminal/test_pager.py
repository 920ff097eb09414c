"""Long lists: through the user's pager on a terminal, whole everywhere else."""

from __future__ import annotations

import pytest

from tests.support.kling import Kling
from tests.support.terminal import Terminal

MARKING = {"TERM": "xterm", "PAGER": "sed s/^/paged:/"}
COMMAND = ("models", "--product", "text2video")


@pytest.mark.parametrize(
    ("rows", "env", "is_paged"),
    [
        pytest.param(5, MARKING, True, id="longer than the screen"),
        pytest.param(24, MARKING, False, id="a screen"),
        pytest.param(5, {**MARKING, "PAGER": "cat"}, False, id="cat"),
        pytest.param(5, {**MARKING, "PAGER": ""}, False, id="none"),
        pytest.param(5, {**MARKING, "PAGER": "no-such-pager"}, False, id="not there"),
        pytest.param(5, {**MARKING, "PAGER": "'"}, False, id="nonsense"),
        pytest.param(5, {**MARKING, "TERM": "dumb"}, False, id="a dumb terminal"),
    ],
)
def test_a_list_longer_than_the_screen_goes_through_the_pager(
    kling: Kling, rows: int, env: dict[str, str], *, is_paged: bool
) -> None:
    terminal = Terminal(streams=("stdin", "stdout"), rows=rows)

    with kling.start(*COMMAND, env=env, terminal=terminal) as program:
        result = program.finish()

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.startswith("paged:") for line in lines] == [is_paged] * len(lines)
    assert lines[-1].removeprefix("paged:").startswith("text2video  kling-v1 ")


def test_a_pager_that_ends_early_is_not_an_error(kling: Kling) -> None:
    terminal = Terminal(streams=("stdin", "stdout"), rows=5)
    env = {**MARKING, "PAGER": "head -n 2"}

    with kling.start("models", env=env, terminal=terminal) as program:
        result = program.finish()

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == ""


def test_a_pipe_gets_everything_at_once(kling: Kling) -> None:
    result = kling.run(*COMMAND, env=MARKING)

    assert "paged:" not in result.stdout
