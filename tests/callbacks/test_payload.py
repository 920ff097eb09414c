from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kling_cli.callbacks.payload import (
    MAX_ID_LENGTH,
    CallbackPayload,
    MalformedPayloadError,
    parse_payload,
)
from kling_cli.catalogue.definition.schema import Generation

# Source: API reference 4.2 and 4.3, read 2026-10-04: the two documented payloads.
NEW: dict[str, Any] = {
    "id": "930000000000000001",
    "status": "succeeded",
    "message": "",
    "create_time": 1793000000000,
    "update_time": 1793000041000,
    "external_id": "job-0001",
    "outputs": [
        {
            "type": "video",
            "id": "930000000000000101",
            "url": "https://cdn.example.com/v.mp4",
            "watermark_url": "https://cdn.example.com/w.mp4",
            "duration": "5.041",
        }
    ],
    "billing": [{"charge_type": "unit", "amount": "4", "package_type": "video"}],
}
LEGACY: dict[str, Any] = {
    "task_id": "880000000000000001",
    "task_status": "succeed",
    "task_status_msg": "",
    "created_at": 1793000000000,
    "updated_at": 1793000041000,
    "final_unit_deduction": "3",
    "final_balance_deduction": {"quota": "0", "list_price": "0"},
    "task_info": {
        "parent_video": {
            "id": "880000000000000101",
            "url": "https://cdn.example.com/p.mp4",
            "duration": "5.1",
        },
        "external_task_id": "job-0001",
    },
    "task_result": {
        "images": [{"index": 0, "url": "https://cdn.example.com/0.png"}],
        "videos": [
            {"id": "1", "url": "https://cdn.example.com/v.mp4", "duration": "9.6"}
        ],
    },
}
SHORT: dict[str, Any] = {"task_id": "t1", "status": "succeed", "result": {"videos": []}}

NEW_HINT = CallbackPayload(
    task_id="930000000000000001",
    external_id="job-0001",
    status="succeeded",
    generation=Generation.NEW,
)
LEGACY_HINT = CallbackPayload(
    task_id="880000000000000001",
    external_id="job-0001",
    status="succeeded",
    generation=Generation.LEGACY,
)


def envelope(data: object) -> dict[str, object]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data}


def payload_of(**fields: object) -> CallbackPayload:
    return parse_payload(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(NEW, NEW_HINT, id="new, flat"),
        pytest.param(envelope(NEW), NEW_HINT, id="new, enveloped"),
        pytest.param(LEGACY, LEGACY_HINT, id="legacy, flat"),
        pytest.param(envelope(LEGACY), LEGACY_HINT, id="legacy, enveloped"),
        pytest.param(
            SHORT,
            CallbackPayload(
                task_id="t1",
                external_id=None,
                status="succeeded",
                generation=Generation.LEGACY,
            ),
            id="short form",
        ),
    ],
)
def test_every_documented_shape_is_parsed(
    body: object, expected: CallbackPayload
) -> None:
    assert parse_payload(json.dumps(body).encode()) == expected
    assert (
        parse_payload(b"\xef\xbb\xbf" + json.dumps(body, ensure_ascii=False).encode())
        == expected
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("submitted", "submitted"),
        ("processing", "processing"),
        ("succeed", "succeeded"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("SUCCEED", "succeeded"),
        ("Failed", "failed"),
        ("paused", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (7, "unknown"),
        (["failed"], "unknown"),
    ],
)
def test_either_shape_may_have_any_status(status: object, expected: str) -> None:
    assert payload_of(id="t1", status=status).status == expected
    assert payload_of(task_id="t1", task_status=status).status == expected


def test_a_body_without_a_status_has_a_task_id() -> None:
    assert payload_of(id="t1").status == "unknown"


def test_data_without_a_task_id_is_not_an_envelope() -> None:
    assert payload_of(id="t1", status="failed", data={"x": 1}).task_id == "t1"
    assert payload_of(id="t1", status="failed", data=None).task_id == "t1"


def test_a_task_id_sent_as_a_number_is_a_task_id() -> None:
    assert payload_of(id=930000000000000001).task_id == "930000000000000001"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"external_id": "e"}, "e"),
        ({"task_info": {"external_task_id": "e"}}, "e"),
        ({"external_task_id": "e"}, "e"),
        ({"external_id": ""}, None),
        ({"external_id": 5}, None),
        ({"external_id": "e" * 257}, None),
        ({"task_info": {}}, None),
        ({"task_info": "e"}, None),
        ({}, None),
    ],
)
def test_an_external_id_is_found_in_each_place(
    fields: dict[str, object], expected: str | None
) -> None:
    assert payload_of(task_id="t1", **fields).external_id == expected


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"hello", "not JSON", id="text"),
        pytest.param(b"\xff\xfe{\x00", "not JSON in UTF-8", id="not UTF-8"),
        pytest.param(b'{"id":"t1"} {}', "not JSON", id="two documents"),
        pytest.param(b"[" * 200_000, "nested too deeply", id="bottomless"),
        pytest.param(
            b'{"id":"t1","x":' + b"[" * 40 + b"]" * 40 + b"}",
            "nested too deeply",
            id="deep",
        ),
        pytest.param(
            b'{"id":' + b"9" * 5000 + b"}", "number without end", id="5000 digits"
        ),
        pytest.param(
            b'{"id":"t1","x":1.' + b"9" * 99 + b"}", "without end", id="long fraction"
        ),
        pytest.param(
            b'{"id":"t1","x":1e999}', "number without end", id="beyond floats"
        ),
        pytest.param(b'{"id":"t1","x":NaN}', "number that is none", id="NaN"),
        pytest.param(
            b'{"id":"t1","x":-Infinity}', "number that is none", id="infinity"
        ),
        pytest.param(b'{"id":"t1","x":"\\ud800"}', "lone surrogate", id="surrogate"),
        pytest.param(
            b'{"id":"t1","\\udfff":1}', "lone surrogate", id="surrogate in a key"
        ),
        pytest.param(b'{"id":"t1","id":"t2"}', "repeated", id="repeated key"),
        pytest.param(
            b'{"id":"t1","x":{"a":1,"a":1}}', "repeated", id="repeated key inside"
        ),
        pytest.param(b"null", "no object", id="null"),
        pytest.param(b'["id"]', "no object", id="a list"),
        pytest.param(b'"id"', "no object", id="a text"),
        pytest.param(b"{}", "no object", id="no task"),
        pytest.param(b'{"data":["id"]}', "no object", id="data is a list"),
        pytest.param(b'{"id":""}', "task id", id="empty id"),
        pytest.param(b'{"id":true}', "task id", id="true as id"),
        pytest.param(b'{"id":1.5}', "task id", id="fraction as id"),
        pytest.param(b'{"id":{}}', "task id", id="object as id"),
        pytest.param(b'{"id":null}', "task id", id="null as id"),
        pytest.param(b'{"id":"' + b"x" * 257 + b'"}', "task id", id="endless id"),
    ],
)
def test_hostile_bodies_are_malformed_and_not_quoted(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedPayloadError, match=why) as caught:
        parse_payload(raw)

    assert "t1" not in str(caught.value)


def test_a_surrogate_pair_is_a_character() -> None:
    assert parse_payload(b'{"id":"t1","message":"\\ud83d\\ude00"}').task_id == "t1"


known_keys = st.sampled_from(
    [
        "id",
        "task_id",
        "data",
        "status",
        "task_status",
        "task_info",
        "external_id",
        "code",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(known_keys, inner, max_size=4)
    ),
    max_leaves=8,
)


@given(raw=st.binary())
def test_no_bytes_raise_another_error(raw: bytes) -> None:
    with contextlib.suppress(MalformedPayloadError):
        assert 0 < len(parse_payload(raw).task_id) <= MAX_ID_LENGTH


@given(document=st.dictionaries(known_keys, json_values), is_ascii=st.booleans())
def test_no_document_raises_another_error(
    document: dict[str, object], is_ascii: bool
) -> None:
    raw = json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    with contextlib.suppress(MalformedPayloadError):
        payload = parse_payload(raw)
        assert payload.task_id
        assert payload.task_id.encode()


@given(
    task_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256),
    status=st.sampled_from(
        ["submitted", "processing", "succeed", "succeeded", "failed"]
    ),
    is_enveloped=st.booleans(),
    is_legacy=st.booleans(),
    extra=st.dictionaries(
        st.sampled_from(["message", "outputs", "watermark_info"]),
        st.none() | st.text(st.characters(exclude_categories=["Cs"])) | st.booleans(),
    ),
)
def test_every_valid_body_is_parsed(
    *,
    task_id: str,
    status: str,
    is_enveloped: bool,
    is_legacy: bool,
    extra: dict[str, object],
) -> None:
    names = ("task_id", "task_status") if is_legacy else ("id", "status")
    task = {names[0]: task_id, names[1]: status, **extra}

    payload = parse_payload(
        json.dumps(envelope(task) if is_enveloped else task).encode()
    )

    assert payload.task_id == task_id
    assert payload.generation is (Generation.LEGACY if is_legacy else Generation.NEW)
    assert payload.status == ("succeeded" if status == "succeed" else status)
