"""Shots and handles inside a prompt. Source: API reference, 2.2 to 2.4 and 2.6."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from kling_cli.catalogue import prompt
from kling_cli.catalogue.prompt import Reference, Shot

HERO = Reference("elements", "11", "hero", "element_1")
HEROINE = Reference("elements", "12", "heroine", "element_2")


@pytest.mark.parametrize(
    ("text", "shots"),
    [
        pytest.param(
            "shot 1, 2, wide view; shot 2, 3, a rope;",
            (Shot(1, 2, "wide view"), Shot(2, 3, "a rope")),
            id="as documented",
        ),
        pytest.param(
            "Shot 1,2,a, b; c;SHOT 2 , 3 , d",
            (Shot(1, 2, "a, b; c"), Shot(2, 3, "d")),
            id="loosely",
        ),
        pytest.param(
            "镜头1, 2, 港口; 镜头2, 3, 绳子;",
            (Shot(1, 2, "港口"), Shot(2, 3, "绳子")),
            id="Chinese",
        ),
        pytest.param("a shot 1, 2, of rum;", (), id="not at the start"),
        pytest.param("shot in the dark", (), id="ordinary words"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_shots_are_found_in_a_prompt(text: str, shots: tuple[Shot, ...]) -> None:
    assert prompt.parse_prompt_shots(text) == shots


@given(
    st.lists(
        st.tuples(
            st.integers(1, 15), st.from_regex(r"[a-z ,]{0,9}[a-z]", fullmatch=True)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_shots_survive_a_round_trip_through_text(shots: list[tuple[int, str]]) -> None:
    numbered = tuple(
        Shot(number, seconds, words.strip(" ,") or "x")
        for number, (seconds, words) in enumerate(shots, 1)
    )

    assert prompt.parse_prompt_shots(prompt.encode_shot_text(numbered)) == numbered


def test_shots_are_typed_or_given_as_objects() -> None:
    typed = prompt.parse_shots(
        ("3:a: b", " 4 s : c ", {"duration": "5", "prompt": "d"})
    )

    assert typed == (Shot(1, 3, "a: b"), Shot(2, 4, "c"), Shot(3, 5, "d"))


@pytest.mark.parametrize(
    "value", ["a", "3:", ":a", "1.5:a", 3, None, {"duration": 3}, {"prompt": "a"}]
)
def test_an_invalid_shot_is_quoted(value: object) -> None:
    with pytest.raises(ValueError, match="is not SECONDS:WORDS"):
        prompt.parse_shots([value])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hero=11", ("hero", "11")),
        ("11", (None, "11")),
        ("room=https://x/a.png?b=c", ("room", "https://x/a.png?b=c")),
        ("https://x/a.png?b=c", (None, "https://x/a.png?b=c")),
        ("aGVsbG8=", (None, "aGVsbG8=")),
        ("aGVsbA==", (None, "aGVsbA==")),
        ("hero=", (None, "hero=")),
        ("1st=11", (None, "1st=11")),
    ],
)
def test_a_handle_is_split_from_its_value(
    text: str, parts: tuple[str | None, str]
) -> None:
    assert prompt.split_handle(text) == parts


@pytest.mark.parametrize(
    ("text", "positional"),
    [
        ("@hero and @heroine", "<<<element_1>>> and <<<element_2>>>"),
        ("@hero, @heroic, @hero-ine", "<<<element_1>>>, @heroic, @hero-ine"),
        ("@hero走", "<<<element_1>>>走"),
        ("hero @ home", "hero @ home"),
    ],
)
def test_handles_become_positions(text: str, positional: str) -> None:
    assert prompt.to_positions(text, (HERO, HEROINE)) == positional


def test_positions_become_handles_where_they_are_known() -> None:
    text = "<<<element_2>>> <<< element_1 >>> <<<element_3>>>"

    assert prompt.to_handles(text, (HERO, HEROINE)) == "@heroine @hero <<<element_3>>>"


def test_without_references_a_prompt_stays_as_it_is() -> None:
    assert prompt.to_positions("@hero", ()) == "@hero"


@given(st.lists(st.sampled_from(["@hero", "@heroine", "walks", "走", ","])))
def test_rewriting_handles_there_and_back_changes_nothing(words: list[str]) -> None:
    text = " ".join(words)
    known = (HERO, HEROINE)

    assert prompt.to_handles(prompt.to_positions(text, known), known) == text
