"""The picture of the live display in the README, drawn by the display itself."""

from __future__ import annotations

import io
import re

from rich.console import Console

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.output.live.display import permanent_lines
from kling_cli.cli.output.live.progress import ProgressModel, apply_event
from kling_cli.cli.output.live.renderer import RenderOptions, render
from kling_cli.jobs import events

COLUMNS = 92
PROMPT = "A paper boat on a rainy street"
TASK_ID = "988755600534027551"
USUAL_S = 28.0
SHOWN_AT_S = 13.0

# What happened in the run, and at which second of it.
RUN = (
    (
        0.0,
        events.Prepared(
            external_id="kling-3b78c2d13749384aafee",
            product="text2video",
            model="kling-3.0-turbo",
            units=4.0,
            usd=0.56,
            usual_s=USUAL_S,
            prompt=PROMPT,
        ),
    ),
    (0.0, events.CallbackPath(state="ready", via="ngrok")),
    (
        0.0,
        events.Submitted(
            external_id="kling-3b78c2d13749384aafee",
            task_id=TASK_ID,
            product="text2video",
            model="kling-3.0-turbo",
            usual_s=USUAL_S,
            prompt=PROMPT,
        ),
    ),
    (3.0, events.CallbackPath(state="proven", via="ngrok")),
    (
        3.0,
        events.StatusChanged(
            task_id=TASK_ID,
            status=TaskStatus.PROCESSING,
            message=None,
            by="callback",
        ),
    ),
    (3.0, events.Querying(task_ids=(TASK_ID,), in_s=90.0)),
)


def picture() -> str:
    """Return the SVG of a terminal in the middle of a run."""
    console = Console(
        width=COLUMNS,
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(f'$ kling text2video "{PROMPT}"')
    board = ProgressModel()
    for at_s, event in RUN:
        board = apply_event(board, event, at_s)
        for line in permanent_lines(event):
            console.print(line)
    for line in render(board, RenderOptions(COLUMNS, 24, SHOWN_AT_S)):
        console.print(line)
    svg = console.export_svg(title="kling", unique_id="kling")
    # nobody who looks at it should have to fetch a font from a third party
    svg = re.sub(r"(?s)\s*@font-face \{.*?\}", "", svg)
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def words(svg: str) -> list[str]:
    """Return the text of a picture, independent of the version of rich."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)
