from __future__ import annotations

import pytest

from kling_cli.cli.options.values import distinct
from kling_cli.errors import UsageError


def test_ids_are_kept_in_order_and_once_each() -> None:
    assert distinct(["\ufeffb\r", " a ", "b"]) == ("b", "a")


def test_an_unset_variable_is_no_id() -> None:
    with pytest.raises(UsageError, match="empty"):
        distinct(["1", ""])
