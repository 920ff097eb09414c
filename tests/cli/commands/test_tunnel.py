"""`kling tunnel`: list, test, use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kling_cli.cli.diagnosis import tunnel_checks
from kling_cli.errors import UsageError
from kling_cli.settings.config_file import read_config, write_setting
from kling_cli.settings.settings import read_settings
from kling_cli.settings.sources import CONFIG_KEYS
from tests.support.agent import StandIn, cloudflared, write_program
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer, run_sandbox_server

__all__ = ["cloudflared"]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server() as served:
        yield served


def test_the_list_says_what_is_ready_and_what_the_others_need(
    kling: Kling, cloudflared: StandIn
) -> None:
    found = kling.run("tunnel", "--json", env=cloudflared.env).json()
    shown = kling.run("tunnel", "list", env=cloudflared.env)

    by_name = {one["name"]: one for one in found["tunnels"]}
    assert (found["command"], found["chosen"]) == ("tunnel list", "auto")
    assert by_name["cloudflared"]["ready"]
    assert not by_name["ngrok"]["ready"]
    assert any(check["remedy"] for check in by_name["ngrok"]["checks"])
    assert re.search(r"^cloudflared +yes ", shown.stdout, re.MULTILINE)
    assert re.search(r"^ngrok +no ", shown.stdout, re.MULTILINE)
    assert re.search(r"^ngrok agent: .*; get ngrok from", shown.stdout, re.MULTILINE)
    assert "used: auto (default)" in shown.stdout


def test_a_test_measures_and_leaves_nothing(kling: Kling, cloudflared: StandIn) -> None:
    result = kling.run("tunnel", "test", "--json", env=cloudflared.env)

    assert result.exit_code == 0, result
    [one] = result.json()["tunnels"]
    assert one["name"] == "cloudflared"
    assert 0 < one["median_ms"] <= one["p95_ms"]
    assert one["ready_s"] > 0
    assert one["takes_1mib"] is True
    assert one["came_from"] == "192.0.2.1"
    assert cloudflared.next_agent().wait_gone()


def test_a_tunnel_that_does_not_work_is_said_beside_those_that_do(
    kling: Kling, cloudflared: StandIn
) -> None:
    result = kling.run("tunnel", "test", "ngrok", "cloudflared", env=cloudflared.env)

    assert result.exit_code == 12
    assert re.search(r"^cloudflared +[\d.]+ s .* yes ", result.stdout, re.MULTILINE)
    assert re.search(r"^ngrok: the ngrok agent", result.stdout, re.MULTILINE)
    assert "hint: get ngrok from" in result.stderr
    assert "--callback off" not in result.stderr
    assert kling.run("tunnel", "test", "frp").exit_code == 2
    assert kling.run("tunnel", "test", "none").exit_code == 2


def test_what_is_chosen_is_remembered(kling: Kling, cloudflared: StandIn) -> None:
    kling.config_dir.mkdir()
    config = kling.config_dir / "config.toml"
    config.write_text("# mine\ncallback = 'auto'\n")

    used = kling.run("tunnel", "use", "cloudflared", env={"KLING_TUNNEL": "ngrok"})
    doctor = kling.run("doctor", "--offline", "--json", env={"KLING_API_BASE": None})
    unknown = kling.run("tunnel", "use", "frp")

    assert used.exit_code == 0
    assert "KLING_TUNNEL is set" in used.stderr
    assert "not installed" in used.stderr
    assert config.read_text() == "# mine\ncallback = 'auto'\ntunnel = \"cloudflared\"\n"
    assert doctor.json()["settings"]["tunnel"]["value"] == "cloudflared"
    assert unknown.exit_code == 2
    assert "cloudflared" in unknown.stderr


@pytest.mark.parametrize(
    ("environ", "folder", "said"),
    [
        pytest.param({}, "nowhere", "none is set up", id="nothing"),
        pytest.param({}, "there", "cloudflared is used (auto)", id="one is ready"),
        pytest.param({"KLING_TUNNEL": "frp"}, "there", "'frp' is unknown", id="wrong"),
        pytest.param({"KLING_TUNNEL": "none"}, "there", "none wanted", id="none"),
        pytest.param(
            {"KLING_TUNNEL": "ssh"}, "there", "no ssh server is set up", id="named"
        ),
        pytest.param(
            {"NGROK_AUTHTOKEN": "a b"}, "nowhere", "NGROK_AUTHTOKEN has", id="bad token"
        ),
    ],
)
def test_the_doctor_looks_at_what_would_be_used(
    environ: dict[str, str], folder: str, said: str, tmp_path: Path
) -> None:
    write_program(tmp_path / "there", "cloudflared")
    settings = read_settings({"KLING_CONFIG_DIR": str(tmp_path)} | environ)

    found = list(tunnel_checks(settings, str(tmp_path / folder)))

    assert said in " ".join(check.message for check in found)


def test_a_setting_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new/config.toml"
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    broken = tmp_path / "broken.toml"
    broken.write_text("tunnel = \n")

    write_setting(path, "tunnel", "ngrok")
    write_setting(link, "offer_tunnel", value=False)
    with pytest.raises(UsageError, match="not valid TOML"):
        write_setting(broken, "tunnel", "ngrok")
    path.with_name(f".config.toml.{os.getpid()}.part").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_setting(path, "tunnel", "auto")

    found = read_config(path, CONFIG_KEYS)
    assert found == {"tunnel": "ngrok", "offer_tunnel": "false"}
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert broken.read_text() == "tunnel = \n"
