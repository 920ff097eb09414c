from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kling_cli.api.account import Pack
from kling_cli.cli.output.views.account import (
    days_left,
    pack_document,
    pack_lines,
    pack_terminal_cells,
    sorted_packs,
    units_bar,
)

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)


def a_pack(name: str = "P", *, days: float | None = 30.5, **changes: Any) -> Pack:
    facts: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "type": "decreasing_total",
        "status": "online",
        "total_units": 1000.0,
        "left_units": 871.4,
        "bought_at": NOW - timedelta(days=60),
        "begins_at": NOW - timedelta(days=60),
        "ends_at": None if days is None else NOW + timedelta(days=days),
    }
    return Pack(**{**facts, **changes})


@pytest.mark.parametrize(
    ("left", "total", "full"),
    [(1000, 1000, 16), (0, 1000, 0), (0.1, 1000, 1), (500, 1000, 8), (5, 0, 0)],
)
def test_a_bar_is_as_full_as_the_pack(left: float, total: float, full: int) -> None:
    assert units_bar(left, total) == f"[{'#' * full}{'.' * (16 - full)}]"


def test_more_left_than_there_was_does_not_burst_the_bar() -> None:
    assert units_bar(3, 2) == units_bar(2, 2)


@pytest.mark.parametrize(
    ("days", "left"), [(30.5, 30), (0.5, 0), (-3.0, 0), (None, None)]
)
def test_days_are_whole_and_never_below_none(
    days: float | None, left: int | None
) -> None:
    assert days_left(a_pack(days=days), NOW) == left


def test_packs_that_can_pay_come_first_and_the_one_that_ends_first() -> None:
    packs = [
        a_pack("odd", status="frozen"),
        a_pack("expired", status="expired", days=-3),
        a_pack("later", days=60),
        a_pack("soon", days=2),
        a_pack("endless", days=None),
    ]

    names = [each.name for each in sorted_packs(packs)]

    assert names == ["soon", "later", "endless", "expired", "odd"]


def test_a_person_sees_a_bar_and_the_end() -> None:
    assert pack_terminal_cells(a_pack(), NOW) == (
        "P",
        "[##############..]",
        "871.4 of 1000",
        "online",
        "2026-11-04, in 30 days",
    )


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        (a_pack(days=1.5), ("online", "2026-10-06, in 1 day")),
        (a_pack(days=-1, status="expired"), ("expired", "ended 2026-10-03")),
        (a_pack(days=None, status="runOut"), ("used up", None)),
        (a_pack(days=None, status="frozen"), ("frozen", None)),
    ],
)
def test_words_for_how_a_pack_stands(pack: Pack, words: tuple[Any, Any]) -> None:
    assert pack_terminal_cells(pack, NOW)[3:] == words


def test_of_what_is_not_known_no_bar_is_drawn() -> None:
    cells = pack_terminal_cells(a_pack(left_units=None), NOW)

    assert cells[1:3] == (None, "? of 1000")


def test_a_pipe_gets_figures_without_a_bar() -> None:
    assert list(pack_lines([a_pack()], NOW)) == [
        "P  online  871.4  1000  2026-11-04T00:00:00.000Z  30"
    ]


def test_a_program_gets_everything() -> None:
    assert pack_document(a_pack(days=None), NOW) == {
        "id": "id-P",
        "name": "P",
        "type": "decreasing_total",
        "status": "online",
        "total_units": 1000.0,
        "left_units": 871.4,
        "bought_at": "2026-08-05T12:00:00.000Z",
        "begins_at": "2026-08-05T12:00:00.000Z",
        "ends_at": None,
        "days_left": None,
    }
