from __future__ import annotations

import pytest

from kling_cli.callbacks.events import Trust, UrlMatch
from kling_cli.listener.ingress.urls import (
    is_loopback,
    mock_detector,
    mock_signature,
    standing_path,
    standing_url_matcher,
    tokenless_url_matcher,
)

TOKEN = "t" * 32
KEY = b"k" * 32
HERE = ("127.0.0.1", 50000)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (standing_path(TOKEN).encode(), b""),
        (standing_path(TOKEN).encode(), b"a=b"),
        (b"/callback", b"token=" + TOKEN.encode()),
        (b"/callback", b"a=b&token=" + TOKEN.encode()),
    ],
)
def test_the_token_opens_in_the_path_and_in_the_query(
    path: bytes, query: bytes
) -> None:
    assert standing_url_matcher(TOKEN)(path, query, None) == UrlMatch(trust=Trust.TOKEN)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/callback", b""),
        (b"/callback/", b""),
        (b"/callback/" + b"T" * 32, b""),
        (b"//callback/" + TOKEN.encode(), b""),
        (b"/callback/" + TOKEN.encode() + b"/", b""),
        (b"/callback/%74" + TOKEN[1:].encode(), b""),
        (b"/callback/" + "\u00fc".encode() * 16, b""),
        (b"/elsewhere", b"token=" + TOKEN.encode()),
        (b"/callback", b"Token=" + TOKEN.encode()),
        (b"/callback", b"token=x&token=" + TOKEN.encode()),
    ],
)
def test_anything_else_finds_no_standing_door(path: bytes, query: bytes) -> None:
    assert standing_url_matcher(TOKEN)(path, query, None) is None


def test_the_bare_door_opens_to_this_machine_only() -> None:
    match = tokenless_url_matcher()

    assert match(b"/callback", b"", HERE) == UrlMatch(trust=Trust.OPEN)
    assert match(b"/callback", b"", ("::1", 1)) == UrlMatch(trust=Trust.OPEN)
    assert match(b"/callback", b"", ("192.0.2.7", 1)) is None
    assert match(b"/callback", b"", None) is None
    assert match(b"/callback/", b"", HERE) is None


def test_a_wrong_token_does_not_become_an_open_door() -> None:
    assert tokenless_url_matcher()(b"/callback", b"token=wrong", HERE) is None


def test_a_mock_mark_counts_from_this_machine_with_the_local_key_only() -> None:
    detect = mock_detector(KEY)
    marked = {"kling-mock": mock_signature(b"{}", KEY)}

    assert detect(b"{}", marked, HERE) is Trust.MOCK
    assert detect(b"{}", marked, ("192.0.2.7", 1)) is None
    assert detect(b"{} ", marked, HERE) is None
    assert detect(b"{}", {}, HERE) is None
    assert (
        detect(b"{}", {"kling-mock": mock_signature(b"{}", b"another")}, HERE) is None
    )
    assert detect(b"{}", {"kling-mock": "\u20ac"}, HERE) is None


def test_a_peer_without_an_address_is_not_here() -> None:
    assert not is_loopback(("/run/some.sock", 0))
