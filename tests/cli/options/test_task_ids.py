from __future__ import annotations

import pytest

from kling_cli.cli.options.values import parse_task_ids
from kling_cli.errors import UsageError


def test_ids_are_kept_in_order_and_once_each() -> None:
    assert parse_task_ids(["\ufeffb\r", " a ", "b"]) == ("b", "a")


def test_an_unset_variable_is_no_id() -> None:
    with pytest.raises(UsageError, match="empty"):
        parse_task_ids(["1", ""])
