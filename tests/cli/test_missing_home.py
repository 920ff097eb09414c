"""A user without a home folder, as in a container with an arbitrary user id."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.kling import Kling
from tests.support.program import Program

UNKNOWN_USER = ("unshare", "--user", "--map-user=54321")


@pytest.fixture(scope="module", autouse=True)
def _there_are_namespaces() -> None:
    try:
        subprocess.run((*UNKNOWN_USER, "true"), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs user namespaces")


def test_without_a_home_the_variables_that_name_folders_are_named(
    kling: Kling,
) -> None:
    unset = ("HOME", "KLING_STATE_DIR", "KLING_CONFIG_DIR")
    env = {
        name: value
        for name, value in kling.env.items()
        if name not in unset and not name.startswith("XDG_")
    }

    with Program(
        (*UNKNOWN_USER, *kling.command("list", "--json")), env=env, cwd=kling.here
    ) as program:
        result = program.finish()

    kling.results.append(result)
    error = result.json()["error"]
    assert result.exit_code == 2
    assert error["type"] == "usage"
    assert "HOME is not set" in error["message"]
    assert "KLING_STATE_DIR" in error["hint"]
