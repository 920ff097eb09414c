from __future__ import annotations

import pytest

from kling_cli.catalogue.constraints import (
    Violation,
    describe_limits,
    is_url,
    violations,
)
from kling_cli.catalogue.definition.schema import Field, FieldKind, Limits

LIST = Field(name="masks", kind=FieldKind.JSON, help="")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(choices=(5,)), "5"),
        (Limits(choices=("a", "b", "c")), "a, b or c"),
        (Limits(minimum=0, maximum=1), "0 to 1"),
        (Limits(max_length=9), "at most 9 characters"),
    ],
)
def test_limits_are_described_in_words(limits: Limits, words: str) -> None:
    assert describe_limits(limits) == words


def test_a_list_without_keys_is_only_counted() -> None:
    found = list(violations(LIST, Limits(max_items=1), [1, "a"]))

    assert found == [Violation("items", "at most 1", [1, "a"])]


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        ("https://x/a.png", True),
        ("HTTP://x", True),
        ("ftp://x", False),
        ("https://", False),
        ("https://x y", False),
        ("iVBORw0KGgo", False),
    ],
)
def test_a_url_is_distinguished_from_content(value: str, is_it: bool) -> None:
    assert is_url(value) is is_it
