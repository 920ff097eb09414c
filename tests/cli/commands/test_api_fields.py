"""Fields of `kling api`: typed, nested, from files, on top of a body."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kling_cli.cli.commands.api import BodyOptions, parse_body, parse_query
from kling_cli.errors import UsageError


def body(*texts: str, values: tuple[str, ...] = (), source: str | None = None) -> Any:
    return parse_body(
        BodyOptions(texts=list(texts), values=list(values), source=source)
    )


def test_nothing_said_is_no_body() -> None:
    assert parse_body(BodyOptions()) is None


def test_a_raw_field_is_always_a_text() -> None:
    assert body("a=5", "b=true", "c=@x", "d=", "e=f=g") == {
        "a": "5",
        "b": "true",
        "c": "@x",
        "d": "",
        "e": "f=g",
    }


def test_a_field_is_json_or_else_a_text() -> None:
    values = ("a=5", "b=true", "c=null", "d=[1]", 'e={"f":2}', "g=words", "h=1e999")

    assert body(values=values) == {
        "a": 5,
        "b": True,
        "c": None,
        "d": [1],
        "e": {"f": 2},
        "g": "words",
        "h": "1e999",
    }


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        pytest.param(("a.b=1", "a.c=2"), {"a": {"b": "1", "c": "2"}}, id="dots"),
        pytest.param(("a[b][c]=1",), {"a": {"b": {"c": "1"}}}, id="brackets"),
        pytest.param(("a[b].c=1",), {"a": {"b": {"c": "1"}}}, id="both"),
        pytest.param(("a[]=1", "a[]=2"), {"a": ["1", "2"]}, id="list"),
        pytest.param(
            ("a[][t]=x", "a[][v]=1", "a[][t]=y", "a[][v]=2"),
            {"a": [{"t": "x", "v": "1"}, {"t": "y", "v": "2"}]},
            id="list of objects",
        ),
        pytest.param(
            ("a[][b][c]=1", "a[][b][d]=2", "a[][b][c]=3"),
            {"a": [{"b": {"c": "1", "d": "2"}}, {"b": {"c": "3"}}]},
            id="objects in objects",
        ),
        pytest.param(
            ("a[][b][]=1", "a[][b][]=2"), {"a": [{"b": ["1", "2"]}]}, id="lists in one"
        ),
        pytest.param(("a.0.b=1", "a.1.b=2"), {"a": [{"b": "1"}, {"b": "2"}]}, id="n"),
        pytest.param(("a=1", "a=2"), {"a": "2"}, id="the last counts"),
    ],
)
def test_keys_may_lead_deeper(texts: tuple[str, ...], wanted: dict[str, Any]) -> None:
    assert body(*texts) == wanted


def test_a_file_is_json_or_text_or_the_base64_of_its_bytes(tmp_path: Path) -> None:
    raw = b"\x89PNG\r\n"
    (tmp_path / "a.json").write_text('{"pan": 3}')
    (tmp_path / "a.txt").write_text("7 boats\n")
    (tmp_path / "a.png").write_bytes(raw)

    found = body(
        values=tuple(f"{end}=@{tmp_path}/a.{end}" for end in ("json", "txt", "png"))
    )

    assert found == {
        "json": {"pan": 3},
        "txt": "7 boats\n",
        "png": base64.b64encode(raw).decode(),
    }


def test_fields_go_on_top_of_the_input(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps({"prompt": "a boat", "settings": {"duration": 5}}))

    found = body("prompt=rain", values=("settings.seed=7",), source=str(path))

    assert found == {"prompt": "rain", "settings": {"duration": 5, "seed": 7}}


def test_the_input_alone_is_the_body_whatever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text("[1]")

    assert body(source=str(path)) == [1]
    with pytest.raises(UsageError, match="on top of a JSON object only"):
        body("a=1", source=str(path))


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        pytest.param(("prompt",), (), id="no value"),
        pytest.param(("=1",), (), id="no key"),
        pytest.param(("a..b=1",), (), id="empty step"),
        pytest.param(("a[b=1",), (), id="half a bracket"),
        pytest.param(("[]=1",), (), id="nothing but brackets"),
        pytest.param(("a=1", "a.b=2"), (), id="through a value"),
        pytest.param(("a[]=1", "a.b=2"), (), id="by a word into a list"),
        pytest.param((), ("a=@no-such-file",), id="no file"),
        pytest.param((), ("a=@bad.json",), id="bad file"),
    ],
)
def test_a_field_that_is_none_is_refused(
    texts: tuple[str, ...],
    values: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{")

    with pytest.raises(UsageError):
        body(*texts, values=values)


def test_the_fields_of_a_get_are_its_query() -> None:
    sent = BodyOptions(
        texts=["task_ids[]=1", "task_ids[]=2", "n=5"], values=["limit=5", "on=true"]
    )

    assert parse_query(sent) == {
        "task_ids": "1,2",
        "n": "5",
        "limit": "5",
        "on": "true",
    }
    assert parse_query(BodyOptions()) == {}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(BodyOptions(source="-"), id="body"),
        pytest.param(BodyOptions(texts=["a.b=1"]), id="object"),
        pytest.param(BodyOptions(values=["a=[[1]]"]), id="list in a list"),
    ],
)
def test_a_get_takes_no_body_and_no_objects(sent: BodyOptions) -> None:
    with pytest.raises(UsageError):
        parse_query(sent)
