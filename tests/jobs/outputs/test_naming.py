from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from kling_cli.errors import UsageError
from kling_cli.jobs.outputs.naming import (
    FIELDS,
    candidate_paths,
    check_template,
    output_path,
    prompt_slug,
    safe_value,
)

VALUES = {
    "task_id": "t1",
    "external_id": "kling-e1",
    "product": "text2video",
    "model": "kling-3.0",
    "prompt": "A paper boat, at night",
    "index": "1",
    "ext": "mp4",
    "date": "2026-10-04",
    "kind": "video",
}
EVIL = [
    "../x",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a\0b",
    "\x1b[2J",
    "~root",
    "a\nb",
    "\u202e",
]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        pytest.param(None, "kling-t1.mp4", id="default"),
        pytest.param("", "kling-t1.mp4", id="empty"),
        pytest.param("boat.mp4", "boat.mp4", id="a file"),
        pytest.param("made/boat.mp4", "made/boat.mp4", id="a file in a folder"),
        pytest.param("new/", "new/kling-t1.mp4", id="a folder to be made"),
        pytest.param("there", "there/kling-t1.mp4", id="a folder that is there"),
        pytest.param("{model}.{ext}", "kling-3.0.mp4", id="fields"),
        pytest.param("{prompt}.{ext}", "A-paper-boat-at-night.mp4", id="prompt"),
        pytest.param("{prompt:.7}.{ext}", "A-paper.mp4", id="prompt with a format"),
        pytest.param("{date}/", "2026-10-04/kling-t1.mp4", id="a folder of fields"),
        pytest.param("{date}/{task_id}", "2026-10-04/t1", id="fields in the folder"),
        pytest.param("{index:0>3}.{ext}", "001.mp4", id="fields with a format"),
        pytest.param("{{a}}.mp4", "{a}.mp4", id="braces"),
    ],
)
def test_a_sole_output_goes_where_the_template_says(
    tmp_path: Path, template: str | None, name: str
) -> None:
    (tmp_path / "there").mkdir()

    assert output_path(template, tmp_path, VALUES, is_sole=True) == tmp_path / name


@pytest.mark.parametrize(
    ("template", "name"),
    [
        pytest.param(None, "kling-t1-1.mp4", id="default"),
        pytest.param("new/", "new/kling-t1-1.mp4", id="a folder"),
        pytest.param("boat.mp4", "boat-1.mp4", id="a file"),
        pytest.param("{task_id}.{ext}", "t1-1.mp4", id="fields without the index"),
        pytest.param("{index}-{task_id}.{ext}", "1-t1.mp4", id="with the index"),
        pytest.param("{index:0>3}", "001", id="with the index, formatted"),
    ],
)
def test_one_of_several_outputs_has_its_index_in_the_name(
    tmp_path: Path, template: str | None, name: str
) -> None:
    assert output_path(template, tmp_path, VALUES, is_sole=False) == tmp_path / name


def test_a_path_of_the_person_s_own_may_lead_anywhere(own_home: Path) -> None:
    assert output_path("/a/{ext}", Path("f"), VALUES, is_sole=True) == Path("/a/mp4")
    assert output_path("~/v", Path("f"), VALUES, is_sole=True) == own_home / "v"


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{task}.mp4", id="an unknown field"),
        pytest.param("{}.mp4", id="a field without a name"),
        pytest.param("{0}.mp4", id="a numbered field"),
        pytest.param("{task_id.real}", id="an attribute"),
        pytest.param("{task_id[0]}", id="an item"),
        pytest.param("{task_id", id="an open brace"),
        pytest.param("task_id}", id="a closed brace"),
        pytest.param("{index:03d}", id="a format for numbers"),
        pytest.param("{index:{task_id}}", id="a field in a format"),
        pytest.param("{index!q}", id="an unknown conversion"),
        pytest.param("~nobody-of-this-name/v.mp4", id="no such home"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_before_anything_is_sent(
    template: str,
) -> None:
    with pytest.raises(UsageError) as caught:
        check_template(template)

    assert template in caught.value.message
    assert "{task_id}" in (caught.value.hint or "")


@pytest.mark.parametrize("template", ["", "v.mp4", "{{}}", "{date}/{index:>3}.{ext}"])
def test_a_template_that_can_be_filled_is_taken_and_filled(
    template: str, tmp_path: Path
) -> None:
    check_template(template)

    path = output_path(template, tmp_path, VALUES, is_sole=True)
    assert path.parent in {tmp_path, tmp_path / VALUES["date"]}


EVIL_TEXT = st.one_of(st.text(), st.sampled_from(EVIL))


@given(
    values=st.fixed_dictionaries(dict.fromkeys(FIELDS, EVIL_TEXT)),
    template=st.sampled_from([None, *(f"{{{name}}}" for name in FIELDS)]),
    is_sole=st.booleans(),
)
def test_values_of_the_api_cannot_leave_the_folder(
    values: dict[str, str], template: str | None, *, is_sole: bool
) -> None:
    folder = Path("/somewhere/made")

    path = output_path(template, folder, values, is_sole=is_sole)

    assert path.parent == folder
    assert os.path.normpath(path) == str(path)
    assert path.name.isprintable()
    assert len(os.fsencode(path.name)) < 255


@given(value=EVIL_TEXT)
def test_a_value_becomes_a_part_of_a_name_that_hides_nothing(value: str) -> None:
    safe = safe_value(value)

    assert safe
    assert not safe.startswith(".")
    assert safe.isascii()
    assert safe.isprintable()
    assert "/" not in safe


def test_an_ordinary_value_stays_as_it_is() -> None:
    assert safe_value("kling-3.0_a+b=c,d@e f") == "kling-3.0_a+b=c,d@e f"


def test_free_names_are_numbered_before_the_suffix() -> None:
    names = [path.name for path in islice(candidate_paths(Path("/a/v.tar.gz")), 3)]

    assert names == ["v.tar.gz", "v.tar-1.gz", "v.tar-2.gz"]


@pytest.mark.parametrize(
    ("prompt", "part"),
    [
        pytest.param("A boat: 3/4 view.", "A-boat-3-4-view", id="signs"),
        pytest.param("-rf ../.. ~", "rf", id="nothing that means something"),
        pytest.param("漢字の猫、四匹。", "漢字の猫-四匹", id="another script"),
        pytest.param("e\u0301te\u0301", "été", id="one form of each letter"),
        pytest.param("\x1b[2J\udcff\u202e", "2J", id="hostile"),
        pytest.param("", "untitled", id="nothing"),
        pytest.param("?!", "untitled", id="no words"),
        pytest.param("word " * 20, "-".join(["word"] * 8), id="cut after a word"),
        pytest.param("x" * 99, "x" * 40, id="one long word"),
    ],
)
def test_a_prompt_becomes_a_short_part_of_a_name(prompt: str, part: str) -> None:
    assert prompt_slug(prompt) == part


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_prompt_can_neither_leave_the_folder_nor_be_too_long(prompt: str) -> None:
    part = prompt_slug(prompt)

    assert part == Path(part).name
    assert 0 < len(part.encode()) <= 100
    assert part[0] not in ".-~"
