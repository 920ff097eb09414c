from __future__ import annotations

import io

from kling_cli.tunnels.ngrok.log import hear_rest, lines


def stream(raw: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")


def test_lines_are_read_to_the_end() -> None:
    assert list(lines(stream(b"a\nb"))) == ["a\n", "b"]


def test_a_log_that_somebody_has_closed_is_at_its_end() -> None:
    closed = stream(b"a\n")
    closed.close()

    assert list(lines(closed)) == []


def test_a_failure_without_a_process_has_nothing_more_to_say() -> None:
    hear_rest(ValueError("never raised"))
