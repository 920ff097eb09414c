"""`kling models`: selection, order and output."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.cli.commands.models import parse_capabilities, select_models
from kling_cli.cli.output.views import models as shown
from kling_cli.cli.output.views.models import model_document
from kling_cli.errors import UsageError
from tests.support.examples import HELP
from tests.support.kling import Kling
from tests.support.terminal import Terminal

VOICES = "--voice [NAME=]ID --voice [NAME=]ID --no-watermark --sound"


def ids(*args: Any) -> list[tuple[str, str]]:
    return [(one.product.name, one.model.id) for one in select_models(*args)]


def test_without_a_word_everything_is_listed_in_the_order_of_the_catalogue() -> None:
    everything = ids(None, None, [])

    assert everything == [
        (product.name, model.id)
        for product in loader.all_products()
        for model in product.models
    ]


@pytest.mark.parametrize("name", ["kling-3.0", "KLING-V3", "v3"])
def test_a_model_is_found_in_any_of_its_spellings(name: str) -> None:
    assert ids("text2video", name, []) == [("text2video", "kling-3.0")]


def test_those_that_can_are_listed_with_the_cheapest_first() -> None:
    found = select_models("image2video", None, ["last-frame", "duration=5"])

    prices = [one.offer.price for one in found if one.offer]
    assert len(prices) == len(found) > 3
    assert prices == sorted(prices)


def test_what_the_api_no_longer_has_is_listed_and_never_offered() -> None:
    listed = ids("text2video", None, [])
    able = ids("text2video", None, ["duration=5"])

    assert ("text2video", "kling-v1") in listed
    assert ("text2video", "kling-v1") not in able


@pytest.mark.parametrize(
    ("product", "name", "words", "hint"),
    [
        (None, "kling-3.O", [], "kling-3.0"),
        (None, "zzz", [], "kling models"),
        ("text2vide", None, [], "text2video"),
        (None, None, ["soud"], "sound"),
    ],
    ids=["near a model", "no model", "no product", "no such word"],
)
def test_what_means_nothing_is_refused_with_what_would(
    product: str | None, name: str | None, words: list[str], hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        select_models(product, name, words)

    assert hint in (caught.value.hint or "")


def test_words_are_parted_by_commas() -> None:
    assert parse_capabilities(["sound, 4k", "", "12s,"]) == ["sound", "4k", "12s"]


@pytest.mark.parametrize(
    ("product", "words", "command"),
    [
        (
            "text2video",
            ["sound", "4k"],
            "kling text2video PROMPT -m kling-3.0 --sound --resolution 4k",
        ),
        (
            "image2video",
            ["voice=2", "no-watermark"],
            "kling image2video IMAGE PROMPT -m kling-3.0 " + VOICES,
        ),
        (
            "goods-studio",
            ["15s"],
            "kling solution goods-studio TITLE --duration 15",
        ),
    ],
)
def test_an_offer_is_a_command_to_type(
    product: str, words: list[str], command: str
) -> None:
    first = select_models(product, None, words)[0]

    assert shown.example_command(first) == command


def test_a_line_has_price_limits_and_what_else_can_be_said() -> None:
    (line,) = shown.model_table(select_models("text2video", "kling-3.0", []))

    assert line.split("  ") == [
        "text2video",
        "kling-3.0",
        "current",
        "0.6-3/s",
        "720p,1080p,4k",
        "3-15",
        "aspect-ratio sound negative-prompt multi-shot shot shot-type voice watermark",
    ]


def test_every_word_of_a_line_is_understood_by_can() -> None:
    for one in select_models(None, None, []):
        if one.model.status == "current":
            (line,) = shown.model_table([one])
            words = [word for word in line.split("  ")[-1].split() if word != "-"]
            for word in words:
                assert ids(one.product.name, one.model.id, [word]), (one.model.id, word)


def test_a_model_is_described_with_rates_and_limits() -> None:
    lines = list(
        shown.model_details(select_models("image2video", "kling-3.0-turbo", []))
    )

    facts = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:]}
    assert lines[0] == "kling-3.0-turbo  Kling 3.0 Turbo, for kling image2video"
    assert facts["--sound"] == "always"
    assert facts["--duration"] == "3-15"
    assert facts["--shot"] == "at most 6"
    assert facts["needs"] == "api key"
    rates = [line.split(maxsplit=1)[1] for line in lines if "units " in line]
    assert rates == ["0.8/s with resolution 720p", "1/s with resolution 1080p"]


def test_a_program_gets_everything_the_catalogue_knows() -> None:
    (line,) = select_models("text2video", "kling-3.0-turbo", ["sound"])

    found = json.loads(json.dumps(model_document(line)))

    assert found["command"] == "kling text2video"
    assert found["is_default"] is True
    assert found["credentials"] == ["api_key"]
    assert found["takes"]["duration"] == {"min": 3, "max": 15, "default": 5}
    assert found["takes"]["sound"] == {"default": True, "is_fixed": True}
    assert found["rates"][0] == {
        "units": 0.8,
        "per": "second",
        "every": 1,
        "when": {"resolution": ["720p"]},
    }
    assert found["offer"] == {
        "units": 4.0,
        "usd": 0.56,
        "at_most_units": 4.0,
        "at_most_usd": 0.56,
        "rate": found["rates"][0],
        "command": "kling text2video PROMPT -m kling-3.0-turbo",
    }


def test_it_works_without_an_account_and_without_a_network(kling: Kling) -> None:
    result = kling.run(*shlex.split("models --can sound,4k -q"))

    assert (result.exit_code, result.stdout) == (0, "kling-3.0\nkling-3.0-omni\n")


def test_that_nothing_can_do_it_is_said(kling: Kling) -> None:
    result = kling.run("models", "--can", "4k,voice=3")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no model can do all of this" in result.stderr


def test_a_failure_has_the_keys_of_a_success(kling: Kling) -> None:
    good = kling.run("models", "kling-2.6", "--json").json()
    bad = kling.run("models", "--can", "soud", "--json").json()

    assert set(good) == set(bad)
    assert (bad["models"], bad["error"]["type"]) == ([], "usage")


def test_on_a_terminal_words_are_wrapped_below_headings(kling: Kling) -> None:
    terminal = Terminal(streams=("stdout", "stderr"), columns=100)

    command = ("models", "--product", "text2video")
    with kling.start(*command, terminal=terminal) as program:
        result = program.finish()

    lines = result.stdout.replace("\r\n", "\n").splitlines()
    assert lines[0].split()[:3] == ["product", "model", "status"]
    assert max(map(len, lines)) <= 100


def test_every_command_that_is_named_exists() -> None:
    named = {
        tuple(shown.command_words(one).split()) for one in select_models(None, None, [])
    }

    assert named - HELP.keys() == set()
