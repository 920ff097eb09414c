"""`kling auth`: login, status and logout, against the sandbox on loopback."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from kling_cli.cli.commands.auth import (
    CredentialInput,
    candidate_base_urls,
    find_region,
    parse_credentials,
)
from kling_cli.clock import SystemClock
from kling_cli.errors import CredentialsError, UnreachableError, UsageError
from kling_cli.secret import Secret
from kling_cli.settings.settings import API_HOSTS, LOGIN_HINT, read_settings
from tests.support.kling import Kling
from tests.support.sandbox_server import (
    ACCESS_KEY,
    API_KEY,
    SECRET_KEY,
    SandboxServer,
    run_sandbox_server,
)
from tests.support.terminal import Terminal
from tests.support.wire_server import envelope, page, wire_server

KEYS = CredentialInput(api_key=Secret("sk-0123456789abcdef"))


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server() as served:
        yield served


@pytest.fixture
def kling(kling: Kling, sandbox: SandboxServer) -> Kling:
    kling.env["KLING_API_BASE"] = sandbox.base_url
    kling.secrets.add("the API key", API_KEY)
    kling.secrets.add("the secret key", SECRET_KEY)
    return kling


def test_a_key_from_a_pipe_is_tried_kept_and_used(
    kling: Kling, sandbox: SandboxServer
) -> None:
    done = kling.run("auth", "login", "--with-key", stdin=f" {API_KEY}\n".encode())

    path = kling.config_dir / "credentials.toml"
    assert (done.exit_code, done.stdout) == (0, ""), done
    assert "logged in" in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert API_KEY in path.read_text()
    assert sandbox.counts["create"] == 0

    known = kling.run("auth", "status")
    assert known.exit_code == 0
    assert "API key ****1828" in known.stdout
    assert "credentials.toml" in known.stdout
    assert "accepted" in known.stdout


def test_a_pair_from_a_pipe_is_tried_kept_and_used(kling: Kling) -> None:
    keys = f"{ACCESS_KEY}\n\n{SECRET_KEY}\r\n".encode()

    done = kling.run("auth", "login", "--with-key", "--key-pair", stdin=keys)

    assert done.exit_code == 0, done
    known = kling.run("auth", "status", "--json").json()
    assert (known["ok"], known["kind"], known["standing"]) == (
        True,
        "key_pair",
        "accepted",
    )
    assert known["masked"] == "****1618"


def test_a_key_that_the_api_does_not_know_is_not_kept(kling: Kling) -> None:
    done = kling.run("auth", "login", "--with-key", stdin=b"sk-somebody-elses\n")

    assert done.exit_code == 3
    assert "nothing was kept" in done.stderr
    assert not (kling.config_dir / "credentials.toml").exists()


def test_a_login_can_go_unchecked(kling: Kling, sandbox: SandboxServer) -> None:
    done = kling.run(
        "auth",
        "login",
        "--with-key",
        "--no-verify",
        "--region",
        "cn",
        "--json",
        stdin=API_KEY.encode(),
        env={"KLING_API_BASE": None},
    )

    assert done.exit_code == 0
    printed = done.json()
    assert (printed["ok"], printed["region"], printed["stored_in"]) == (
        True,
        "cn",
        "credentials.toml",
    )
    assert "not checked" in done.stderr
    assert sandbox.counts["query"] == 0
    status = kling.run("auth", "status", "--offline", env={"KLING_API_BASE": None})
    assert API_HOSTS["cn"] in status.stdout


def test_the_key_is_prompted_for_without_echo(kling: Kling) -> None:
    terminal = Terminal(streams=("stdin", "stderr"))

    with kling.start("auth", "login", terminal=terminal) as program:
        program.wait_for(r"API key .*: ")
        terminal.type(f"{API_KEY}\n")
        result = program.finish()

    assert result.exit_code == 0, result
    assert API_KEY not in result.stderr
    assert "logged in" in result.stderr


def test_both_keys_of_a_pair_are_prompted_for(kling: Kling) -> None:
    terminal = Terminal(streams=("stdin", "stderr"))

    with kling.start("auth", "login", "--key-pair", terminal=terminal) as program:
        program.wait_for(r"AccessKey .*: ")
        terminal.type(f"{ACCESS_KEY}\n")
        program.wait_for(r"SecretKey .*: ")
        terminal.type(f"{SECRET_KEY}\n")
        result = program.finish()

    assert result.exit_code == 0, result


def test_an_empty_key_is_an_error(kling: Kling) -> None:
    for keys, printed in (("\n", "is empty"), ("\x04", "no API key was typed")):
        terminal = Terminal(streams=("stdin", "stderr"))

        with kling.start("auth", "login", terminal=terminal) as program:
            program.wait_for(r"API key .*: ")
            terminal.type(keys)
            result = program.finish()

        assert result.exit_code == 2
        assert printed in result.stderr


def test_without_a_terminal_there_is_no_prompt(kling: Kling) -> None:
    done = kling.run("auth", "login")

    assert done.exit_code == 2
    assert "--with-key" in done.stderr


def test_a_stronger_key_is_pointed_out(kling: Kling) -> None:
    env = {"KLING_API_KEY": API_KEY}

    done = kling.run("auth", "login", "--with-key", stdin=API_KEY.encode(), env=env)
    gone = kling.run("auth", "logout", env=env)

    assert "environment KLING_API_KEY is stronger" in done.stderr
    assert "KLING_API_KEY is set" in gone.stderr


def test_an_account_in_trouble_is_logged_in_with_a_warning(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("query:1302")

    done = kling.run("auth", "login", "--with-key", stdin=API_KEY.encode())

    assert done.exit_code == 0, done
    assert "warning: the key is known, but" in done.stderr


def test_without_credentials_status_ends_with_3_and_says_what_to_do(
    kling: Kling,
) -> None:
    plain = kling.run("auth", "status")
    status = kling.run("auth", "status", "--json")

    assert (plain.exit_code, status.exit_code) == (3, 3)
    assert LOGIN_HINT in plain.stderr
    assert status.json()["error"]["hint"] == LOGIN_HINT


def test_a_key_that_is_refused_ends_with_3(kling: Kling) -> None:
    done = kling.run("auth", "status", "--json", env={"KLING_API_KEY": "sk-wrong-one"})

    printed = done.json()
    assert done.exit_code == 3
    assert (printed["ok"], printed["standing"], printed["error"]["code"]) == (
        False,
        "refused",
        1002,
    )


def test_an_api_that_is_not_there_ends_with_6(kling: Kling) -> None:
    env = {"KLING_API_KEY": API_KEY, "KLING_API_BASE": "http://127.0.0.1:9"}

    done = kling.run("auth", "status", env=env)

    assert done.exit_code == 6
    assert "unreachable" in done.stdout


def test_half_a_pair_is_named(kling: Kling) -> None:
    done = kling.run("auth", "status", env={"KLING_ACCESS_KEY": "half"})

    assert done.exit_code == 3
    assert "KLING_SECRET_KEY" in done.stderr


def test_logging_out_forgets_and_may_be_repeated(kling: Kling) -> None:
    kling.run("auth", "login", "--with-key", stdin=API_KEY.encode())

    first = kling.run("auth", "logout", "--json")
    second = kling.run("auth", "logout")

    assert first.json()["removed"] == "credentials.toml"
    assert (second.exit_code, second.stderr) == (0, "there was no login\n")
    assert not (kling.config_dir / "credentials.toml").exists()


def test_logging_out_works_with_settings_that_are_broken(kling: Kling) -> None:
    kling.config_dir.mkdir()
    (kling.config_dir / "config.toml").write_text("= broken")

    done = kling.run("auth", "logout", env={"KLING_TIMEOUT": "nonsense"})

    assert done.exit_code == 0


def test_a_folder_that_takes_no_login_is_named(kling: Kling) -> None:
    kling.config_dir.write_text("in the way")

    done = kling.run("auth", "login", "--with-key", stdin=API_KEY.encode())

    assert done.exit_code in (2, 3)
    assert str(kling.config_dir) in done.stderr


def test_auth_alone_says_what_there_is(kling: Kling) -> None:
    done = kling.run("auth")

    assert done.exit_code == 2
    assert "login, status or logout" in done.stderr


@pytest.mark.parametrize("is_pair", [False, True])
@pytest.mark.parametrize(
    "raw", [b"", b"\n \n", b"a\nb\nc", b"with blanks", b"\xff\xfe", b"\x1b[2J\nok"]
)
def test_what_is_no_key_is_refused_and_not_repeated(raw: bytes, is_pair: bool) -> None:
    with pytest.raises(UsageError) as caught:
        parse_credentials(raw, is_pair=is_pair)

    assert "with blanks" not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.anyio
async def test_the_region_that_knows_the_key_is_found() -> None:
    wrong = envelope(code=1002, http=401, message="unknown")
    async with wire_server(wrong) as here, wire_server(envelope([])) as there:
        bases = {"global": here.base_url, "cn": there.base_url}

        region, verdict = await find_region(KEYS, bases, SystemClock())

    assert (region, verdict.error) == ("cn", None)
    assert here.seen[0].target == there.seen[0].target == "/tasks?task_ids=0"


@pytest.mark.anyio
async def test_a_key_that_no_region_knows_is_refused() -> None:
    wrong = envelope(code=1002, http=401, message="unknown")
    async with wire_server(wrong) as here, wire_server(wrong) as there:
        bases = {"global": here.base_url, "cn": there.base_url}

        with pytest.raises(CredentialsError, match="neither region"):
            await find_region(KEYS, bases, SystemClock())


@pytest.mark.anyio
async def test_a_region_that_does_not_answer_leaves_it_open() -> None:
    wrong = envelope(code=1002, http=401, message="unknown")
    async with wire_server(page(502)) as here, wire_server(wrong) as there:
        bases = {"global": here.base_url, "cn": there.base_url}

        with pytest.raises(UnreachableError) as caught:
            await find_region(KEYS, bases, SystemClock())

    assert "--no-verify" in (caught.value.hint or "")


@pytest.mark.anyio
async def test_a_key_without_the_right_is_a_key_all_the_same() -> None:
    async with wire_server(envelope(code=1103, http=403)) as here:
        region, verdict = await find_region(KEYS, {"": here.base_url}, SystemClock())

    assert region == ""
    assert verdict.error is not None


@pytest.mark.parametrize(
    ("environ", "options", "bases"),
    [
        ({}, {}, API_HOSTS),
        ({}, {"region": "cn"}, {"cn": API_HOSTS["cn"]}),
        ({"KLING_API_BASE": API_HOSTS["global"]}, {}, {"global": API_HOSTS["global"]}),
        ({"KLING_API_BASE": "http://x"}, {}, {"": "http://x"}),
    ],
)
def test_the_hosts_to_try_are_both_unless_one_was_chosen(
    environ: dict[str, str], options: dict[str, str], bases: dict[str, str]
) -> None:
    assert candidate_base_urls(read_settings(environ, options)) == bases
