"""JSON from a text, a file, or standard input."""

from __future__ import annotations

import io
import sys

import pytest

from kling_cli.cli.options.values import read_json
from kling_cli.errors import UsageError
from kling_cli.jobs.order import json_or_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("7", 7, id="number"),
        pytest.param("[1, null]", [1, None], id="list"),
        pytest.param("words", "words", id="words"),
        pytest.param("NaN", "NaN", id="no number of JSON"),
        pytest.param("[" * 100_000, "[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_json_is_the_text_itself(text: str, value: object) -> None:
    assert json_or_text(text) == value


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        pytest.param(b"{", "is not JSON", id="half"),
        pytest.param(b"\xff\xfe\xff", "is not JSON", id="bytes"),
        pytest.param(b"[" * 100_000, "is not JSON", id="deep"),
        pytest.param(b'{"set": {"a": NaN}}', "NaN is no number", id="NaN"),
        pytest.param(b'{"set": {"a": 1e999}}', "1e999 is no number", id="infinite"),
        pytest.param(None, "standard input is closed", id="closed"),
    ],
)
def test_standard_input_that_is_no_json_is_refused(
    raw: bytes | None, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = None if raw is None else io.TextIOWrapper(io.BytesIO(raw))
    monkeypatch.setattr(sys, "stdin", stdin)

    with pytest.raises(UsageError) as caught:
        read_json("-", hint="do this")

    assert complaint in caught.value.message
    assert caught.value.hint == "do this"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"no-such\.json: No such file"):
        read_json("no-such.json", hint="do this")
