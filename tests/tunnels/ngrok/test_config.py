"""The agent's configuration: ours, with what is needed of the person's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs
from pyngrok import installer

from kling_cli.tunnels.ngrok.config import read_user_config, write_config

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefgh"


def persons(text: str, folder: Path | None = None) -> Path:
    """Write the person's own `ngrok.yml`."""
    path = (folder or Path(installer.get_default_ngrok_dir())) / "ngrok.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_person_without_a_configuration_has_no_token() -> None:
    assert read_user_config().authtoken is None
    assert read_user_config().connection == {}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"version: 3\nagent:\n  authtoken: {TOKEN}\n", id="version 3"),
        pytest.param(f'version: "2"\nauthtoken: {TOKEN}\n', id="version 2"),
        pytest.param(f"authtoken: {TOKEN}\n", id="no version"),
    ],
)
def test_the_token_of_a_persons_configuration_is_read(text: str) -> None:
    persons(text)

    assert read_user_config().authtoken == TOKEN


@pytest.mark.parametrize("folder", [".config/ngrok", ".ngrok2"])
def test_older_places_of_the_configuration_are_known(
    own_home: Path, folder: str
) -> None:
    persons(f"authtoken: {TOKEN}\n", own_home / folder)

    assert read_user_config().authtoken == TOKEN


def test_the_way_out_of_the_network_is_kept_under_its_new_name() -> None:
    persons(
        'version: "2"\nserver_addr: c.example:443\nroot_cas: host\n'
        "proxy_url: http://proxy.example:8080\nregion: eu\nweb_addr: 0.0.0.0:4040\n"
        "tunnels:\n  pyngrok-default:\n    addr: 1\n    proto: http\n"
    )

    assert read_user_config().connection == {
        "connect_url": "c.example:443",
        "connect_cas": "host",
        "proxy_url": "http://proxy.example:8080",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a: [", id="not YAML"),
        pytest.param("- a\n- b\n", id="a list"),
        pytest.param("authtoken: [1]\n", id="token of another kind"),
        pytest.param("agent: no\n", id="agent of another kind"),
    ],
)
def test_a_broken_configuration_is_none(text: str) -> None:
    persons(text)

    assert read_user_config().authtoken is None


def test_a_persons_configuration_is_not_changed() -> None:
    path = persons(f"authtoken: {TOKEN}\n# mine\n")
    before = path.read_bytes(), path.stat().st_mtime_ns

    read_user_config()

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_the_configuration_does_not_show_its_token() -> None:
    persons(f"authtoken: {TOKEN}\nproxy_url: http://me:secret@proxy\n")

    assert TOKEN not in repr(read_user_config())
    assert "secret" not in repr(read_user_config())


def test_ours_is_read_by_pyngrok_and_by_nobody_else(tmp_path: Path) -> None:
    path = write_config(tmp_path, {"proxy_url": "http://proxy.example:8080"})

    written = yaml.safe_load(path.read_text())
    installer.validate_config(written)
    assert written == json.loads(path.read_text())
    assert written["version"] == 3
    assert written["agent"]["proxy_url"] == "http://proxy.example:8080"
    assert path.stat().st_mode & 0o777 == 0o600


def test_ours_keeps_no_copies_of_requests(tmp_path: Path) -> None:
    written = json.loads(write_config(tmp_path, {}).read_text())

    assert written["agent"]["inspect_db_size"] == -1
    assert written["agent"]["remote_management"] is False
