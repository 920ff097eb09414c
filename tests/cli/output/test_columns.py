from __future__ import annotations

from kling_cli.cli.output.tables import columns, facts


def test_columns_are_as_wide_as_they_need_to_be() -> None:
    rows = [("a", None, "long"), ("bbb", "", "x")]

    assert list(columns(rows)) == ["a    -  long", "bbb  -  x"]


def test_headings_stand_above_rows_only() -> None:
    assert list(columns([("1", "2")], headings=("one", "two"))) == [
        "one  two",
        "1    2",
    ]
    assert list(columns([], headings=("one",))) == []


def test_what_acts_on_a_terminal_is_spelled_out() -> None:
    assert list(columns([("\x1b[2J", "b\nc")])) == ["\\x1b[2J  b\\nc"]


def test_double_width_characters_are_counted_as_two_cells() -> None:
    assert list(columns([("漢字", "b"), ("abc", "b")])) == ["漢字  b", "abc   b"]


def test_words_of_a_fact_that_do_not_fit_go_on_below_it() -> None:
    words = "last-frame negative-prompt watermark sound"

    assert facts([("kling", words)], width=30) == [
        "kling  last-frame",
        "       negative-prompt",
        "       watermark sound",
    ]
    assert facts([("kling", words)], width=20) == [f"kling  {words}"]


def test_facts_leave_out_what_is_not_known() -> None:
    assert facts([("a", "1"), ("long", None), ("b", "x\ty")], indent=" ") == [
        " a  1",
        " b  x\\ty",
    ]
    assert facts([]) == []
