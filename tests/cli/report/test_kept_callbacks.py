from __future__ import annotations

import pytest

from kling_cli.cli.report.kept_callbacks import table
from tests.cli.examples import TASK_ID
from tests.listen.kept import a_callback

KEPT = [
    a_callback(7, task_id=TASK_ID, product="text2video"),
    a_callback(8, task_id=None, status="failed", trust="mock"),
]


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (92, "event received status task product proof forwarded"),
        (80, "event received status task product forwarded"),
        (60, "event status task product forwarded"),
        (20, "event status task"),
    ],
)
def test_kept_callbacks_fit_the_terminal_with_their_ids_whole(
    width: int, headings: str
) -> None:
    lines = list(table(KEPT, {}, width=width))

    assert lines[0].split() == headings.split()
    assert TASK_ID in lines[1]
    assert max(map(len, lines)) <= max(width, 37)


def test_a_pipe_gets_every_column_without_headings() -> None:
    first, second = table(KEPT, {}, width=None)

    time = "2026-10-04T12:00:00.000Z"
    assert first == f"#7  {time}  succeeded  {TASK_ID}  text2video  secret-url  -"
    assert second.split() == ["#8", time, "failed", "-", "-", "mock", "-"]
