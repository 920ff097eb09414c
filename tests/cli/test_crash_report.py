from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.cli.failure import exception_summary, redacted, write_crash_report

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhayJ9.c2lnbmF0dXJlLW9mLWl0"


def a_bug(message: str) -> RuntimeError:
    """Return an error that was raised out of a frame with a secret in it."""
    try:
        _fail(message, secret=f"local-{len(message) and 'secret'}")
    except RuntimeError as exc:
        return exc
    raise AssertionError


def _fail(message: str, *, secret: str) -> None:
    raise RuntimeError(message[: 2000 + len(secret)])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("key my-api-key!", "key [hidden]!", id="a setting"),
        pytest.param("either whsec_b2xk or it", "either [hidden] or it", id="rotated"),
        pytest.param(f"token {JWT}", "token [hidden]", id="JWT"),
        pytest.param("Bearer abc", "Bearer [hidden]", id="bearer"),
        pytest.param("whsec_MfKQ9r8=", "[hidden]", id="webhook secret"),
        pytest.param(
            "POST https://x.example/callback/text2video/n/mac",
            "POST https://x.example/callback/[hidden]",
            id="capability",
        ),
        pytest.param(
            "https://f.example/v.mp4?Signature=s",
            "https://f.example/v.mp4?[hidden]",
            id="signed link",
        ),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    environ = {"KLING_API_KEY": "my-api-key", "KLING_WEBHOOK_SECRET": "whsec_b2xk x9y"}

    assert redacted(text, environ) == shown


def test_the_report_has_the_traceback_and_is_private(own_home: Path) -> None:
    environ = {"KLING_STATE_DIR": str(own_home / "new" / "state")}

    path = write_crash_report(a_bug("went wrong"), environ)

    assert path is not None
    text = path.read_text("utf-8")
    assert "RuntimeError: went wrong" in text
    assert "local-secret" not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_default_state_folder_is_the_platforms(own_home: Path) -> None:
    path = write_crash_report(a_bug("went wrong"), {})

    assert path is not None
    assert own_home in path.parents


def test_a_folder_that_cannot_be_written_is_no_second_failure(own_home: Path) -> None:
    (own_home / "file").write_text("in the way")

    assert (
        write_crash_report(a_bug("no"), {"KLING_STATE_DIR": str(own_home / "file")})
        is None
    )


def test_debugging_shows_it_at_once(
    own_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = {"KLING_DEBUG": "1", "KLING_STATE_DIR": str(own_home / "state")}

    assert write_crash_report(a_bug("went wrong"), environ) is None
    assert "RuntimeError: went wrong" in capfd.readouterr().err
    assert not (own_home / "state").exists()


def test_the_headline_is_one_short_line_without_secrets() -> None:
    text = exception_summary(a_bug(f"two\nlines Bearer {JWT} " + "x" * 999), {})

    assert text.startswith("RuntimeError: two lines Bearer [hidden]")
    assert len(text) == 200
