from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.ingress.urls import FILE_NAME, load_token, rotate_token


def test_the_token_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = load_token(tmp_path / "state")

    assert load_token(tmp_path / "state") == first


def test_only_its_owner_can_read_the_token(tmp_path: Path) -> None:
    load_token(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o644)

    load_token(tmp_path)

    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_rotating_makes_another_token_that_stays(tmp_path: Path) -> None:
    first = load_token(tmp_path)

    second = rotate_token(tmp_path)

    assert second != first
    assert load_token(tmp_path) == second
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_damaged_token_is_no_token(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"short")

    with pytest.raises(UsageError, match="damaged") as raised:
        load_token(tmp_path)

    assert raised.value.hint is not None
    assert "--rotate-token" in raised.value.hint


@pytest.mark.parametrize("make", [load_token, rotate_token])
def test_a_folder_that_is_a_file_is_said(tmp_path: Path, make: object) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(UsageError, match="cannot be used"):
        make(tmp_path / "state")  # type: ignore[operator]  # -- either function
