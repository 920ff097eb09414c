from __future__ import annotations

import secrets

import pytest
from hypothesis import given, strategies as st

from kling_cli.callbacks.urls import (
    TaskUrl,
    callback_path,
    match_callback_path,
    new_nonce,
)

KEY = bytes(range(32))
PATH = callback_path(TaskUrl(product="text2video", nonce="n1"), KEY)

keys = st.binary(min_size=32, max_size=32)
products = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=64)
nonces = st.binary(min_size=16, max_size=16).map(lambda raw: new_nonce(lambda _: raw))


@given(product=products, nonce=nonces, key=keys)
def test_a_path_is_matched_with_its_key(product: str, nonce: str, key: bytes) -> None:
    capability = TaskUrl(product=product, nonce=nonce)

    assert (
        match_callback_path(callback_path(capability, key).encode(), key) == capability
    )


@given(nonce=nonces, key=keys, at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_path_with_one_byte_changed_is_not_matched(
    nonce: str, key: bytes, at: int, byte: int
) -> None:
    path = bytearray(
        callback_path(TaskUrl(product="image2video", nonce=nonce), key), "ascii"
    )
    before = bytes(path)
    path[at % len(path)] = byte

    expected = None if bytes(path) != before else match_callback_path(before, key)
    assert match_callback_path(bytes(path), key) == expected


@given(raw=st.binary(), key=keys)
def test_random_bytes_are_not_matched(raw: bytes, key: bytes) -> None:
    assert match_callback_path(b"/callback/p/n/" + raw, key) is None


@given(one=keys, other=keys)
def test_a_path_of_another_key_is_not_matched(one: bytes, other: bytes) -> None:
    path = callback_path(TaskUrl(product="text2video", nonce="n1"), one).encode()

    assert (match_callback_path(path, other) is None) == (one != other)


@pytest.mark.parametrize(
    "spelling",
    [
        "/" + PATH,
        PATH + "/",
        PATH + "\n",
        PATH + "=",
        PATH.replace("/callback/", "//callback/"),
        PATH.replace("callback", "%63allback"),
        PATH.replace("text2video", "TEXT2VIDEO"),
        PATH.replace("/text2video/", "/x/../text2video/"),
        PATH.rpartition("/")[0] + "/",
        PATH.rpartition("/")[0],
        "/callback",
        "",
    ],
)
def test_another_spelling_is_another_path(spelling: str) -> None:
    assert match_callback_path(spelling.encode(), KEY) is None


def test_the_format_of_paths_is_stable() -> None:
    assert PATH == (
        "/callback/text2video/n1/aT0H4jr2ym-4ijvc24mYDymf491fVpuWTcz7nNSVf9k"
    )


def test_nonces_differ_and_have_16_bytes() -> None:
    made = {new_nonce(secrets.token_bytes) for _ in range(100)}

    assert len(made) == 100
    assert {len(nonce) for nonce in made} == {22}  # 16 bytes in base64


@pytest.mark.parametrize(
    ("product", "nonce"), [("a/b", "n"), ("a", "n/n"), ("", "n"), ("a", ""), ("é", "n")]
)
def test_a_task_url_rejects_what_no_path_can_hold(product: str, nonce: str) -> None:
    with pytest.raises(ValueError, match="no path can hold"):
        TaskUrl(product=product, nonce=nonce)
