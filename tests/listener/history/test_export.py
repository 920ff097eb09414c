from __future__ import annotations

import subprocess

import pytest

from kling_cli.listener.history.export import curl_command
from tests.support.recorder import recorder


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"@/etc/hostname", id="looks like a file"),
        pytest.param('{"x": "it\'s é $HOME `id` \\\\ %s"}'.encode(), id="quotes"),
        pytest.param(b'{\r\n "a": 1\n}\n', id="lines"),
        pytest.param(bytes(range(256)), id="all bytes"),
    ],
)
def test_the_shell_sends_the_same_bytes(raw: bytes) -> None:
    headers = [("x-test", "it's"), ("user-agent", "Kling/1")]

    with recorder() as app:
        command = curl_command(f"{app.url}/a?b=c&d", headers, raw)
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)

    (seen,) = app.seen
    assert (seen.path, seen.body) == ("/a?b=c&d", raw)
    assert seen.headers["x-test"] == "it's"
    assert seen.headers["user-agent"] == "Kling/1"
    assert "content-type" not in seen.headers
    assert "\n" not in command
