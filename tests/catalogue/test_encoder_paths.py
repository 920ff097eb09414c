from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import encoder
from kling_cli.errors import UsageError

BODY = {"a": {"b": [{"c": 1}, None]}, "d": 0}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.0.c", 1),
        ("d", 0),
        ("a.b.1", None),
        ("a.b.2", None),
        ("a.b.x", None),
        ("a.x.y", None),
        ("d.x", None),
        ("a.b.0", {"c": 1}),
    ],
)
def test_a_path_returns_a_value_or_none(path: str, found: object) -> None:
    assert encoder.get_path(BODY, path) == found


@pytest.mark.parametrize(
    ("start", "path", "wanted"),
    [
        ({}, "a.b", {"a": {"b": 9}}),
        ({}, "a.0.b", {"a": [{"b": 9}]}),
        ({"a": [1, 2]}, "a.1", {"a": [1, 9]}),
        ({"a": [1]}, "a.5", {"a": [1, 9]}),
        ({"a": {"0": 1}}, "a.0", {"a": {"0": 9}}),
        ({"a": None}, "a.b", {"a": {"b": 9}}),
    ],
)
def test_missing_objects_on_the_path_are_created(
    start: dict[str, Any], path: str, wanted: dict[str, Any]
) -> None:
    encoder.set_path(start, path, 9)

    assert start == wanted


@pytest.mark.parametrize(("body", "path"), [({"a": []}, "a.b"), ({"a": 1}, "a.b.c")])
def test_a_path_through_something_else_is_refused(
    body: dict[str, Any], path: str
) -> None:
    with pytest.raises(UsageError, match="stands where the request has no object"):
        encoder.set_path(body, path, 9)
