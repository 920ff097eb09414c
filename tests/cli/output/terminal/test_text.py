from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from kling_cli.cli.output.terminal.text import escaped_lines, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain words", "plain words", id="plain"),
        pytest.param("été 猫 🐈", "été 猫 🐈", id="other scripts"),
        pytest.param("\x1b[31mred", "\\x1b[31mred", id="escape sequence"),
        pytest.param("\x9b2J", "\\x9b2J", id="one-byte control sequence"),
        pytest.param("a\r\nb", "a\\r\\nb", id="line break"),
        pytest.param("a\u2028b", "a\\u2028b", id="line separator"),
        pytest.param("a\u2029b", "a\\u2029b", id="paragraph separator"),
        pytest.param("\u202egpj.exe", "\\u202egpj.exe", id="right-to-left override"),
        pytest.param("\u2066x\u2069", "\\u2066x\\u2069", id="isolates"),
        pytest.param("\ud800", "\\ud800", id="lone surrogate"),
        pytest.param("\0", "\\x00", id="nul"),
        pytest.param("👩\u200d🎨", "👩\u200d🎨", id="joined emoji"),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_nothing_that_acts_on_a_terminal_ever_gets_through(text: str) -> None:
    kinds = {unicodedata.category(char) for char in one_line(text) if char != "\u200d"}

    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


def test_a_text_of_our_own_keeps_its_lines() -> None:
    assert escaped_lines("one\ntwo\x07") == ["one", "two\\x07"]
