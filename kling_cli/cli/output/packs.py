"""Resource packs: how much is left, as a bar on a terminal, and until when."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import floor
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.columns import columns
from kling_cli.cli.output.quantities import moment
from kling_cli.cli.output.styles import is_terminal

if TYPE_CHECKING:
    from kling_cli.api.account import Pack

BAR_CELLS = 16
_DAY_S = 86_400
# The API's words, and ours for a person; those that can pay come first.
_WORDS = {
    "online": "online",
    "toBeOnline": "not yet online",
    "runOut": "used up",
    "expired": "expired",
}


def in_order(packs: Iterable[Pack]) -> list[Pack]:
    """Return the packs that can pay first, and of these the one that ends first."""
    words = list(_WORDS)

    def key(pack: Pack) -> tuple[int, float, str]:
        rank = words.index(pack.status) if pack.status in words else len(words)
        ends = pack.ends_at.timestamp() if pack.ends_at else float("inf")
        return rank, ends, pack.name

    return sorted(packs, key=key)


def document(pack: Pack, now: datetime) -> dict[str, Any]:
    """Return what `--json` says about a pack."""
    return {
        "id": pack.id,
        "name": pack.name,
        "type": pack.type,
        "status": pack.status,
        "total_units": pack.total_units,
        "left_units": pack.left_units,
        "bought_at": _moment(pack.bought_at),
        "begins_at": _moment(pack.begins_at),
        "ends_at": _moment(pack.ends_at),
        "days_left": days_left(pack, now),
    }


def lines(packs: Sequence[Pack], now: datetime) -> Iterator[str]:
    """Yield one line a pack: with a bar for a person, in plain columns for a pipe."""
    if is_terminal(sys.stdout):
        return table(packs, now, width=get_terminal_size().columns)
    return columns([_cells(pack, now) for pack in packs])


def table(packs: Sequence[Pack], now: datetime, *, width: int) -> Iterator[str]:
    """Yield headings and one line a pack, as wide as a terminal at most."""
    from kling_cli.cli.output.fit import Column, fitted

    titles = (
        Column(heading="pack"),
        Column(heading="", leaves=1),  # the bar
        Column(heading="units left"),
        Column(heading="state"),
        Column(heading="ends", leaves=2),
    )
    return fitted(titles, [drawn(pack, now) for pack in packs], width=width)


def days_left(pack: Pack, now: datetime) -> int | None:
    """Return the whole days until the pack ends, never below 0."""
    if pack.ends_at is None:
        return None
    return max(0, floor((pack.ends_at - now).total_seconds() / _DAY_S))


def bar(left: float, total: float) -> str:
    """Return how full a pack is; with anything left, at least one cell."""
    share = min(1.0, max(0.0, left / total)) if total > 0 else 0.0
    full = max(round(share * BAR_CELLS), int(left > 0 and total > 0))
    return f"[{'#' * full}{'.' * (BAR_CELLS - full)}]"


def drawn(pack: Pack, now: datetime) -> tuple[str | None, ...]:
    """Return what a person sees of a pack: name, bar, units, standing, end."""
    is_known = pack.left_units is not None and pack.total_units is not None
    full = bar(pack.left_units or 0, pack.total_units or 0) if is_known else None
    left = f"{_number(pack.left_units)} of {_number(pack.total_units)}"
    status = _WORDS.get(pack.status or "", pack.status)
    return pack.name, full, left, status, _end(pack, now)


def _end(pack: Pack, now: datetime) -> str | None:
    days = days_left(pack, now)
    if pack.ends_at is None or days is None:
        return None
    date = pack.ends_at.strftime("%Y-%m-%d")
    if pack.ends_at <= now:
        return f"ended {date}"
    return f"{date}, in {days} day{'' if days == 1 else 's'}"


def _cells(pack: Pack, now: datetime) -> tuple[str | None, ...]:
    days = days_left(pack, now)
    return (
        pack.name,
        pack.status,
        _number(pack.left_units),
        _number(pack.total_units),
        _moment(pack.ends_at),
        None if days is None else str(days),
    )


def _number(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:.10g}"


def _moment(when: datetime | None) -> str | None:
    return None if when is None else moment(when)
