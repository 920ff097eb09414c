"""A default never makes a command fail that does not need it.

Environment and config file are said once, for all commands; what is wrong in them, or
does not go with what was typed, concerns the commands that use it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kling_cli.cli.commands.generate import CommandOptions, make_run_options
from kling_cli.cli.options.shared import (
    CallbackOptions,
    DownloadOptions,
    OutputOptions,
    SafetyOptions,
    WaitOptions,
)
from kling_cli.errors import UsageError
from kling_cli.settings.settings import read_settings
from tests.support.in_process import run_in_process
from tests.support.program import Result

WEBHOOK = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
NONSENSE = {
    "KLING_TIMEOUT": "soon",
    "KLING_TUNNEL": "frp",
    "KLING_WEBHOOK_SECRET": "whsec_!",
    "KLING_OUTPUT_DIR": "~nobody-here/x",
    "NGROK_AUTHTOKEN": "a b",
}
INVALID_SETTINGS = {**NONSENSE, "KLING_API_BASE": "no URL", "KLING_API_KEY": "a b"}


def run(line: str, environ: dict[str, str], home: Path) -> Result:
    known = {"KLING_STATE_DIR": str(home / "state"), **environ}
    return run_in_process(line.split(), env={**os.environ, **known}, cwd=home)


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (NONSENSE, "text2video hi --dry-run"),
        (INVALID_SETTINGS, "text2video hi --sandbox --no-wait"),
        (INVALID_SETTINGS, "list"),
        (INVALID_SETTINGS, "list --remote --sandbox"),
        (INVALID_SETTINGS, "account balance --sandbox"),
        (INVALID_SETTINGS, "api GET /tasks -f task_ids=1 --sandbox"),
        (INVALID_SETTINGS, "events list"),
        (INVALID_SETTINGS, "models"),
        (INVALID_SETTINGS, "effects --list"),
        (INVALID_SETTINGS, "auth logout"),
    ],
)
def test_nonsense_that_is_not_needed_is_no_matter(
    line: str,
    environ: dict[str, str],
    own_home: Path,
) -> None:
    result = run(line, environ, own_home)

    assert result.exit_code == 0, result


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ("text2video hi --sandbox", "KLING_TIMEOUT"),
        ("text2video hi --timeout 1m --no-download", "KLING_TUNNEL"),
        ("text2video hi --sandbox --timeout 1m --callback off", "KLING_OUTPUT_DIR"),
        ("text2video hi --no-wait --callback off", "KLING_API_BASE"),
        ("text2video hi --dry-run", "KLING_API_BASE"),
        ("wait", "KLING_TIMEOUT"),
        ("download 1", "KLING_OUTPUT_DIR"),
        ("status 1", "KLING_API_BASE"),
        ("list --remote", "KLING_API_BASE"),
        ("auth status", "KLING_API_BASE"),
        ("listen", "KLING_TUNNEL"),
        ("listen --tunnel none", "KLING_WEBHOOK_SECRET"),
        ("trigger succeeded --to 1", "KLING_WEBHOOK_SECRET"),
        ("sandbox", "KLING_WEBHOOK_SECRET"),
    ],
)
def test_nonsense_that_is_needed_is_named(
    line: str,
    variable: str,
    own_home: Path,
) -> None:
    result = run(line, {variable: INVALID_SETTINGS[variable]}, own_home)

    assert result.exit_code == 2
    assert variable in result.stderr


def test_the_doctor_names_all_nonsense(
    own_home: Path,
) -> None:
    result = run("doctor --json", INVALID_SETTINGS, own_home)

    checks = result.json()["checks"]
    printed = " ".join(one["message"] for one in checks if one["name"] == "settings")
    assert result.exit_code == 2
    assert [name for name in INVALID_SETTINGS if name not in printed] == []


def test_a_simulator_needs_no_tunnel_and_signs_as_the_account_would(
    own_home: Path,
) -> None:
    environ = {"KLING_TUNNEL": "ngrok", "KLING_WEBHOOK_SECRET": WEBHOOK}

    result = run("text2video hi --sandbox --json -o hi.mp4", environ, own_home)

    assert result.exit_code == 0
    assert result.json()["callbacks"] > 0
    assert "valid signature" in result.stderr
    assert "ngrok" not in result.stderr


REQUIRE = 'callback = "require"'


@pytest.mark.parametrize(
    ("environ", "typed", "is_waiting", "expected"),
    [
        pytest.param({}, {}, True, ("require", "auto"), id="as the file says"),
        pytest.param({}, {"tunnel": "none"}, True, ("auto", "none"), id="none typed"),
        pytest.param({}, {}, False, ("auto", "auto"), id="nobody waits"),
        pytest.param(
            {}, {"callback": "require"}, False, ("require", "auto"), id="both typed"
        ),
        pytest.param(
            {"KLING_TUNNEL": "none"}, {}, True, ("require", "none"), id="two defaults"
        ),
        pytest.param(
            {"KLING_TUNNEL": "ngrok", "KLING_SANDBOX": "1"},
            {},
            True,
            ("require", "auto"),
            id="a sandbox",
        ),
        pytest.param(
            {"KLING_TUNNEL": "frp", "KLING_SANDBOX": "1"},
            {},
            True,
            ("require", "auto"),
            id="a sandbox, and nonsense",
        ),
        pytest.param(
            {"KLING_TUNNEL": "frp"},
            {},
            False,
            ("auto", "auto"),
            id="nobody waits, and nonsense",
        ),
        pytest.param(
            {"KLING_SANDBOX": "1"},
            {"tunnel": "ngrok"},
            True,
            ("require", "ngrok"),
            id="a sandbox, and a tunnel typed",
        ),
    ],
)
def test_a_default_for_callbacks_gives_way_to_what_was_typed(
    environ: dict[str, str],
    typed: dict[str, Any],
    is_waiting: bool,
    expected: tuple[str, str],
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text(REQUIRE)
    settings = read_settings({"KLING_CONFIG_DIR": str(tmp_path), **environ}, typed)

    options = make_run_options("text2video", settings, printed(is_waiting=is_waiting))

    assert (options.callback, options.tunnel) == expected


def test_a_default_that_was_typed_wrong_is_an_error_at_once() -> None:
    with pytest.raises(UsageError, match=r"^--timeout"):
        read_settings({}, {"timeout": "soon"})


def printed(*, is_waiting: bool) -> CommandOptions:
    return CommandOptions(
        download_options=DownloadOptions(),
        output_options=OutputOptions(),
        wait_options=WaitOptions(is_waiting=is_waiting),
        callback_options=CallbackOptions(),
        safety_options=SafetyOptions(),
    )
