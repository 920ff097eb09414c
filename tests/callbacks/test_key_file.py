from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kling_cli.callbacks.urls import KEY_BYTES, KEY_FILE_NAME, load_key
from kling_cli.errors import UsageError

SCRIPT = """
import sys, pathlib
from kling_cli.callbacks.urls import load_key
print("ready", flush=True)
sys.stdin.readline()
print(load_key(pathlib.Path(sys.argv[1])).hex())
"""


def test_the_key_is_created_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"

    key = load_key(folder)

    assert len(key) == KEY_BYTES
    assert (folder / KEY_FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert load_key(folder) == key
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.iterdir()] == [KEY_FILE_NAME]


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    assert load_key(tmp_path / "a") != load_key(tmp_path / "b")


def test_concurrent_processes_use_the_same_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"

    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    keys = {racer.communicate(timeout=30)[0].strip() for racer in racers}

    assert keys == {load_key(tmp_path).hex()}
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE_NAME]


def test_a_key_file_that_others_can_read_gets_mode_0600(tmp_path: Path) -> None:
    load_key(tmp_path)
    (tmp_path / KEY_FILE_NAME).chmod(0o644)

    load_key(tmp_path)

    assert (tmp_path / KEY_FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_an_error_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE_NAME).write_bytes(b"short")

    with pytest.raises(
        UsageError, match=r"callback\.key is damaged: 5 bytes"
    ) as caught:
        load_key(tmp_path)

    assert caught.value.hint is not None
    assert "rm '" in caught.value.hint
    assert (tmp_path / KEY_FILE_NAME).read_bytes() == b"short"


def test_an_unusable_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot be used") as caught:
        load_key(tmp_path / "file" / "below")

    assert caught.value.hint is not None
    assert "KLING_STATE_DIR" in caught.value.hint
