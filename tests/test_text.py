"""Files as editors on Windows save them are the same text as any other."""

from __future__ import annotations

import codecs
import io
import json
import sys
from pathlib import Path

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.cli.commands.api import BodyOptions, parse_body
from kling_cli.cli.commands.auth import parse_credentials
from kling_cli.cli.options.values import read_json, read_option_values
from kling_cli.errors import UsageError
from kling_cli.jobs.order import json_or_text, to_order
from kling_cli.secret import Secret
from kling_cli.settings.settings import read_settings
from kling_cli.text import NOT_TEXT, decode_text, normalize_text

WORDS = "un \u00e9t\u00e9 \U0001f6a3\nat sea\n"
BOARD = '[{"duration": 2, "prompt": "a boat"},\n"3: rain"]'

saved = pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        pytest.param(b"", "utf-8", id="UTF-8"),
        pytest.param(codecs.BOM_UTF8, "utf-8", id="UTF-8 with a mark"),
        pytest.param(codecs.BOM_UTF16_LE, "utf-16-le", id="UTF-16 LE"),
        pytest.param(codecs.BOM_UTF16_BE, "utf-16-be", id="UTF-16 BE"),
        pytest.param(codecs.BOM_UTF32_LE, "utf-32-le", id="UTF-32 LE"),
        pytest.param(codecs.BOM_UTF32_BE, "utf-32-be", id="UTF-32 BE"),
    ],
)


def windows(text: str, mark: bytes, encoding: str) -> bytes:
    return mark + text.replace("\n", "\r\n").encode(encoding)


def pipe(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


@saved
def test_every_reader_accepts_files_saved_on_windows(
    mark: bytes, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(windows(text, mark, encoding))
        return path

    product = loader.load_product("text2video")
    request = {"product": "text2video", "fields": {"prompt": WORDS}}
    save("config.toml", 'timeout = 90\n[webhook]\nsecret = """\ndGVzdA==\n"""\n')
    save("credentials.toml", 'storage = "file"\napi_key = "sk-1"\n')

    settings = read_settings({"KLING_CONFIG_DIR": str(tmp_path)})
    pipe(monkeypatch, windows(WORDS, mark, encoding))
    piped = read_option_values(product, {"prompt": "-"})
    board = save("board.json", BOARD)
    shots = read_option_values(product, {"prompt": "x", "shots": [f"@{board}"]})[
        "shots"
    ]
    parsed = read_json(str(save("request.json", json.dumps(request))), hint="")
    keys = parse_credentials(windows("ak\n\nsk\n", mark, encoding), is_pair=True)
    text, listed = save("prompt.txt", WORDS), save("list.json", "[1]\n")
    body = parse_body(BodyOptions(values=[f"prompt=@{text}", f"list=@{listed}"]))

    settings.require("webhook_secret")
    assert (settings.timeout_s, settings.api_key) == (90, Secret("sk-1"))
    assert settings.webhook_secrets == (Secret("dGVzdA=="),)
    assert piped["prompt"] == WORDS.strip()
    assert shots == ({"duration": 2, "prompt": "a boat"}, "3: rain")
    assert to_order(parsed).values["prompt"] == WORDS
    assert (keys.access_key, keys.secret_key) == (Secret("ak"), Secret("sk"))
    assert body == {"prompt": WORDS, "list": [1]}


def test_text_read_by_a_shell_from_such_a_file_is_the_same() -> None:
    product = loader.load_product("text2video")

    expected = read_option_values(product, {"prompt": "\ufeffa boat\r\nat sea\r"})

    assert expected["prompt"] == "a boat\nat sea"
    assert json_or_text('\ufeff{"a": 1}\r') == {"a": 1}
    assert read_settings({"KLING_API_KEY": "\ufeffsk-1\r"}).api_key == Secret("sk-1")
    assert normalize_text("old\rMac") == "old\nMac"


def test_a_file_that_is_not_text_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "\u00e9t\u00e9 secret".encode("latin-1")
    pipe(monkeypatch, wrong)

    with pytest.raises(ValueError, match=r"^not a UTF-8 text"):
        decode_text(codecs.BOM_UTF16_LE + b"a")
    with pytest.raises(UsageError, match=f"standard input is {NOT_TEXT}"):
        read_option_values(loader.load_product("text2video"), {"prompt": "-"})
    with pytest.raises(UsageError, match=f"stdin is {NOT_TEXT}") as caught:
        parse_credentials(wrong, is_pair=False)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("sk-hid\u200bden", "character 7 is U+200B (zero width", id="zero"),
        pytest.param("sk-hid\u00a0den", "character 7 is U+00A0 (no-break", id="space"),
        pytest.param("sk-hid den", "character 7 is U+0020 (space)", id="blank"),
        pytest.param("sk-hid\ufeffden", "character 7 is U+FEFF (zero", id="mark"),
        pytest.param("sk-hid\x07den", "character 7 is U+0007 (control", id="bell"),
        pytest.param("\u201csk-hidden\u201d", "character 1 is U+201C", id="quote"),
        pytest.param("\u200bsk-hidden", "character 1 is U+200B", id="first"),
    ],
)
def test_an_invalid_character_in_a_key_is_located(key: str, expected: str) -> None:
    settings = read_settings({"KLING_API_KEY": key})

    with pytest.raises(UsageError) as stored:
        settings.require("api_key")
    with pytest.raises(UsageError) as piped:
        parse_credentials(f" {key}\r\n".encode(), is_pair=False)

    assert stored.value.message.startswith("KLING_API_KEY has a character")
    for caught in (stored, piped):
        assert expected in caught.value.message
        assert "hid" not in f"{caught.value.message} {caught.value.hint}"
