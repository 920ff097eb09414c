"""Undecodable bytes: refused in text that is sent, preserved in file names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.json_values import as_text, parse_json
from kling_cli.catalogue.definition.schema import CredentialKind
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.json_document import dumps
from kling_cli.errors import UsageError
from kling_cli.jobs.calls.raw import RawCall, as_request
from kling_cli.jobs.order import Order
from kling_cli.jobs.prepare import prepare
from kling_cli.store.journal import Journal
from kling_cli.text import is_text, with_replacements
from tests.jobs.factories import a_record
from tests.support.kling import Kling

NO_TEXT = os.fsdecode(b"\xff boat")
HALF_A_PAIR = json.loads('"\\ud800"')


@pytest.mark.parametrize(
    "value",
    [NO_TEXT, HALF_A_PAIR, [{"a": NO_TEXT}], {NO_TEXT: 1}, ("猫", HALF_A_PAIR)],
)
def test_what_cannot_be_written_as_utf_8_is_no_text(value: Any) -> None:
    assert not is_text(value)
    assert is_text(["", "a", "猫🙂", {"é": [None, 1.5]}])


def test_a_replacement_takes_the_place_of_what_is_none() -> None:
    assert with_replacements(f"a{HALF_A_PAIR}🙂") == "a\ufffd🙂"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"values": {"prompt": NO_TEXT}}, "PROMPT", id="prompt"),
        pytest.param(
            {"values": {"prompt": "x", "negative_prompt": HALF_A_PAIR}},
            "--negative-prompt",
            id="option",
        ),
        pytest.param(
            {"values": {"prompt": "x"}, "extra": {"seed": [NO_TEXT]}},
            "--set seed",
            id="set",
        ),
        pytest.param(
            {"values": {"prompt": "x"}, "external_id": NO_TEXT},
            "--external-id",
            id="external id",
        ),
    ],
)
def test_a_request_that_is_no_text_is_never_made(
    changes: dict[str, Any], name: str
) -> None:
    order = Order(product="text2video", **changes)

    with pytest.raises(UsageError) as caught:
        prepare(order, {CredentialKind.API_KEY}, new_id=lambda: "kling-1")

    assert caught.value.message.startswith(f"{name}: not a text")


def test_a_raw_body_and_ids_that_are_no_text_are_refused() -> None:
    path = "/text-to-video/kling-3.0-turbo"
    call = RawCall(method="POST", path=path, body={"prompt": NO_TEXT})

    with pytest.raises(UsageError, match="not a text"):
        as_request(call, new_id=str)
    with pytest.raises(UsageError, match="not a text"):
        parse_task_ids(["1", NO_TEXT])


def test_the_journal_keeps_names_of_files_and_finds_nothing_by_such_an_id(
    tmp_path: Path,
) -> None:
    entry = a_record(output=NO_TEXT, paths=(NO_TEXT,), message=HALF_A_PAIR)

    with Journal.open(tmp_path) as journal:
        journal.add_job(entry)
        journal.update_job(entry.external_id, output=f"{NO_TEXT}.mp4")
        found = journal.find_job(entry.external_id)
        by_nonsense = journal.find_job(NO_TEXT)

    assert found is not None
    assert found.output == f"{NO_TEXT}.mp4"
    assert found.paths == (NO_TEXT,)
    assert found.message == HALF_A_PAIR
    assert by_nonsense is None


def test_what_the_api_says_can_always_be_written() -> None:
    printed = parse_json(rb'{"message": "\ud800 risk"}')

    assert is_text(as_text(printed["message"]))
    assert json.loads(dumps({"path": NO_TEXT}).encode("ascii")) == {"path": NO_TEXT}


def test_a_file_is_saved_and_named_with_the_bytes_that_were_typed(kling: Kling) -> None:
    args = ("text2video", "hi", "--sandbox", "-o", os.fsdecode(b"\xff.mp4"))

    printed = subprocess.run(
        kling.command(*args),
        env=kling.env,
        cwd=kling.here,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )

    assert printed.stdout == b"\xff.mp4\n"
    assert rb"saved \udcff.mp4" in printed.stderr
    assert [os.fsencode(path.name) for path in kling.files()] == [b"\xff.mp4"]
