"""Requests made of raw calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from kling_cli.catalogue.definition.schema import Plan
from kling_cli.catalogue.encoder import get_path
from kling_cli.errors import UsageError
from kling_cli.jobs.calls.raw import RawCall, RawRequest, as_request, recovery_hint
from kling_cli.jobs.prepare import journal_record
from tests.catalogue.strategies import jobs
from tests.support.encoding import encode_body

TURBO = "/text-to-video/kling-3.0-turbo"
LEGACY = "/v1/videos/text2video"
TTS = "/v1/audio/tts"
TRY_ON = "/solutions/virtual_try_on"


def made(path: str, body: Any = None, **facts: Any) -> RawRequest:
    call = RawCall(method="POST", path=path, body=body, **facts)
    request = as_request(call, new_id=lambda: "new")
    assert request is not None
    return request


@settings(deadline=None)
@given(jobs())
def test_the_body_of_every_product_goes_out_as_it_is_but_for_the_external_id(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    body = encode_body(plan, values, external_id=None, callback_url=None, extra={})

    request = made(plan.create_path, body)

    assert (request.plan.product.name, request.plan.route) == (
        plan.product.name,
        plan.route,
    )
    assert request.plan.wire_model == plan.wire_model
    at = plan.route.external_id_path
    assert at is None or get_path(request.body(None), at) == "new"
    wanted = encode_body(plan, values, external_id="new", callback_url=None, extra={})
    assert request.body(None) == wanted


def test_an_external_id_in_the_body_stays() -> None:
    body = {"prompt": "a", "options": {"external_task_id": "mine"}}

    request = made(TURBO, body)

    assert request.external_id == "mine"
    assert request.body(None) == body


def test_the_caller_s_body_is_not_changed() -> None:
    body = {"prompt": "a", "options": {}}

    made(TURBO, body)

    assert body == {"prompt": "a", "options": {}}


def test_a_call_that_answers_at_once_gets_no_external_id_in_its_body() -> None:
    request = made(TTS, {"text": "hello"})

    assert request.body(None) == {"text": "hello"}
    assert request.external_id == "new"


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        pytest.param("/text-to-video/kling-9.0", None, "kling-9.0", id="in the path"),
        pytest.param(LEGACY, {"model_name": "kling-v9"}, "kling-v9", id="in the body"),
        pytest.param(LEGACY, {}, "kling-v1", id="the default of the API"),
        pytest.param(LEGACY, {"model_name": 7}, "7", id="no text"),
        pytest.param("/v1/general/custom-voices", {}, "custom-voice", id="one alone"),
    ],
)
def test_a_model_outside_the_catalogue_is_accepted(
    path: str, body: Any, model: str
) -> None:
    request = made(path, body)

    assert request.plan.model.id == model


def test_what_cannot_be_read_has_no_estimate() -> None:
    assert made(TURBO, {"prompt": "a"}).estimate is not None
    assert made(TURBO, {"prompt": "a", "settings": {"duration": []}}).estimate is None


def test_the_journal_gets_no_callback_url_and_no_media() -> None:
    body = {
        "prompt": "a",
        "image": "A" * 5000,
        "options": {"callback_url": "https://a.example/callback/secret"},
    }

    record = journal_record(made(TURBO, body))

    assert "secret" not in record
    assert "sha256" in record
    assert json.loads(record)["options"]["external_task_id"] == "new"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(RawCall(method="GET", path=LEGACY), id="not a POST"),
        pytest.param(RawCall(method="POST", path="/tasks"), id="a question"),
        pytest.param(RawCall(method="POST", path="/text-to-dream/x"), id="unknown"),
    ],
)
def test_what_creates_nothing_is_no_job(call: RawCall) -> None:
    assert as_request(call, new_id=lambda: "new") is None


@pytest.mark.parametrize(
    ("body", "params"),
    [
        pytest.param([1], {}, id="a list"),
        pytest.param({"options": {"external_task_id": 7}}, {}, id="id"),
        pytest.param({}, {"a": "1"}, id="query"),
    ],
)
def test_a_body_that_can_be_no_job_is_refused(
    body: Any, params: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        made(TURBO, body, params=params)


@pytest.mark.parametrize(
    ("path", "body", "hint"),
    [
        pytest.param(
            TURBO, {"options": {"external_task_id": "e1"}}, "kling wait e1", id="id"
        ),
        pytest.param(TURBO, {}, "kling list --remote lists", id="new"),
        pytest.param(TURBO, [], "kling list --remote lists", id="list"),
        pytest.param(LEGACY, {}, f"kling api GET {LEGACY} lists", id="legacy"),
        pytest.param(TRY_ON, {}, "kling list --remote lists", id="solution"),
        pytest.param(TTS, {}, "it may have been charged", id="at once"),
        pytest.param("/v1/general/delete-voices", {}, "look whether", id="other"),
    ],
)
def test_the_recovery_hint_is_a_command(path: str, body: Any, hint: str) -> None:
    assert hint in recovery_hint(RawCall(method="POST", path=path, body=body))


@pytest.mark.parametrize(
    ("method", "path", "is_read_only"),
    [
        pytest.param("GET", "/v1/anything", True, id="GET"),
        pytest.param("POST", "/tasks", True, id="search"),
        pytest.param("POST", "/account/billing/balance", True, id="bill"),
        pytest.param("POST", TURBO, False, id="create"),
        pytest.param("DELETE", "/tasks", False, id="DELETE"),
    ],
)
def test_a_read_only_call_changes_nothing(
    method: str, path: str, is_read_only: bool
) -> None:
    assert RawCall(method=method, path=path).is_read_only == is_read_only
