"""`kling doctor`: the checks and their remedies."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.health_check import HealthReport, HealthStatus, check_reachable
from kling_cli.cli.diagnosis import (
    Level,
    check_base,
    check_clock,
    check_folder,
    check_host,
    check_journal,
    check_login,
    check_output,
    check_path,
    check_proxy,
    find_programs,
    starts_this_package,
)
from kling_cli.clock import SystemClock
from kling_cli.errors import AccountError
from kling_cli.settings.settings import read_settings
from tests.support.agent import StandIn, stand_in
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.sandbox_server import API_KEY, SandboxServer, run_sandbox_server
from tests.support.wire_server import envelope, page, wire_server

__all__ = ["stand_in"]

NGROK_TOKEN = "2ngrokTokenOfTheTests_14142135623730950488"
WEBHOOK_SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server() as served:
        yield served


@pytest.fixture
def kling(kling: Kling, sandbox: SandboxServer) -> Kling:
    kling.env |= sandbox.env
    kling.secrets.add("the API key", API_KEY)
    kling.secrets.add("the ngrok token", NGROK_TOKEN)
    kling.secrets.add("the webhook secret", WEBHOOK_SECRET)
    return kling


def checks(result: Result) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in result.json()["checks"]}


def levels(result: Result) -> dict[str, str]:
    return {name: check["level"] for name, check in checks(result).items()}


def test_all_is_well(kling: Kling, stand_in: StandIn) -> None:
    stand_in.behave(version="3.31.0", token=NGROK_TOKEN)
    env = {
        **stand_in.env,
        "NGROK_AUTHTOKEN": NGROK_TOKEN,
        "KLING_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "KLING_TUNNEL": "ngrok",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kling.env["PATH"]]),
    }

    done = kling.run("doctor", "--json", env=env)

    printed = done.json()
    found = checks(done)
    assert (done.exit_code, printed["ok"], printed["error"]) == (0, True, None), done
    assert {check["level"] for check in printed["checks"]} == {"ok"}, done
    assert "****1828 from environment KLING_API_KEY" in found["credentials"]["message"]
    assert "version 3.31.0" in found["ngrok agent"]["message"]
    assert found["ngrok token"]["message"] == "from environment NGROK_AUTHTOKEN"
    assert printed["settings"]["webhook_secret"]["value"] == "****MTI="
    assert printed["settings"]["tunnel"] == {
        "value": "ngrok",
        "origin": "environment KLING_TUNNEL",
    }


def test_a_person_reads_a_line_a_finding_and_the_remedy(kling: Kling) -> None:
    done = kling.run("doctor", env={"KLING_TUNNEL": "ngrok", "PATH": "/nowhere"})

    assert done.exit_code == 0
    assert "ok    login" in done.stdout
    assert "warn  ngrok agent" in done.stdout
    assert "-> get ngrok from" in done.stdout
    assert "warn  command" in done.stdout
    assert "KLING_TUNNEL" in done.stdout
    assert "\x1b" not in done.stdout


def test_colours_are_for_those_who_want_them(kling: Kling) -> None:
    done = kling.run("doctor", "--offline", env={"FORCE_COLOR": "1"})

    assert "\x1b[32m" in done.stdout.replace("\x1b[1m", "")


def test_without_credentials_it_ends_with_3_and_still_looks_at_the_network(
    kling: Kling,
) -> None:
    done = kling.run("doctor", "--json", env={"KLING_API_KEY": None})

    assert done.exit_code == 3
    assert levels(done)["credentials"] == "fail"
    assert levels(done)["network"] == "ok"
    assert "login" not in levels(done)
    assert done.json()["error"]["type"] == "auth"


def test_a_key_under_another_clients_name_is_pointed_out(kling: Kling) -> None:
    env = {"KLING_API_KEY": None, "KLINGAI_API_KEY": "x"}

    done = kling.run("doctor", "--json", env=env)

    assert "kling reads KLING_API_KEY" in checks(done)["credentials"]["remedy"]


def test_a_key_that_is_refused_ends_with_3(kling: Kling) -> None:
    done = kling.run("doctor", "--json", env={"KLING_API_KEY": "sk-wrong"})

    assert done.exit_code == 3
    assert levels(done)["login"] == "fail"


def test_an_api_that_is_not_there_ends_with_6(kling: Kling) -> None:
    done = kling.run("doctor", "--json", env={"KLING_API_BASE": "http://127.0.0.1:9"})

    assert done.exit_code == 6
    assert levels(done)["network"] == "fail"


def test_neither_key_nor_network_ends_with_the_first_of_both(kling: Kling) -> None:
    env = {"KLING_API_KEY": None, "KLING_API_BASE": "http://127.0.0.1:9"}

    done = kling.run("doctor", "--json", env=env)

    assert done.exit_code == 3
    assert levels(done)["network"] == "fail"


def test_offline_asks_nobody(kling: Kling, sandbox: SandboxServer) -> None:
    done = kling.run("doctor", "--offline", "--json")

    assert done.exit_code == 0
    assert "network" not in levels(done)
    assert sandbox.counts["query"] == 0


def test_a_simulator_needs_no_credentials_and_no_network(kling: Kling) -> None:
    env = {"KLING_API_KEY": None, "KLING_API_BASE": None, "KLING_SANDBOX": "1"}

    done = kling.run("doctor", "--json", env=env)

    assert done.exit_code == 0
    assert "none needed" in checks(done)["credentials"]["message"]
    assert "network" not in levels(done)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("ahead_s", "printed"),
    [(0, "agrees with the API's"), (3600, "s behind the API"), (None, None)],
)
@pytest.mark.parametrize("key", ["", API_KEY])
async def test_the_clock_is_compared_with_the_apis(
    tmp_path: Path, ahead_s: int | None, printed: str | None, key: str
) -> None:
    now = datetime.now(UTC)
    headers = {}
    if ahead_s is not None:
        headers["Date"] = format_datetime(now + timedelta(seconds=ahead_s), usegmt=True)
    async with wire_server(envelope([], headers=headers)) as server:
        settings = read_settings(
            {
                "KLING_API_BASE": server.base_url,
                "KLING_API_KEY": key,
                "KLING_CONFIG_DIR": str(tmp_path),
            }
        )

        found = {
            check.name: check for check in await check_host(settings, SystemClock())
        }

    assert found["network"].level is Level.OK
    assert ("login" in found) is bool(key)
    assert ("clock" in found) is (printed is not None)
    assert printed is None or printed in found["clock"].message


@pytest.mark.parametrize(
    ("environ", "config"),
    [({"KLING_TIMEOUT": "soon"}, ""), ({}, "timout = 5")],
)
def test_settings_that_are_nonsense_end_with_2(
    kling: Kling, environ: dict[str, str], config: str
) -> None:
    kling.config_dir.mkdir()
    (kling.config_dir / "config.toml").write_text(config)

    done = kling.run("doctor", "--json", env=environ)

    plain = kling.run("doctor", env=environ)
    assert (done.exit_code, plain.exit_code) == (2, 2)
    assert "fail  settings" in plain.stdout
    assert levels(done)["settings"] == "fail"
    assert levels(done)["python"] == "ok"


@pytest.mark.parametrize(
    ("behaviour", "printed"),
    [
        ({"version": "3.0.4"}, "3.30 or newer is needed"),
        ({"version": "unknown"}, "is not an ngrok agent"),
    ],
)
def test_an_agent_that_will_not_do_is_a_warning(
    kling: Kling, stand_in: StandIn, behaviour: dict[str, str], printed: str
) -> None:
    stand_in.behave(**behaviour)

    done = kling.run("doctor", "--json", env={**stand_in.env, "KLING_TUNNEL": "ngrok"})

    assert done.exit_code == 0
    assert checks(done)["ngrok agent"]["level"] == "warn"
    assert printed in checks(done)["ngrok agent"]["message"]


def test_pyngroks_script_of_the_same_name_is_told_apart(
    kling: Kling, tmp_path: Path
) -> None:
    shim = tmp_path / "ngrok"
    shim.write_text("#!/usr/bin/python\nfrom pyngrok.ngrok import main\nmain()\n")
    shim.chmod(0o755)

    done = kling.run(
        "doctor",
        "--json",
        env={"KLING_TUNNEL": "ngrok", "PATH": str(tmp_path)},
    )

    assert "pyngrok's script" in checks(done)["ngrok command"]["message"]
    assert checks(done)["ngrok agent"]["level"] == "warn"


def test_a_token_in_ngroks_own_file_is_found_and_not_shown(
    kling: Kling,
) -> None:
    folder = kling.home / ".config/ngrok"
    folder.mkdir(parents=True)
    token = "tokenInTheFile_0123456789"
    (folder / "ngrok.yml").write_text(f"version: 3\nagent:\n  authtoken: {token}\n")

    done = kling.run("doctor", "--json", env={"KLING_TUNNEL": "ngrok"})

    assert checks(done)["ngrok token"]["message"] == "from ngrok.yml"
    assert token not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("env", "printed"),
    [
        ({"KLING_TUNNEL": "none"}, "none wanted"),
        ({"KLING_TUNNEL": "auto"}, "the API is on this machine"),
    ],
)
def test_a_tunnel_that_is_not_needed_is_not_looked_for(
    kling: Kling, env: dict[str, str], printed: str
) -> None:
    done = kling.run("doctor", "--json", env=env)

    assert printed in checks(done)["tunnel"]["message"]
    assert "ngrok agent" not in levels(done)


def test_private_files_and_a_folder_for_results_are_fine(kling: Kling) -> None:
    kling.config_dir.mkdir()
    config = kling.config_dir / "config.toml"
    config.write_text(f'output_dir = "{kling.here}"')
    config.chmod(0o644)

    found = checks(kling.run("doctor", "--json", "--offline"))

    assert found["config file"]["message"] == str(config)
    assert found["output folder"]["level"] == "ok"
    assert "stored login" not in found


def test_files_that_others_can_read_are_warned_of(kling: Kling) -> None:
    kling.config_dir.mkdir()
    config = kling.config_dir / "config.toml"
    config.write_text('[webhook]\nsecret = "dGVzdHNlY3JldA=="')
    config.chmod(0o644)
    login = kling.config_dir / "credentials.toml"
    login.write_text("")
    login.chmod(0o640)

    done = kling.run("doctor", "--json", "--offline")

    assert "chmod 600" in checks(done)["config file"]["remedy"]
    assert "chmod 600" in checks(done)["stored login"]["remedy"]


def test_a_journal_in_use_is_sound_and_left_alone(kling: Kling) -> None:
    kling.run("list")
    journal = kling.state_dir / "journal.db"
    before = journal.read_bytes()

    done = kling.run("doctor", "--json", "--offline")

    assert checks(done)["journal"]["message"] == "sound"
    assert journal.read_bytes() == before


def test_a_damaged_journal_is_told_and_left_alone(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    journal.write_bytes(b"this is no database at all" * 50)

    found = check_journal(tmp_path)

    assert found.level is Level.WARN
    assert "damaged" in found.message
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]


def test_damage_deep_inside_a_journal_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE jobs (a)")
        database.execute("CREATE INDEX i ON jobs (a)")
        database.executemany("INSERT INTO jobs VALUES (?)", [["x" * 90]] * 900)
    database.close()
    raw = bytearray(path.read_bytes())
    raw[8192:20480] = b"\xaa" * 12288
    path.write_bytes(raw)

    assert check_journal(tmp_path).level is Level.WARN


def test_a_journal_that_cannot_be_opened_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()

    found = check_journal(tmp_path)

    assert found.level is Level.FAIL
    assert found.error is not None


def test_a_folder_that_is_not_made_yet_is_fine_and_not_made(tmp_path: Path) -> None:
    found = check_folder(tmp_path / "a/b")

    assert found.level is Level.OK
    assert "not made yet" in found.message
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")

    found = check_folder(tmp_path / "state")

    assert found.level is Level.FAIL
    assert "KLING_STATE_DIR" in (found.remedy or "")


def test_an_output_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    assert check_output(tmp_path / "new").level is Level.OK
    assert check_output(tmp_path / "file/new").level is Level.WARN


def program(folder: Path, text: str) -> Path:
    folder.mkdir()
    path = folder / "kling"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_another_program_of_the_same_name_is_told(tmp_path: Path) -> None:
    other = program(tmp_path / "a", "#!/bin/sh\necho kling\n")
    mine = program(tmp_path / "b", "#!python\nfrom kling_cli.main import main\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/kling").symlink_to(mine)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/kling").write_text("not a program")
    search_path = os.pathsep.join(str(tmp_path / each) for each in "abcde")

    found = find_programs(search_path)
    first = check_path(found)
    second = check_path(found[::-1])

    assert found == [other, mine]
    assert first.level is Level.WARN
    assert f"put {tmp_path / 'b'} before {tmp_path / 'a'}" in (first.remedy or "")
    assert second.level is Level.OK
    assert f"also on PATH: {other}" in second.message


def test_another_program_of_the_name_on_path_is_reported(tmp_path: Path) -> None:
    found = check_path([program(tmp_path / "a", "#!/bin/sh\n")])

    assert str(Path(sys.executable).parent) in (found.remedy or "")


def test_a_program_that_cannot_be_read_is_not_ours(tmp_path: Path) -> None:
    assert not starts_this_package(tmp_path / "missing")


@pytest.mark.parametrize(
    ("ahead_s", "is_strict", "printed"),
    [
        (31, False, "31 s behind the API; kling makes up"),
        (-299, False, "299 s ahead of the API; kling makes up"),
        (299, True, "signed callbacks are refused"),
        (100, True, "kling makes up"),
    ],
)
def test_a_clock_is_judged_by_what_it_breaks(
    ahead_s: float, is_strict: bool, printed: str
) -> None:
    found = check_clock(ahead_s, is_strict=is_strict)

    assert found.level is Level.WARN
    assert printed in found.message


def test_an_account_in_arrears_is_a_failure_of_the_account() -> None:
    error = AccountError("in arrears", hint="top up")

    found = check_login(HealthReport(status=HealthStatus.ACCEPTED, error=error))

    assert (found.name, found.level, found.remedy) == ("account", Level.FAIL, "top up")


def test_a_key_in_the_clear_is_warned_of(tmp_path: Path) -> None:
    environ = {
        "KLING_API_BASE": "http://proxy.example",
        "KLING_CONFIG_DIR": str(tmp_path),
    }

    found = check_base(read_settings(environ))

    assert found.level is Level.WARN
    assert "unencrypted" in found.message


def test_the_proxy_in_use_and_what_cannot_be_read_of_no_proxy_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings({"KLING_CONFIG_DIR": str(tmp_path)})
    without = list(check_proxy(settings))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
    [used] = check_proxy(settings)
    monkeypatch.setenv("NO_PROXY", "klingai.com,fd00::/200")
    [skipped] = check_proxy(settings)

    assert without == []
    assert used.message.endswith("through http://proxy.example:3128 (HTTPS_PROXY)")
    assert (skipped.level, skipped.name) == (Level.WARN, "proxy")
    assert skipped.message.endswith("skipped: fd00::/200")


@pytest.mark.anyio
async def test_a_page_is_not_the_api() -> None:
    async with wire_server(page(200)) as server:
        verdict = await check_reachable(server.base_url, SystemClock())

    assert verdict.status is HealthStatus.UNREACHABLE
    assert "not the Kling API" in str(verdict.error)
