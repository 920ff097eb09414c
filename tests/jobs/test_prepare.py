"""What is decided, read and refused before anything is sent."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kling_cli.catalogue import pricing
from kling_cli.catalogue.definition.schema import CredentialKind
from kling_cli.catalogue.request import PreparedRequest
from kling_cli.errors import AccountError, CredentialsError, UsageError
from kling_cli.jobs.order import Order
from kling_cli.jobs.prepare import check_price, journal_record, prepare
from tests.support.images import png

KEY = frozenset({CredentialKind.API_KEY})
PAIR = frozenset({CredentialKind.KEY_PAIR})
LEGACY_MOST = 10 << 20


def prepared(
    product: str = "text2video",
    *,
    credentials: frozenset[CredentialKind] = KEY,
    model: str | None = None,
    external_id: str | None = None,
    extra: dict[str, Any] | None = None,
    **values: Any,
) -> PreparedRequest:
    said = {"prompt": "a paper boat", **values}
    order = Order(
        product=product,
        model=model,
        values={k: v for k, v in said.items() if v is not None},
        extra=extra or {},
        external_id=external_id,
    )
    return prepare(order, credentials, new_id=lambda: "kling-new")


def test_a_job_without_an_id_of_its_own_is_given_one() -> None:
    assert prepared().external_id == "kling-new"
    assert prepared(external_id="mine").external_id == "mine"


def test_the_body_carries_the_id_and_the_callback_url() -> None:
    body = prepared().body("http://here/callback")

    assert body["options"] == {
        "external_task_id": "kling-new",
        "callback_url": "http://here/callback",
    }


def test_a_local_file_travels_as_bare_base64_and_a_url_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = png()
    (tmp_path / "a.png").write_bytes(picture)
    monkeypatch.setenv("HOME", str(tmp_path))
    sent = base64.b64encode(picture).decode()

    for written in ("~/a.png", str(tmp_path / "a.png"), f"file://{tmp_path}/a.png"):
        assert prepared("image2video", image=written).values["image"] == sent
    url = "https://example.com/a.png"
    assert prepared("image2video", image=url).values["image"] == url


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("none.png", None, "No such file", id="not there"),
        pytest.param(".", None, "Is a directory", id="a folder"),
        pytest.param("a\0b", None, "null byte", id="no name of a file"),
        pytest.param("x" * 300, None, "name too long", id="too long a name"),
        pytest.param("a.png", b"words", "", id="text"),
        pytest.param("a.png", b"", "", id="empty"),
        pytest.param("a.png", png(299, 400), "299", id="too small"),
        pytest.param("a.png", png(1600, 400), "", id="too long a side"),
    ],
)
def test_a_file_that_will_not_do_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = str(tmp_path / name)
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(UsageError) as caught:
        prepared("image2video", image=path)

    assert path[:200] in caught.value.message
    assert complaint.lower() in caught.value.message.lower()


def test_an_unknown_home_folder_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody-of-this-name"):
        prepared("image2video", image="~nobody-of-this-name/a.png")


def test_the_size_of_a_file_is_held_to_what_the_route_takes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(n_bytes=LEGACY_MOST + 4096))

    assert prepared("image2video", image=str(path))
    with pytest.raises(UsageError, match="bytes allowed"):
        prepared("image2video", image=str(path), credentials=PAIR)


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(UsageError, match="bytes allowed"):
        prepared("image2video", image="/dev/zero", credentials=PAIR)


def test_a_model_out_of_reach_is_a_matter_of_credentials() -> None:
    with pytest.raises(CredentialsError):
        prepared(credentials=PAIR, model="kling-3.0-turbo")


def test_values_the_model_does_not_take_are_refused() -> None:
    with pytest.raises(UsageError, match="99"):
        prepared(duration=99)


def test_a_field_of_the_person_s_own_is_set_last() -> None:
    request = prepared(
        extra={"settings.novelty": 7, "options.callback_url": "http://x"}
    )

    body = request.body("http://here")

    assert body["settings"]["novelty"] == 7
    assert body["options"]["callback_url"] == "http://x"


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"options.external_task_id": "other"}, id="another id"),
        pytest.param({"options.external_task_id": None}, id="no id"),
        pytest.param({"options": {}}, id="all options away"),
    ],
)
def test_the_id_by_which_a_job_is_found_again_cannot_be_set_aside(
    extra: dict[str, Any],
) -> None:
    with pytest.raises(UsageError, match="found again") as caught:
        prepared(extra=extra)

    assert "--external-id" in (caught.value.hint or "")


def test_setting_the_same_id_twice_is_no_harm() -> None:
    extra = {"options.external_task_id": "mine"}

    assert prepared(external_id="mine", extra=extra).external_id == "mine"


def test_the_record_has_no_callback_url_and_digests_for_media(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(n_bytes=9000))

    record = journal_record(prepared("image2video", image=str(path)))

    assert "callback" not in record
    assert len(record) < 1000
    [frame] = [one for one in json.loads(record)["contents"] if "url" in one]
    assert frame["url"].startswith("sha256:")
    assert "a paper boat" in record


@pytest.mark.parametrize("max_units", [None, 4.0, 5.0])
def test_a_job_within_the_limit_may_go(max_units: float | None) -> None:
    request = prepared()

    check_price(request, max_units)

    assert request.estimate is not None
    assert request.estimate.units == 4.0


TALK: dict[str, Any] = {"image": "https://x/a.png", "sound_file": "https://x/a.mp3"}
PLATE: dict[str, Any] = {"images": ("https://x/a.png",), "title": "Mug"}


@pytest.mark.parametrize(
    ("product", "values", "max_units", "words"),
    [
        ("text2video", {"duration": 6}, 4, "is estimated at 4.8 units"),
        ("avatar", TALK, 119, "may come to 120 units"),
        ("goods-studio", PLATE, 1000, "no price for goods-studio"),
    ],
)
def test_a_job_that_may_cost_more_than_the_limit_may_not_go(
    product: str, values: dict[str, Any], max_units: float, words: str
) -> None:
    prompt = "a boat" if product == "text2video" else None
    request = prepared(product, prompt=prompt, **values)

    with pytest.raises(AccountError, match=words) as caught:
        check_price(request, max_units)

    assert "--max-units" in caught.value.message
    assert caught.value.hint


def test_a_job_whose_bound_is_within_the_limit_may_go() -> None:
    request = prepared("avatar", prompt=None, **TALK)

    check_price(request, 120)

    assert request.estimate is not None
    assert request.estimate.at_most_units == 120


def test_a_price_without_any_bound_cannot_be_held_to_a_limit() -> None:
    request = prepared("avatar", prompt=None, **TALK)
    length = structs.replace(request.plan.product.duration_rules[0], seconds=None)
    product = structs.replace(request.plan.product, duration_rules=(length,))
    plan = structs.replace(request.plan, product=product)
    request = replace(request, estimate=pricing.estimate_units(plan, request.values))

    with pytest.raises(AccountError, match="shows only later: avatar 720p"):
        check_price(request, 1000)


def test_a_job_of_unknown_price_may_go_when_there_is_no_limit() -> None:
    request = prepared("goods-studio", prompt=None, **PLATE)

    check_price(request, None)

    assert request.estimate is None


@pytest.mark.parametrize(
    ("extra", "units"),
    [
        ({"settings.duration": 10}, 8.0),
        ({"settings.resolution": "1080p", "settings.duration": 3}, 3.0),
        ({"settings.novelty": True}, 4.0),
        ({"settings.duration": "long"}, 4.0),
    ],
    ids=["seconds", "both", "unknown", "unreadable"],
)
def test_what_is_set_in_the_body_counts_in_the_estimate(
    extra: dict[str, Any], units: float
) -> None:
    request = prepared(extra=extra)

    assert request.estimate is not None
    assert request.estimate.units == units
