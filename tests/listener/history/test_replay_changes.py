from __future__ import annotations

import json

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.history.replay import with_changes
from tests.listener.stored_callbacks import a_callback

SIGNED = (("webhook-signature", "v1,x"), ("content-type", "application/json"))


def test_without_changes_not_a_byte_is_other() -> None:
    callback = a_callback(raw=b"\xff", headers=SIGNED)

    assert with_changes(callback, {}) is callback


def test_values_change_by_dotted_key_and_the_signature_is_gone() -> None:
    callback = a_callback(
        raw=b'{"a": {"b": [1, {"c": 2}]}, "x": "\xc3\xa9"}', headers=SIGNED
    )

    changed = with_changes(
        callback, {"a.b.1.c": 3, "a.b.0": None, "new.one": "y", "x": 1}
    )

    assert json.loads(changed.raw) == {
        "a": {"b": [None, {"c": 3}]},
        "x": 1,
        "new": {"one": "y"},
    }
    assert changed.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize("key", ["a.b.9", "a.b.x", "a.b.9.c", "x.y", "x.y.z"])
def test_a_place_that_is_not_there_is_refused(key: str) -> None:
    callback = a_callback(raw=b'{"a": {"b": [1]}, "x": "text"}')

    with pytest.raises(UsageError, match="no such place"):
        with_changes(callback, {key: 1})


@pytest.mark.parametrize("raw", [b"[]", b"\xff", b"[" * 100_000], ids=len)
def test_only_an_object_can_be_changed(raw: bytes) -> None:
    with pytest.raises(UsageError, match="no JSON object"):
        with_changes(a_callback(raw=raw), {"a": 1})
