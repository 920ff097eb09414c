"""Views of the account: deductions in rows or grouped, and resource packs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import floor, fsum
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.listing import EmptyMessage, Listing, truncation_note
from kling_cli.cli.output.tables import Column, plain_table, stdout_table
from kling_cli.cli.output.terminal.text import optional_timestamp

if TYPE_CHECKING:
    from kling_cli.api import Deduction, Pack, PagedItems

_DECIMALS = 6
_UNKNOWN = "unknown"


def deduction_listing(  # noqa: PLR0913 -- one argument an option of the command
    command: str,
    found: PagedItems[Deduction],
    *,
    since: str,
    limit: int,
    by: str | None,
    left: Sequence[dict[str, Any]] | None = None,
) -> Listing:
    """Return the listing of deductions; `by` groups the lines for people.

    `left` is the balance of cash, by `cash_left`.
    """
    facts = {} if left is None else {"left": list(left)}
    sums = deduction_totals(found.items)
    return Listing(
        command=command,
        facts={
            "deductions": [deduction_document(row) for row in found.items],
            "totals": sums,
            "has_more": found.has_more,
            **facts,
        },
        lines=_deduction_table(found.items) if by is None else grouped_lines(sums, by),
        ids=[row.task_id for row in found.items if row.task_id],
        notes=[f"spent {_amount_text(one['amount'])} {one['unit']}" for one in sums],
        warnings=[
            *map(_cash_left_text, left or ()),
            *([truncation_note(limit)] if found.has_more else ()),
        ],
        empty=EmptyMessage(
            f"nothing was spent in this time (--since {since})",
            "--since 365d looks further back; kling account packs shows what is left"
            " in the resource packs",
        ),
    )


def cash_left(newest: Sequence[Deduction]) -> list[dict[str, Any]]:
    """Return the balance of each kind of cash, by its newest deduction."""
    known: dict[tuple[str, str | None], Deduction] = {}
    for row in newest:
        if row.left_after is not None:
            known.setdefault((row.unit, row.cash_type), row)
    return [
        {
            "unit": row.unit,
            "amount": row.left_after,
            "cash_type": row.cash_type,
            "as_of": optional_timestamp(row.deducted_at),
        }
        for row in known.values()
    ]


def _cash_left_text(one: dict[str, Any]) -> str:
    kind = " (test balance)" if one["cash_type"] == "test_balance" else ""
    as_of = f", as of {one['as_of']}" if one["as_of"] else ""
    return f"left {_amount_text(one['amount'])} {one['unit']}{kind}{as_of}"


def deduction_totals(rows: Sequence[Deduction]) -> list[dict[str, Any]]:
    """Return the sums of deductions: in units, and in each currency."""
    units = dict.fromkeys(row.unit for row in rows)
    return [_total(unit, [row for row in rows if row.unit == unit]) for unit in units]


def _total(unit: str, rows: Sequence[Deduction]) -> dict[str, Any]:
    return {
        "unit": unit,
        "amount": _sum(rows),
        "by_model": _sums(rows, lambda row: row.model or row.product or _UNKNOWN),
        "by_day": _sums(rows, _day),
    }


def _sums(rows: Sequence[Deduction], key: Any) -> dict[str, float]:
    """Return the sums by key, the largest first."""
    groups: dict[str, list[Deduction]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    sums = {name: _sum(group) for name, group in groups.items()}
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def _day(row: Deduction) -> str:
    at = row.deducted_at
    return at.astimezone(UTC).strftime("%Y-%m-%d") if at else _UNKNOWN


def _sum(rows: Sequence[Deduction]) -> float:
    return round(fsum(row.amount or 0.0 for row in rows), _DECIMALS)


def grouped_lines(sums: Sequence[dict[str, Any]], by: str) -> Iterator[str]:
    """Yield a line for each model, or for each day, the newest first."""
    rows = [
        (name, _amount_text(amount), one["unit"])
        for one in sums
        for name, amount in one[f"by_{by}"].items()
    ]
    return plain_table(sorted(rows, reverse=True) if by == "day" else rows)


def _deduction_table(rows: Sequence[Deduction]) -> Iterator[str]:
    titles = (
        Column(heading="spent at", drop_order=5),
        Column(heading="spent"),
        Column(heading="unit"),
        Column(heading="task"),
        Column(heading="model", drop_order=3),
        Column(heading="what", drop_order=2),
        Column(heading="left after", drop_order=1),
    )
    return stdout_table(
        titles,
        [_terminal_cells(row) for row in rows],
        plain_rows=[_deduction_cells(row) for row in rows],
    )


def _terminal_cells(row: Deduction) -> tuple[str | None, ...]:
    """Return the cells with the time formatted for a person."""
    at = row.deducted_at
    when = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if at else None
    return (when, *_deduction_cells(row)[1:])


def _deduction_cells(row: Deduction) -> tuple[str | None, ...]:
    what = [row.product, row.resolution, _seconds(row.duration_s)]
    return (
        optional_timestamp(row.deducted_at),
        _amount_text(row.amount),
        row.unit,
        row.task_id,
        row.model,
        " ".join(word for word in what if word),
        _amount_text(row.left_after),
    )


def _seconds(duration_s: float | None) -> str | None:
    return f"{duration_s:g}s" if duration_s else None


def _amount_text(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:.10g}"


def deduction_document(row: Deduction) -> dict[str, Any]:
    """Return the JSON object of a deduction."""
    return {
        "task_id": row.task_id,
        "amount": row.amount,
        "unit": row.unit,
        "deducted_at": optional_timestamp(row.deducted_at),
        "product": row.product,
        "model": row.model,
        "resolution": row.resolution,
        "duration_s": row.duration_s,
        "sound": row.sound,
        "has_video_input": row.has_video_input,
        "has_voice_control": row.has_voice_control,
        "left_before": row.left_before,
        "left_after": row.left_after,
        "api_key_name": row.api_key_name,
        "product_type": row.product_type,
        "pack_id": row.pack_id,
        "cash_type": row.cash_type,
        "list_price": row.list_price,
    }


BAR_WIDTH = 16
_DAY_S = 86_400
# The API's status and its label; those that can pay come first.
_STATUS_LABELS = {
    "online": "online",
    "toBeOnline": "not yet online",
    "runOut": "used up",
    "expired": "expired",
}


def sorted_packs(packs: Iterable[Pack]) -> list[Pack]:
    """Return the packs that can pay first, of these the one that ends first."""
    words = list(_STATUS_LABELS)

    def key(pack: Pack) -> tuple[int, float, str]:
        rank = words.index(pack.status) if pack.status in words else len(words)
        ends = pack.ends_at.timestamp() if pack.ends_at else float("inf")
        return rank, ends, pack.name

    return sorted(packs, key=key)


def pack_document(pack: Pack, now: datetime) -> dict[str, Any]:
    """Return the JSON object of a pack."""
    return {
        "id": pack.id,
        "name": pack.name,
        "type": pack.type,
        "status": pack.status,
        "total_units": pack.total_units,
        "left_units": pack.left_units,
        "bought_at": optional_timestamp(pack.bought_at),
        "begins_at": optional_timestamp(pack.begins_at),
        "ends_at": optional_timestamp(pack.ends_at),
        "days_left": days_left(pack, now),
    }


def pack_lines(packs: Sequence[Pack], now: datetime) -> Iterator[str]:
    """Yield one line a pack: with a bar for a person, in plain columns for a pipe."""
    titles = (
        Column(heading="pack"),
        Column(heading="", drop_order=1),  # the bar
        Column(heading="units left"),
        Column(heading="state"),
        Column(heading="ends", drop_order=2),
    )
    return stdout_table(
        titles,
        [pack_terminal_cells(pack, now) for pack in packs],
        plain_rows=[_pack_cells(pack, now) for pack in packs],
    )


def days_left(pack: Pack, now: datetime) -> int | None:
    """Return the whole days until the pack ends, never below 0."""
    if pack.ends_at is None:
        return None
    return max(0, floor((pack.ends_at - now).total_seconds() / _DAY_S))


def units_bar(left: float, total: float) -> str:
    """Return how full a pack is; with anything left, at least one cell."""
    share = min(1.0, max(0.0, left / total)) if total > 0 else 0.0
    full = max(round(share * BAR_WIDTH), int(left > 0 and total > 0))
    return f"[{'#' * full}{'.' * (BAR_WIDTH - full)}]"


def pack_terminal_cells(pack: Pack, now: datetime) -> tuple[str | None, ...]:
    """Return the cells of a pack on a terminal: name, bar, units, status, end."""
    is_known = pack.left_units is not None and pack.total_units is not None
    full = units_bar(pack.left_units or 0, pack.total_units or 0) if is_known else None
    left = f"{_units_number(pack.left_units)} of {_units_number(pack.total_units)}"
    status = _STATUS_LABELS.get(pack.status or "", pack.status)
    return pack.name, full, left, status, _end_text(pack, now)


def _end_text(pack: Pack, now: datetime) -> str | None:
    days = days_left(pack, now)
    if pack.ends_at is None or days is None:
        return None
    date = pack.ends_at.strftime("%Y-%m-%d")
    if pack.ends_at <= now:
        return f"ended {date}"
    return f"{date}, in {days} day{'' if days == 1 else 's'}"


def _pack_cells(pack: Pack, now: datetime) -> tuple[str | None, ...]:
    days = days_left(pack, now)
    return (
        pack.name,
        pack.status,
        _units_number(pack.left_units),
        _units_number(pack.total_units),
        optional_timestamp(pack.ends_at),
        None if days is None else str(days),
    )


def _units_number(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:.10g}"
