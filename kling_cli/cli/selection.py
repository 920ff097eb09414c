"""`kling multi-elements`: open a video, mark what is meant, look at it, edit it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from kling_cli.cli.declare import declare
from kling_cli.cli.options import Account, Fetching, Talk
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.step import GROUP, Wanted, take
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.cli.app import Entry
    from kling_cli.jobs.selection import StepResult
    from kling_cli.products.model import Product


VideoArg = Annotated[
    str,
    typer.Argument(
        metavar="VIDEO",
        help="A URL (mp4 or mov, 2 to 5 s or 7 to 10 s, 720 to 2160 px a side), the id "
        "of a generated video, or of the task that made it.",
    ),
]
SessionArg = Annotated[
    str,
    typer.Argument(
        metavar="SESSION", help="The session that `kling multi-elements select` opened."
    ),
]
Frame = Annotated[
    int,
    typer.Option(
        "--frame", metavar="N", help="Which picture of the video, counted from 0."
    ),
]
Points = Annotated[
    list[str],
    typer.Option(
        "--point",
        metavar="X,Y",
        help="A point as shares of width and height from the upper left corner, 0 to "
        "1: 0.4,0.5. Repeatable, up to 10 in a frame, and 10 frames.",
    ),
]


def select(*, video: VideoArg, talk: Talk, account: Account) -> int:
    """Open a video for editing, and print the session.

    kling multi-elements select https://vid.example.com/cat.mp4
    """
    values = {"video": video.strip()}
    return take(
        Wanted(
            name="select",
            step="init-selection",
            values=values,
            talk=talk,
            account=account,
            told=_opened,
            shown=lambda result: iter([result.task.id]),
        )
    )


def add(
    *, session: SessionArg, frame: Frame, point: Points, talk: Talk, account: Account
) -> int:
    """Mark what is meant by points in one frame.

    kling multi-elements add 880000000000000501 --frame 0 --point 0.4,0.5
    """
    return _mark(
        name="add",
        step="add-selection",
        session=session,
        frame=frame,
        points=point,
        talk=talk,
        account=account,
    )


def remove(
    *, session: SessionArg, frame: Frame, point: Points, talk: Talk, account: Account
) -> int:
    """Take points back; frame and coordinates exactly as they were added.

    kling multi-elements remove 880000000000000501 --frame 0 --point 0.5,0.5
    """
    return _mark(
        name="remove",
        step="delete-selection",
        session=session,
        frame=frame,
        points=point,
        talk=talk,
        account=account,
    )


def clear(*, session: SessionArg, talk: Talk, account: Account) -> int:
    """Take back every point of the session.

    kling multi-elements clear 880000000000000501
    """
    return take(
        Wanted(
            name="clear",
            step="clear-selection",
            values={"session": session},
            talk=talk,
            account=account,
            told=lambda _: iter(["nothing is marked any more"]),
        )
    )


def preview(
    *, session: SessionArg, fetching: Fetching, talk: Talk, account: Account
) -> int:
    """Save what is selected in motion: a video, its cover and the tracking.

    kling multi-elements preview 880000000000000501 -o preview/
    """
    return take(
        Wanted(
            name="preview",
            step="preview-selection",
            values={"session": session},
            talk=talk,
            account=account,
            fetching=fetching,
            shown=_made,
        )
    )


class SelectionGroup(TyperGroup):
    """The steps in their order, and the product itself as `edit`."""

    def __init__(self, entry: Entry) -> None:
        from kling_cli.cli.generate import command

        steps = (select, add, remove, clear, preview)
        commands = [declare(each, name=each.__name__) for each in steps]
        super().__init__(
            name=entry.name,
            help=entry.summary,
            commands=[*commands, command(GROUP, called="edit")],
            no_args_is_help=True,
            rich_markup_mode="rich",
        )


def _mark(  # noqa: PLR0913 -- what add and remove take, one for one
    *,
    name: str,
    step: str,
    session: str,
    frame: int,
    points: list[str],
    talk: Talk,
    account: Account,
) -> int:
    def told(result: StepResult) -> Iterator[str]:
        count = len(result.task.outputs)
        yield f"frame {frame}: {count} object{'' if count == 1 else 's'} marked"

    marked = tuple(read_point(each) for each in points)
    return take(
        Wanted(
            name=name,
            step=step,
            values={"session": session, "frame": frame, "points": marked},
            talk=talk,
            account=account,
            told=told,
        )
    )


def read_point(text: str) -> dict[str, float]:
    """Return the point that was typed as `0.4,0.5`.

    Raises:
        UsageError: it is none.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = -1.0
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise UsageError(
            f"--point {text}: not two shares from 0 to 1",
            hint="--point 0.5,0.5 is the middle of the picture",
        )
    return {"x": x, "y": y}


def _made(result: StepResult) -> Iterator[str]:
    """Yield the paths of what was saved, or links to it."""
    for one in result.saved:
        yield str(one.path) if one.path else one_line(one.output.url or "")


def _opened(result: StepResult) -> Iterator[str]:
    """Yield what the video is, until when the session lives, and what to type next."""
    session = result.task.id
    video = result.task.outputs[0] if result.task.outputs else None
    facts = (video.facts if video else None) or {}
    known = [f"session {session}"]
    if video and video.duration_s is not None:
        known.append(f"{video.duration_s:g} s")
    if {"fps", "frames", "width", "height"} <= facts.keys():
        known.append(f"{facts['frames']:g} frames, {facts['fps']:g} a second")
        known.append(f"{facts['width']:g}x{facts['height']:g} px")
    if result.expires_at is not None:
        known.append(f"open until {result.expires_at:%Y-%m-%d %H:%M} UTC")
    yield ", ".join(known)
    yield f"mark something: kling {GROUP} add {session} --frame 0 --point 0.5,0.5"
    values = _lengths(video.duration_s if video else None)
    options = f"--edit swap --image FILE{values}"
    yield f"then edit it: kling {GROUP} edit {session} PROMPT {options}"


def _lengths(video_s: float | None) -> str:
    """Return the options that go with the length of the video."""
    from kling_cli.products import catalogue
    from kling_cli.products.session import fitted

    product: Product = catalogue.load(GROUP)
    if product.session is None:
        return ""
    values = fitted(product.session, {}, video_s)
    return "".join(
        f" {product.field(name).spelling} {value}" for name, value in values.items()
    )
