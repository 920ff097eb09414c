from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from kling_cli.api.task import TaskStatus
from kling_cli.cli.report.board import Board, after
from kling_cli.cli.report.drawing import ASCII, Canvas, draw
from kling_cli.errors import UnreachableError
from kling_cli.jobs import events as happened
from kling_cli.jobs.events import Event
from tests.cli.examples import (
    EXTERNAL_ID,
    TASK_ID,
    downloading,
    prepared,
    status_changed,
    submitted,
)

READY = happened.CallbackPath(state="ready", via="ngrok")
ASKING = happened.Asking(task_ids=(TASK_ID,), in_s=90.0)


def drawn(*events: Event, now: float, width: int = 80, height: int = 24) -> list[str]:
    """Return the display at `now`, all events having happened at 0."""
    board = Board()
    for event in events:
        board = after(board, event, 0.0)
    canvas = Canvas(width, height, now)
    return [line.plain for line in draw(board, canvas)]


def test_a_running_job_shows_what_time_path_and_next_question() -> None:
    lines = drawn(
        prepared(),
        READY,
        submitted(),
        status_changed(TaskStatus.PROCESSING),
        ASKING,
        now=45.0,
    )

    assert lines == [
        f"⠋ text2video · kling-3.0-turbo · {TASK_ID} · about 4 units, $0.56",
        f"  processing {'━' * 20}{'╌' * 20} 0:45 of about 1:30",
        "  callbacks can come in through ngrok · asking again in 0:45",
    ]


def test_before_the_submit_there_is_no_bar() -> None:
    lines = drawn(prepared(), now=3.0)

    assert lines == [
        f"⠼ text2video · kling-3.0-turbo · {EXTERNAL_ID} · about 4 units, $0.56",
        "  submitting · 0:03",
    ]


def test_the_prompt_is_shown_on_one_line_and_shortened() -> None:
    lines = drawn(prepared(prompt="A boat\n" * 40), now=3.0, width=20)

    assert lines[-2] == "  A boat A boat A b…"


def test_an_api_that_is_down_is_said_with_the_try_and_when_the_next_is() -> None:
    down = UnreachableError("the API at x cannot be reached")
    failed = happened.SendFailed(
        external_id=EXTERNAL_ID, error=down, attempt=2, most_attempts=6, retry_s=4.0
    )

    assert drawn(prepared(), failed, now=1.0)[1:] == [
        "  submitting · 0:01",
        "  the API at x cannot be reached · try 2 of 6",
        "  trying again in 0:03",
    ]


def test_an_api_that_is_down_is_said_before_any_task_is_known() -> None:
    failed = happened.AskFailed(error=UnreachableError("x is down"), retry_s=4.0)

    assert drawn(failed, now=1.0) == ["  x is down · try 1", "  trying again in 0:03"]


def test_a_job_that_takes_longer_than_usual_says_so() -> None:
    lines = drawn(submitted(), now=100.0)

    assert lines[1] == f"  submitted {'━' * 40} 1:40, usually 1:30"


def test_a_download_shows_size_rate_and_rest() -> None:
    board = Board()
    for now, done in [(0.0, 0), (2.0, 2 * 1024**2)]:
        board = after(board, submitted(), 0.0) if not board.rows else board
        board = after(board, downloading(done, 4 * 1024**2), now)

    lines = [line.plain for line in draw(board, Canvas(80, 24, 2.0))]

    assert lines[2] == f"  kling-{TASK_ID}.mp4"
    assert lines[3].endswith("2.0 MB of 4.0 MB · 1.0 MB/s · 0:02 left")
    assert lines[3].count("━") == lines[3].count("╌")


def test_a_download_of_unknown_length_has_no_bar() -> None:
    lines = drawn(submitted(), downloading(2048, None), now=0.0)

    assert lines[-1] == "  2.0 KB"


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_fact_is_cut(width: int) -> None:
    lines = drawn(
        prepared(),
        READY,
        submitted(),
        status_changed(TaskStatus.PROCESSING),
        ASKING,
        downloading(1000, 2000),
        now=10.0,
        width=width,
    )

    assert max(map(cell_len, lines)) <= width
    unwrapped = re.sub(r"\s", "", "".join(lines))
    for fact in (TASK_ID, "kling-3.0-turbo", "1000Bof2.0KB", "throughngrok"):
        assert fact in unwrapped


def test_wide_characters_count_twice() -> None:
    lines = drawn(submitted(product="猫" * 30), now=0.0, width=40)

    assert max(map(cell_len, lines)) <= 40
    assert "".join(lines).count("猫") == 30


def test_several_jobs_are_rows_and_ended_ones_leave() -> None:
    ids = [str(n) for n in range(1, 4)]
    events: list[Event] = [
        submitted(task_id=one, external_id=f"e{one}", usual_s=None) for one in ids
    ]
    board = Board()
    for event in events:
        board = after(board, event, 0.0)
    board = board.with_row("2", 0.0, is_done=True)

    lines = [line.plain for line in draw(board, Canvas(80, 24, 0.0))]

    assert lines == [
        "⠋ 1 · kling-3.0-turbo",
        "  submitted · 0:00",
        "⠋ 3 · kling-3.0-turbo",
        "  submitted · 0:00",
        "  1 of 3 tasks done",
    ]


def test_more_jobs_than_the_screen_has_lines_are_counted() -> None:
    events = [
        submitted(task_id=str(n), external_id=f"e{n}", usual_s=None) for n in range(40)
    ]

    lines = drawn(*events, now=0.0, height=12)

    assert len(lines) < 12
    assert lines[-2:] == ["  and 36 more", "  0 of 40 tasks done"]


def test_words_of_the_api_are_drawn_harmlessly() -> None:
    lines = drawn(submitted(model="\x1b[2J"), now=0.0)

    assert "\\x1b[2J" in lines[0]
    assert "\x1b" not in "".join(lines)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    board = after(Board(), submitted(), 0.0)

    lines = [line.plain for line in draw(board, Canvas(80, 24, 45.0, ASCII))]

    assert all(line.isascii() for line in lines)
    assert "####" in lines[1]
