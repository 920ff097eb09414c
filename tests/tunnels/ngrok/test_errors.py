"""What ngrok's refusals are turned into."""

from __future__ import annotations

import json

import pytest

from kling_cli.tunnels.ngrok.errors import clean, read_refusal, reason_of
from kling_cli.tunnels.provider import TunnelTakenError
from tests.support.ngrok_messages import ERRORS

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefgh"


@pytest.mark.parametrize(
    ("code", "says", "advises"),
    [
        ("105", "not in the form", "ngrok config add-authtoken"),
        ("107", "revoked", "ngrok config add-authtoken"),
        ("108", "no agent session left", "dashboard.ngrok.com/agents"),
        ("121", "too old", "ngrok update"),
        ("320", "another ngrok account", "your-authtoken"),
        ("334", "online in another agent", "dashboard.ngrok.com/agents"),
        ("4018", "wants an account", "NGROK_AUTHTOKEN"),
        ("9040", "does not serve this IP", "--callback-url"),
    ],
)
def test_a_known_refusal_becomes_one_sentence_and_a_remedy(
    code: str, says: str, advises: str
) -> None:
    refusal = read_refusal(ERRORS[code].format(token=TOKEN))

    assert refusal is not None
    assert says in refusal.message
    assert f"ERR_NGROK_{code}" in refusal.message
    assert advises in (refusal.hint or "")


@pytest.mark.parametrize("code", [3200, 8012, 102, 103, 106, 115, 120, 123, 725, 727])
def test_every_code_of_the_table_has_a_remedy(code: int) -> None:
    refusal = read_refusal(f"ERR_NGROK_{code}")

    assert refusal is not None
    assert "see https://ngrok.com/docs/errors" not in (refusal.hint or "")
    assert refusal.hint


@pytest.mark.parametrize(
    ("code", "is_taken"), [(108, True), (334, True), (324, True), (107, False)]
)
def test_only_another_agent_in_the_way_makes_it_taken(
    code: int, *, is_taken: bool
) -> None:
    refusal = read_refusal(f"no. ERR_NGROK_{code}")

    assert refusal is not None
    assert isinstance(refusal, TunnelTakenError) == is_taken


def test_an_unknown_code_keeps_ngroks_words_and_names_its_page() -> None:
    refusal = read_refusal("authentication failed: New.\r\n\r\nERR_NGROK_99999\r\n")

    assert refusal is not None
    assert refusal.message == "authentication failed: New. (ERR_NGROK_99999)"
    assert refusal.hint == "see https://ngrok.com/docs/errors/err_ngrok_99999"


def test_a_code_alone_still_makes_a_sentence() -> None:
    refusal = read_refusal("ERR_NGROK_99999")

    assert refusal is not None
    assert refusal.message == "ngrok refused (ERR_NGROK_99999)"


def test_text_without_a_code_is_no_refusal() -> None:
    assert read_refusal("dial tcp: no route to host") is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"failed with {TOKEN} in it", id="anywhere"),
        pytest.param(f"failed:\\nYour authtoken: {TOKEN}\\nsorry", id="as in a log"),
        pytest.param(f"{TOKEN} {TOKEN}", id="twice"),
    ],
)
def test_a_token_is_taken_out(text: str) -> None:
    assert TOKEN not in clean(text, [TOKEN])
    assert "***" in clean(text, [TOKEN])


def test_a_token_nobody_told_us_of_is_taken_out_where_ngrok_repeats_it() -> None:
    unknown = ERRORS["105"].format(token="someOtherToken")

    assert "someOtherToken" not in clean(unknown)


def test_an_empty_secret_changes_nothing() -> None:
    assert clean("as it was", ["", TOKEN]) == "as it was"


def test_what_is_shown_is_one_line_without_control_characters() -> None:
    assert clean("a\x1b[31mb\\r\\n c\r\n\x9bd") == "a [31mb c d"


def test_what_is_shown_has_an_end() -> None:
    assert len(clean("x" * 5000)) == 300


def test_the_reason_is_found_in_the_web_services_answer() -> None:
    body = {"error_code": 103, "details": {"err": "ERR_NGROK_334"}}

    assert reason_of(json.dumps(body)) == "ERR_NGROK_334"


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"details": null}', "{}"])
def test_an_answer_of_another_shape_is_kept_as_it_is(body: str) -> None:
    assert reason_of(body) == body
