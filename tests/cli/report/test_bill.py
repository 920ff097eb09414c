from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kling_cli.api.account import Deduction
from kling_cli.api.paging import Listed
from kling_cli.cli.account_options import Period, checked_types
from kling_cli.cli.report.bill import left, listing, summed, totals
from kling_cli.errors import UsageError

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)


def a_row(
    amount: float | None = 0.1,
    unit: str = "units",
    *,
    model: str | None = "kling-3.0",
    days_ago: int = 0,
    **changes: Any,
) -> Deduction:
    facts: dict[str, Any] = {
        "task_id": "93",
        "product": "Image to Video",
        "resolution": "1080p",
        "duration_s": 5.04,
        "sound": "native",
        "has_video_input": False,
        "has_voice_control": False,
        "deducted_at": NOON - timedelta(days=days_ago),
        "left_before": None,
        "left_after": 865.4,
        "api_key_name": "prod",
        "product_type": "video",
        "pack_id": "pack1",
        "cash_type": None,
        "list_price": None,
    }
    return Deduction(amount=amount, unit=unit, model=model, **{**facts, **changes})


ROWS = [
    a_row(),
    a_row(0.2, days_ago=1),
    a_row(4.0, model="kling-2.6", days_ago=1),
    a_row(0.84, "USD"),
    a_row(None, model=None, product=None, deducted_at=None),
]


def test_sums_are_exact_and_kept_apart_by_unit() -> None:
    units, dollars = totals(ROWS)

    assert (units["unit"], units["amount"]) == ("units", 4.3)
    assert (dollars["unit"], dollars["amount"]) == ("USD", 0.84)


def test_sums_are_by_model_the_largest_first_and_by_day() -> None:
    units, _ = totals(ROWS)

    assert list(units["by_model"].items()) == [
        ("kling-2.6", 4.0),
        ("kling-3.0", 0.3),
        ("unknown", 0.0),
    ]
    assert units["by_day"]["2026-10-03"] == 4.2


def test_days_come_newest_first_and_models_dearest_first() -> None:
    sums = totals(ROWS[:3])

    assert list(summed(sums, "day")) == [
        "2026-10-04  0.1  units",
        "2026-10-03  4.2  units",
    ]
    assert next(iter(summed(sums, "model"))).startswith("kling-2.6  4")


def test_a_row_is_a_line_and_an_object() -> None:
    found = listing("account billing", Listed(items=(a_row(),)), Period())

    (line,) = found.lines
    assert line.split("  ") == [
        "2026-10-04T12:00:00.000Z",
        *("0.1", "units", "93", "kling-3.0"),
        *("Image to Video 1080p 5.04s", "865.4"),
    ]
    (row,) = found.facts["deductions"]
    assert (row["amount"], row["unit"], row["duration_s"]) == (0.1, "units", 5.04)
    assert (found.ids, list(found.warnings)) == (["93"], [])


def test_what_is_not_known_is_a_dash() -> None:
    found = listing("account billing", Listed(items=(ROWS[4],)), Period())

    assert next(iter(found.lines)).split()[:2] == ["-", "-"]


def test_it_is_said_that_there_is_more() -> None:
    more = Listed(items=(a_row(),), has_more=True)

    found = listing("account billing", more, Period(limit=1, by="day"))

    assert "--limit 0" in found.warnings[0]
    assert list(found.lines) == ["2026-10-04  0.1  units"]


def test_types_of_packs_are_known_in_either_spelling() -> None:
    assert checked_types(["video", "try_on"]) == ("video", "try-on")
    assert checked_types(None) == ()
    with pytest.raises(UsageError, match="--product-type audio"):
        checked_types(["audio"])


def test_what_is_left_in_cash_is_said_by_the_newest_row_of_each_kind() -> None:
    rows = [
        a_row(1.0, "USD", left_after=None, cash_type="balance"),
        a_row(1.0, "USD", left_after=7.5, cash_type="balance"),
        a_row(1.0, "USD", left_after=8.5, cash_type="balance", days_ago=1),
        a_row(1.0, "USD", left_after=3.0, cash_type="test_balance", days_ago=2),
    ]

    known = left(rows)
    shown = listing("account balance", Listed(items=()), Period(), known)

    assert [(one["amount"], one["cash_type"]) for one in known] == [
        (7.5, "balance"),
        (3.0, "test_balance"),
    ]
    assert shown.facts["left"] == known
    assert list(shown.warnings) == [
        "left 7.5 USD, as of 2026-10-04T12:00:00.000Z",
        "left 3 USD (test balance), as of 2026-10-02T12:00:00.000Z",
    ]
    assert shown.empty is not None
    assert "--since 30d" in shown.empty.message
