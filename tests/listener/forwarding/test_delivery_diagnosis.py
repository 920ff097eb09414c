from __future__ import annotations

import pytest

from kling_cli.listener.forwarding.delivery import (
    DeliveryFailure,
    failure_hint,
    status_hint,
)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_success_needs_no_remedy(status: int) -> None:
    assert status_hint(status, location=None, number=1) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "parsed body instead of the raw bytes"),
        (401, "middleware in front"),
        (403, "CSRF"),
        (404, "no such path"),
        (405, "not for POST"),
        (413, "limits bodies"),
        (415, "content type"),
        (422, "model"),
        (502, "the app behind it is down"),
        (504, "answer first"),
        (418, "refuses the callback; once mended: kling replay 7"),
        (500, "handler failed: look at its log; once mended: kling replay 7"),
        (599, "handler failed"),
    ],
)
def test_each_class_of_answer_has_its_usual_cause(status: int, words: str) -> None:
    assert words in (status_hint(status, location=None, number=7) or "")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://app.test/callback/", "forward to https://app.test/callback/ instead"),
        ("/accounts/login/?next=/callback", "sends it to a login"),
        (None, "forward to where the app takes POST"),
    ],
)
def test_a_redirect_says_what_stands_behind_it(
    location: str | None, words: str
) -> None:
    assert words in (status_hint(302, location=location, number=7) or "")


def test_what_is_not_kept_cannot_be_replayed() -> None:
    assert "replay" not in (status_hint(500, location=None, number=0) or "")


@pytest.mark.parametrize("failure", DeliveryFailure)
def test_each_kind_of_silence_has_a_remedy(failure: DeliveryFailure) -> None:
    assert failure_hint(failure)
