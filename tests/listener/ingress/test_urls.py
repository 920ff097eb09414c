from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.callbacks.events import Trust, UrlMatch
from kling_cli.errors import UsageError
from kling_cli.listener.ingress.urls import (
    FILE_NAME,
    is_loopback,
    load_token,
    mock_detector,
    mock_signature,
    rotate_token,
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
def test_the_token_is_accepted_in_the_path_and_in_the_query(
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
def test_any_other_url_does_not_match_the_standing_one(
    path: bytes, query: bytes
) -> None:
    assert standing_url_matcher(TOKEN)(path, query, None) is None


def test_the_tokenless_url_matches_from_this_machine_only() -> None:
    match = tokenless_url_matcher()

    assert match(b"/callback", b"", HERE) == UrlMatch(trust=Trust.OPEN)
    assert match(b"/callback", b"", ("::1", 1)) == UrlMatch(trust=Trust.OPEN)
    assert match(b"/callback", b"", ("192.0.2.7", 1)) is None
    assert match(b"/callback", b"", None) is None
    assert match(b"/callback/", b"", HERE) is None


def test_a_wrong_token_does_not_match_the_tokenless_url() -> None:
    assert tokenless_url_matcher()(b"/callback", b"token=wrong", HERE) is None


def test_a_mock_signature_is_valid_from_this_machine_with_its_key_only() -> None:
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


def test_a_peer_without_an_address_is_not_loopback() -> None:
    assert not is_loopback(("/run/some.sock", 0))


def test_the_token_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = load_token(tmp_path / "state")

    assert load_token(tmp_path / "state") == first


def test_only_its_owner_can_read_the_token(tmp_path: Path) -> None:
    load_token(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o644)

    load_token(tmp_path)

    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_rotating_makes_another_token_that_persists(tmp_path: Path) -> None:
    first = load_token(tmp_path)

    second = rotate_token(tmp_path)

    assert second != first
    assert load_token(tmp_path) == second
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_damaged_token_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"short")

    with pytest.raises(UsageError, match="damaged") as raised:
        load_token(tmp_path)

    assert raised.value.hint is not None
    assert "--rotate-token" in raised.value.hint


@pytest.mark.parametrize("make", [load_token, rotate_token])
def test_a_folder_that_is_a_file_is_a_usage_error(tmp_path: Path, make: object) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(UsageError, match="cannot be used"):
        make(tmp_path / "state")  # type: ignore[operator]  # -- either function
