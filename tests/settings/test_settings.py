"""Option, environment, config file, stored login, default: in this order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from hypothesis import example, given, strategies as st
from keyring.backends.null import Keyring as NullRing

from kling_cli.api.credentials import credentials_from_settings
from kling_cli.errors import CredentialsError, UsageError
from kling_cli.secret import Secret
from kling_cli.settings import credential_store
from kling_cli.settings.credential_store import StoredCredentials
from kling_cli.settings.parsers import is_loopback_url, parse_seconds
from kling_cli.settings.settings import API_HOSTS, Settings, read_settings
from kling_cli.settings.sources import SETTINGS

NAMES = tuple(setting.name for setting in SETTINGS)
WEBHOOK = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER_WEBHOOK = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyMTI="


@pytest.fixture(autouse=True)
def no_system_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NullRing())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def settings(
    folder: Path,
    environ: dict[str, str] | None = None,
    config: str | bytes = "",
    **options: Any,
) -> Settings:
    if config:
        raw = config.encode() if isinstance(config, str) else config
        (folder / "config.toml").write_bytes(raw)
    return read_settings({"KLING_CONFIG_DIR": str(folder), **(environ or {})}, options)


def test_without_sources_the_defaults_apply(tmp_path: Path) -> None:
    found = settings(tmp_path)

    assert found.api_key is found.access_key is found.secret_key is None
    assert (found.api_base, found.region) == (API_HOSTS["global"], "global")
    assert (found.timeout_s, found.tunnel, found.callback) == (3600.0, "auto", "auto")
    assert (found.output_dir, found.is_sandbox, found.webhook_secrets) == (
        None,
        False,
        (),
    )
    assert found.credential_kinds == frozenset()
    assert found.origins["timeout"] == "default"
    assert found.is_official_base
    assert not found.is_loopback_base


def test_options_override_the_environment_which_overrides_the_file(
    tmp_path: Path,
) -> None:
    environ = {"KLING_TIMEOUT": "2m", "KLING_TUNNEL": "none"}
    config = 'timeout = "3m"\ntunnel = "ngrok"\ncallback = "off"\n'

    found = settings(tmp_path, environ, config, timeout="1m")

    assert (found.timeout_s, found.origins["timeout"]) == (60.0, "option")
    assert (found.tunnel, found.origins["tunnel"]) == (
        "none",
        "environment KLING_TUNNEL",
    )
    assert (found.callback, found.origins["callback"]) == ("off", "config.toml")


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_unset(tmp_path: Path, empty: str) -> None:
    found = settings(tmp_path, {"KLING_TIMEOUT": empty, "KLING_API_KEY": empty})

    assert (found.timeout_s, found.api_key) == (3600.0, None)


def test_every_variable_is_read(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        {
            "KLING_ACCESS_KEY": "a",
            "KLING_SECRET_KEY": "s",
            "KLING_API_BASE": "http://127.0.0.1:8787/",
            "KLING_WEBHOOK_SECRET": f"{WEBHOOK}, {OTHER_WEBHOOK}",
            "KLING_STATE_DIR": "/state",
            "KLING_OUTPUT_DIR": "~/videos",
            "KLING_TIMEOUT": "0",
            "KLING_SANDBOX": "1",
            "PYNGROK_NGROK_PATH": "/opt/ngrok",
            "NGROK_AUTHTOKEN": "tok",
        },
    )

    assert found.credential_kinds == {"key_pair"}
    assert found.api_base == "http://127.0.0.1:8787"
    assert found.is_loopback_base
    assert found.webhook_secrets == (Secret(WEBHOOK), Secret(OTHER_WEBHOOK))
    assert found.state_dir == Path("/state")
    assert found.output_dir == Path.home() / "videos"
    assert found.timeout_s is None
    assert found.is_sandbox
    assert (found.ngrok_path, found.ngrok_authtoken) == ("/opt/ngrok", Secret("tok"))


def test_every_key_of_the_file_is_read(tmp_path: Path) -> None:
    config = f"""
        api_key = "k"
        region = "cn"
        state_dir = "/state"
        timeout = 90
        sandbox = false
        [webhook]
        secret = ["{WEBHOOK}", "{OTHER_WEBHOOK}"]
        [ngrok]
        path = "/opt/ngrok"
        authtoken = "tok"
    """

    found = settings(tmp_path, config=config)

    assert found.credential_kinds == {"api_key"}
    assert (found.region, found.api_base) == ("cn", API_HOSTS["cn"])
    assert found.timeout_s == 90.0
    assert len(found.webhook_secrets) == 2
    assert (found.ngrok_path, found.ngrok_authtoken) == ("/opt/ngrok", Secret("tok"))
    assert found.origins["webhook_secret"] == "config.toml"


def test_the_folders_of_the_platform_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))

    found = read_settings({})

    assert (found.config_dir.name, found.state_dir.name) == ("kling", "kling")
    assert tmp_path in found.config_dir.parents


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"KLING_TIMEOUT": "soon"}, "KLING_TIMEOUT 'soon' is not a length of time"),
        ({"KLING_TIMEOUT": "-1"}, "KLING_TIMEOUT"),
        ({"KLING_TIMEOUT": "nan"}, "KLING_TIMEOUT"),
        ({"KLING_TIMEOUT": "1e3"}, "KLING_TIMEOUT"),
        ({"KLING_TIMEOUT": "99999d"}, "longer than ten years"),
        ({"KLING_TUNNEL": "f r p"}, "KLING_TUNNEL 'f r p'"),
        ({"KLING_TUNNEL": "ssh://me:secret@h"}, "must not hold a password"),
        ({"KLING_TUNNEL": "ssh://"}, "is no ssh URL"),
        ({"KLING_TUNNEL": "http://h"}, "is no ssh URL"),
        ({"KLING_SANDBOX": "maybe"}, "KLING_SANDBOX 'maybe'"),
        ({"KLING_API_BASE": "api.klingai.com"}, "KLING_API_BASE is not a URL"),
        ({"KLING_API_BASE": "ftp://x"}, "is not a URL"),
        ({"KLING_API_BASE": "https://"}, "is not a URL"),
        ({"KLING_API_BASE": "https://x:y"}, "is not a URL"),
        ({"KLING_API_BASE": "https://x:0"}, "is not a URL"),
        ({"KLING_API_BASE": "https://a b"}, "is not a URL"),
        ({"KLING_API_BASE": "https://x?key=1"}, "must not have a query"),
        ({"KLING_API_BASE": "https://u:p@x"}, "must not have a query"),
        ({"KLING_WEBHOOK_SECRET": "whsec_!"}, "is not a webhook secret"),
        ({"KLING_WEBHOOK_SECRET": "whsec_"}, "is not a webhook secret"),
        ({"KLING_STATE_DIR": "~nobody-here/x"}, "is not a folder"),
    ],
)
def test_an_invalid_option_is_named_with_a_hint(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, environ).require(*NAMES)

    assert said in caught.value.message


def test_an_invalid_value_is_named_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--timeout 'soon'"):
        settings(tmp_path, timeout="soon")
    with pytest.raises(UsageError, match=r"^config\.toml: webhook\.secret is not"):
        settings(tmp_path, config='[webhook]\nsecret = "x"').require("webhook_secret")


@pytest.mark.parametrize(
    ("variable", "name", "value"),
    [
        ("KLING_TIMEOUT", "timeout", "soon"),
        ("KLING_TUNNEL", "tunnel", "f r p"),
        ("KLING_WEBHOOK_SECRET", "webhook_secret", "whsec_!"),
        ("KLING_OUTPUT_DIR", "output_dir", "~nobody-here/x"),
        ("KLING_API_BASE", "api_base", "no URL"),
        ("KLING_API_KEY", "api_key", "a b"),
        ("NGROK_AUTHTOKEN", "ngrok_authtoken", "a b"),
    ],
)
def test_an_invalid_setting_fails_only_what_needs_it(
    tmp_path: Path, variable: str, name: str, value: str
) -> None:
    found = settings(tmp_path, {variable: value})

    found.require(*(set(NAMES) - {name}))
    with pytest.raises(UsageError, match=variable):
        found.require(name)


def test_an_option_overrides_an_invalid_value(tmp_path: Path) -> None:
    found = settings(tmp_path, {"KLING_TIMEOUT": "soon"}, timeout="1m")

    found.require(*NAMES)
    assert found.timeout_s == 60
    assert found.is_typed("timeout")
    assert not found.is_typed("tunnel")


def test_an_invalid_base_url_is_not_used(tmp_path: Path) -> None:
    """Least of all to the official host: the key may be for another."""
    found = settings(
        tmp_path, {"KLING_API_BASE": "no URL", "KLING_API_KEY": "k"}, 'region = "cn"'
    )

    assert found.api_base == ""
    with pytest.raises(UsageError, match="KLING_API_BASE is not a URL"):
        credentials_from_settings(found)


@pytest.mark.parametrize("pasted", ["sk-abc", " sk-abc\n", "\tsk-abc\r\n"])
def test_white_space_around_a_pasted_key_is_removed(
    tmp_path: Path, pasted: str
) -> None:
    assert settings(tmp_path, {"KLING_API_KEY": pasted}).api_key == Secret("sk-abc")


@pytest.mark.parametrize(
    "pasted", ["sk-\nabc", "Bearer sk-abc", "sk-\x1babc", "sk-äbc"]
)
def test_an_invalid_key_is_refused_and_not_repeated(
    tmp_path: Path, pasted: str
) -> None:
    with pytest.raises(UsageError, match="KLING_API_KEY") as caught:
        credentials_from_settings(settings(tmp_path, {"KLING_API_KEY": pasted}))

    assert "bc" not in caught.value.message + (caught.value.hint or "")


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    key = "sk-very-secret-0123456789"
    environ = {
        "KLING_API_KEY": key,
        "NGROK_AUTHTOKEN": key,
        "KLING_WEBHOOK_SECRET": WEBHOOK,
    }

    said = repr(settings(tmp_path, environ))

    assert key not in said
    assert WEBHOOK not in said


@pytest.mark.parametrize(
    ("environ", "config", "options", "base", "region"),
    [
        ({}, "", {"region": "cn"}, API_HOSTS["cn"], "cn"),
        ({}, "", {"region": "CN"}, API_HOSTS["cn"], "cn"),
        (
            {"KLING_API_BASE": "https://x"},
            "",
            {"region": "cn"},
            API_HOSTS["cn"],
            "cn",
        ),
        (
            {"KLING_API_BASE": "https://x/"},
            'region = "cn"',
            {},
            "https://x",
            "global",
        ),
        ({"KLING_API_BASE": API_HOSTS["cn"]}, "", {}, API_HOSTS["cn"], "cn"),
        (
            {},
            'region = "cn"\napi_base = "https://x"',
            {},
            "https://x",
            "global",
        ),
    ],
)
def test_the_strongest_source_of_the_host_wins(  # noqa: PLR0913,PLR0917 -- a table
    tmp_path: Path,
    environ: dict[str, str],
    config: str,
    options: dict[str, str],
    base: str,
    region: str,
) -> None:
    found = settings(tmp_path, environ, config, **options)

    assert (found.api_base, found.region) == (base, region)


def logged_in(folder: Path, **keys: Any) -> None:
    credential_store.store_credentials(folder, StoredCredentials(**keys))


def test_a_stored_login_is_used_with_its_region(tmp_path: Path) -> None:
    logged_in(tmp_path, api_key=Secret("stored"), region="cn")

    found = settings(tmp_path)

    assert (found.api_key, found.region) == (Secret("stored"), "cn")
    assert found.origins["api_key"] == "credentials.toml"


def test_the_environment_overrides_the_login_and_its_region(tmp_path: Path) -> None:
    logged_in(tmp_path, api_key=Secret("stored"), region="cn")

    found = settings(tmp_path, {"KLING_ACCESS_KEY": "a", "KLING_SECRET_KEY": "s"})

    assert (found.api_key, found.region) == (None, "global")
    assert found.credential_kinds == {"key_pair"}


def test_half_a_pair_is_completed_by_weaker_sources(tmp_path: Path) -> None:
    logged_in(tmp_path, access_key=Secret("a"), secret_key=Secret("s"))

    found = settings(tmp_path, {"KLING_ACCESS_KEY": "b"})

    assert (found.access_key, found.secret_key) == (Secret("b"), Secret("s"))
    assert found.api_key is None


def test_an_unreadable_login_fails_only_when_it_is_needed(
    tmp_path: Path,
) -> None:
    (tmp_path / "credentials.toml").write_text("= broken")

    found = settings(tmp_path)

    assert isinstance(found.credentials_problem, CredentialsError)
    assert settings(tmp_path, {"KLING_SANDBOX": "1"}).credentials_problem is None


@pytest.mark.parametrize(
    ("config", "said", "hint"),
    [
        ("timeout = \nregion = 'cn'", "line 1", "correct that line"),
        ("a = 1\na = 2", "not valid TOML", "correct that line"),
        ('# x\n\ntimout = "1m"', "line 3: there is no setting 'timout'", "'timeout'"),
        ("[webhook]\nsecrets = 1", "line 2: there is no setting", "webhook.secret"),
        ("[zzz]\na = 1", "line 1: there is no setting 'zzz'", "the settings are"),
        ("config_dir = '/x'", "there is no setting 'config_dir'", ""),
        ("webhook = 5", "there is no setting 'webhook'", "webhook.secret"),
        ("\n[timeout]\na = 1", "line 2: timeout must be a text", ""),
        ("timeout = [1]", "line 1: timeout must be a text", ""),
        ("timeout = 2026-10-04", "line 1: timeout must be a text", ""),
        ('"tim\\u006fut" = 1', "config.toml: there is no setting 'timout'", ""),
        ("ngrok.path = {}", "ngrok.path must be a text", ""),
        (b"\xff\xfe\x00", "cannot be read", "UTF-8"),
        (b"#" * (1 << 21), "too large", ""),
        ("a = " + "[" * 100_000, "not valid TOML", ""),
    ],
)
def test_an_invalid_file_is_named_with_line_and_hint(
    tmp_path: Path, config: str | bytes, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, config=config)

    assert said in caught.value.message
    assert "config.toml" in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()

    with pytest.raises(UsageError, match=r"config\.toml cannot be read"):
        settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("2.5", 2.5),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1H30M", 5400.0),
        ("1d", 86400.0),
        ("250ms", 0.25),
        ("0", None),
        ("0s", None),
    ],
)
def test_durations_are_parsed(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


@given(st.text())
@example("1" * 400)
@example("٣")
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        found = parse_seconds(text)
    except ValueError as exc:
        assert exc.args[0]  # noqa: PT017 -- either outcome is right
    else:
        assert found is None or 0 < found < 1e9


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("http://box.localhost.", True),
        ("http://[::1]:5/x", True),
        ("https://api-singapore.klingai.com", False),
        ("http://127.0.0.1.example", False),
        ("http://localhost.example", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_loopback_urls_are_recognised(url: str, is_loopback: bool) -> None:
    assert is_loopback_url(url) is is_loopback
