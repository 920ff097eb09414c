from __future__ import annotations

import pytest

from kling_cli.cli.output.terminal.text import (
    format_clock,
    format_duration,
    format_size,
    format_units,
    format_usd,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "0s"),
        (0.0, "0s"),
        (1.5, "1.5s"),
        (4.0, "4s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (92.4, "1m 32s"),
        (3599.9, "1h 00m"),
        (7500.0, "2h 05m"),
    ],
)
def test_durations_are_as_precise_as_they_are_short(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "face"),
    [(-3.0, "0:00"), (42.9, "0:42"), (90.0, "1:30"), (3723.0, "1:02:03")],
)
def test_a_running_time_looks_like_a_clock(seconds: float, face: str) -> None:
    assert format_clock(seconds) == face


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (1_234_567, "1.2 MB"),
        (5 * 1024**3, "5.0 GB"),
        (5 * 1024**4, "5120.0 GB"),
    ],
)
def test_sizes_are_in_the_unit_that_keeps_them_short(n_bytes: int, words: str) -> None:
    assert format_size(n_bytes) == words


@pytest.mark.parametrize(
    ("amount", "words"), [(1.0, "1 unit"), (4.0, "4 units"), (0.8, "0.8 units")]
)
def test_units_have_no_needless_digits(amount: float, words: str) -> None:
    assert format_units(amount) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0.56, "$0.56"),
        (1.4, "$1.40"),
        (0.616, "$0.62"),
        (0.028, "$0.028"),
        (0.0, "$0.00"),
    ],
)
def test_money_has_cents_and_below_ten_their_fractions(usd: float, words: str) -> None:
    assert format_usd(usd) == words
