from __future__ import annotations

from rich.cells import cell_len

from kling_cli.cli.output.tables import (
    Column,
    fitted_table,
    labelled_lines,
    plain_table,
    truncated,
)

COLUMNS = (
    Column(heading="id"),
    Column(heading="prompt", is_text=True),
    Column(heading="model", drop_order=2),
    Column(heading="files", drop_order=1),
)
LONG = "A paper boat on a rainy street at night"
ROW = ("88471", LONG, "kling-3.0", "boat.mp4")


def lines(width: int, columns: tuple[Column, ...] = COLUMNS) -> list[str]:
    return list(fitted_table(columns, [ROW], width=width))


def test_with_room_everything_is_shown() -> None:
    assert lines(80) == [
        "id     prompt                                   model      files",
        f"88471  {LONG}  kling-3.0  boat.mp4",
    ]
    assert list(fitted_table(COLUMNS, [], width=80)) == []


def test_the_text_is_shortened_before_a_column_is_left_out() -> None:
    assert lines(50)[1] == "88471  A paper boat on a rai…  kling-3.0  boat.mp4"
    assert lines(45)[1] == "88471  A paper boat on a rainy st…  kling-3.0"
    assert lines(30)[1] == "88471  A paper boat on a rain…"


def test_what_may_not_be_left_out_is_never_cut() -> None:
    assert lines(3)[1] == "88471  A paper…"


def test_a_wrapped_text_goes_on_below_itself() -> None:
    columns = (*COLUMNS[:1], Column(heading="words", is_wrapped=True), *COLUMNS[2:])

    assert lines(38, columns) == [
        "id     words                 model",
        "88471  A paper boat on a     kling-3.0",
        "       rainy street at",
        "       night",
    ]


def test_what_is_painted_is_padded_first() -> None:
    column = Column(heading="state", styler=lambda text, cell: f"<{cell}>{text}</>")

    assert list(
        fitted_table((column, Column(heading="id")), [("ok", "1")], width=20)
    ) == [
        "state  id",
        "<ok>ok   </>  1",
    ]


def test_text_is_cut_by_cells_and_shown_on_one_line() -> None:
    assert truncated("漢字の猫 四匹", 8) == "漢字の…"
    assert cell_len(truncated("漢字の猫 四匹", 8)) <= 8
    assert truncated("a\n b\x1b", 20) == "a b\\x1b"


def test_columns_are_as_wide_as_they_need_to_be() -> None:
    rows = [("a", None, "long"), ("bbb", "", "x")]

    assert list(plain_table(rows)) == ["a    -  long", "bbb  -  x"]


def test_headings_stand_above_rows_only() -> None:
    assert list(plain_table([("1", "2")], headings=("one", "two"))) == [
        "one  two",
        "1    2",
    ]
    assert list(plain_table([], headings=("one",))) == []


def test_what_acts_on_a_terminal_is_spelled_out() -> None:
    assert list(plain_table([("\x1b[2J", "b\nc")])) == ["\\x1b[2J  b\\nc"]


def test_double_width_characters_are_counted_as_two_cells() -> None:
    assert list(plain_table([("漢字", "b"), ("abc", "b")])) == ["漢字  b", "abc   b"]


def test_words_of_a_fact_that_do_not_fit_go_on_below_it() -> None:
    words = "last-frame negative-prompt watermark sound"

    assert labelled_lines([("kling", words)], width=30) == [
        "kling  last-frame",
        "       negative-prompt",
        "       watermark sound",
    ]
    assert labelled_lines([("kling", words)], width=20) == [f"kling  {words}"]


def test_facts_leave_out_what_is_not_known() -> None:
    assert labelled_lines([("a", "1"), ("long", None), ("b", "x\ty")], indent=" ") == [
        " a  1",
        " b  x\\ty",
    ]
    assert labelled_lines([]) == []
