"""The fast parser agrees with h11, and leaves all but simple requests to it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, strategies as st

from kling_cli.callbacks.http.parser import Request, SimpleRequest, parse_simple_request
from tests.callbacks.fuzzing import PEER, is_parsed_alike, random_request, read_by_h11
from tests.callbacks.receiver_fixture import (
    PATH,
    SUCCEEDED,
    chunked,
    head,
    post,
)


@given(st.randoms(use_true_random=False))
def test_the_fast_parser_agrees_with_h11(rng: Random) -> None:
    assert is_parsed_alike(random_request(rng))


def test_a_simple_request_is_parsed_by_the_fast_parser() -> None:
    data = post(SUCCEEDED, "X-Extra:  caf\xe9 ", "X-Empty:", path=PATH + "?a=b%20c")

    simple = parse_simple_request(data + b"POST", PEER)

    assert simple == read_by_h11(data + b"POST", PEER)
    assert simple == SimpleRequest(
        Request(
            method=b"POST",
            path=PATH.encode(),
            query=b"a=b%20c",
            headers=(
                ("host", "x"),
                ("content-length", str(len(SUCCEEDED))),
                ("x-extra", "caf\xe9"),
                ("x-empty", ""),
            ),
            peer=PEER,
        ),
        SUCCEEDED,
        b"POST",
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(post()[:-1], id="not whole"),
        pytest.param(post().replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(post(SUCCEEDED, "X: a", " folded"), id="a folded line"),
        pytest.param(post(SUCCEEDED, "X : a"), id="a space before the colon"),
        pytest.param(post(SUCCEEDED, "X: a\x00b"), id="a NUL"),
        pytest.param(post(SUCCEEDED, "X: a\t"), id="a tab"),
        pytest.param(post(SUCCEEDED, "X: a\rb"), id="a bare carriage return"),
        pytest.param(post(SUCCEEDED, "Content-Length: 1"), id="two lengths"),
        pytest.param(post(SUCCEEDED, "Host: y"), id="two hosts"),
        pytest.param(post().replace(b"Host: x\r\n", b""), id="no host"),
        pytest.param(post(SUCCEEDED, "Transfer-Encoding: chunked"), id="both lengths"),
        pytest.param(chunked(SUCCEEDED), id="chunks"),
        pytest.param(head(), id="no length"),
        pytest.param(head("Content-Length: +1") + b"x", id="a length with a sign"),
        pytest.param(head("Content-Length: 1_0") + b"x" * 10, id="an odd length"),
        pytest.param(
            head("Content-Length: " + "1" * 30) + b"x", id="an endless length"
        ),
        pytest.param(head("Content-Length: 00000001") + b"x", id="a padded length"),
        pytest.param(post(SUCCEEDED, "Expect: 100-continue"), id="expect continue"),
        pytest.param(post(SUCCEEDED, "Connection: close"), id="the last"),
        pytest.param(post(SUCCEEDED, "Upgrade: h2c"), id="an upgrade"),
        pytest.param(post(method="post"), id="another method"),
        pytest.param(post().replace(b"1.1\r", b"1.0\r"), id="an older HTTP"),
        pytest.param(post().replace(b"1.1\r", b"1x1\r"), id="an odd HTTP"),
        pytest.param(b"\r\n" + post(), id="an empty line before"),
        pytest.param(post(path="http://x/callback"), id="a whole address"),
        pytest.param(post(path="/a b"), id="a space in the path"),
        pytest.param(post(path="/caf\xe9"), id="letters beyond ASCII in the path"),
    ],
)
def test_any_other_request_is_left_to_h11(data: bytes) -> None:
    assert parse_simple_request(data, PEER) is None


def test_an_endless_head_costs_little_time() -> None:
    data = b"POST /" + b"a" * 16_000 + b" HTTP/1.1\r\n" + b"a:b\r\n" * 100_000

    assert parse_simple_request(data, PEER) is None
