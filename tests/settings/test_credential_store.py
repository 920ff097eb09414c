"""Where a login is stored, who can read it, and that it is read back."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as NullRing
from keyring.errors import KeyringError, PasswordDeleteError

from kling_cli.errors import CredentialsError
from kling_cli.secret import Secret
from kling_cli.settings.credential_store import (
    StoredCredentials,
    delete_credentials,
    read_credentials,
    store_credentials,
)

R = TypeVar("R", bound=KeyringBackend)
LOGIN = StoredCredentials(api_key=Secret("sk-0123456789abcdef"), region="cn")
PAIR = StoredCredentials(access_key=Secret("a"), secret_key=Secret('s"\\ü'))


class Ring(KeyringBackend):
    """A keyring in memory, handed to the keyring library."""

    priority = 5.0
    viable = False  # for the library's own search: only a test hands it in

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not ours
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.is_forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return None if self.is_forgetful else self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError

    def _check(self) -> None:
        if self.is_locked:
            raise KeyringError("locked")


class PlainRing(Ring):
    """What the keyring project calls not recommended: a plain file, for one."""

    priority = 0.5


def with_ring(ring: R) -> Iterator[R]:
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def no_ring() -> Iterator[KeyringBackend]:
    yield from with_ring(NullRing())  # type: ignore[no-untyped-call]


@pytest.fixture
def ring() -> Iterator[Ring]:
    yield from with_ring(Ring())


@pytest.mark.usefixtures("no_ring")
@pytest.mark.parametrize("login", [LOGIN, PAIR], ids=["key", "pair"])
def test_a_login_is_stored_in_a_file_only_its_owner_can_read(
    tmp_path: Path, login: StoredCredentials
) -> None:
    folder = tmp_path / "new/config"

    place = store_credentials(folder, login)

    path = folder / "credentials.toml"
    assert place == "credentials.toml"
    assert read_credentials(folder) == login
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [each.name for each in folder.iterdir()] == ["credentials.toml"]


@pytest.mark.usefixtures("no_ring")
def test_a_new_login_replaces_the_old_one_and_corrects_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text('access_key = "old"')
    path.chmod(0o644)

    store_credentials(tmp_path, LOGIN)

    assert read_credentials(tmp_path) == LOGIN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_login_no_keyring_is_accessed(tmp_path: Path, ring: Ring) -> None:
    ring.is_locked = True

    assert read_credentials(tmp_path) is None
    assert delete_credentials(tmp_path) is None


def test_a_keyring_is_preferred_and_the_file_refers_to_it(
    tmp_path: Path, ring: Ring
) -> None:
    place = store_credentials(tmp_path, LOGIN)

    found = read_credentials(tmp_path)
    assert place == "keyring"
    assert found is not None
    assert (found.api_key, found.region, found.place) == (
        LOGIN.api_key,
        "cn",
        "keyring",
    )
    assert "sk-" not in (tmp_path / "credentials.toml").read_text()
    assert list(ring.kept) == [("kling-cli", str(tmp_path))]


@pytest.mark.parametrize("trouble", ["is_locked", "is_forgetful"])
def test_a_broken_keyring_is_skipped(tmp_path: Path, ring: Ring, trouble: str) -> None:
    setattr(ring, trouble, True)

    assert store_credentials(tmp_path, LOGIN) == "credentials.toml"
    assert read_credentials(tmp_path) == LOGIN


def test_a_keyring_of_low_priority_is_skipped(tmp_path: Path) -> None:
    for plain in with_ring(PlainRing()):
        assert store_credentials(tmp_path, LOGIN) == "credentials.toml"
        assert plain.kept == {}


@pytest.mark.usefixtures("no_ring")
def test_a_missing_keyring_is_named(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('storage = "keyring"')

    with pytest.raises(CredentialsError, match="does not have it any more") as caught:
        read_credentials(tmp_path)

    assert "kling auth login" in (caught.value.hint or "")


def test_a_locked_keyring_is_named(tmp_path: Path, ring: Ring) -> None:
    store_credentials(tmp_path, LOGIN)
    ring.is_locked = True

    with pytest.raises(CredentialsError, match="could not be read") as caught:
        read_credentials(tmp_path)

    assert "unlock" in (caught.value.hint or "")


def test_invalid_content_of_a_keyring_is_named(tmp_path: Path, ring: Ring) -> None:
    store_credentials(tmp_path, LOGIN)
    for junk in ("[]", "{", ""):
        ring.kept["kling-cli", str(tmp_path)] = junk

        with pytest.raises(CredentialsError):
            read_credentials(tmp_path)


def test_logging_out_deletes_from_keyring_and_file(tmp_path: Path, ring: Ring) -> None:
    store_credentials(tmp_path, LOGIN)

    assert delete_credentials(tmp_path) == "keyring"
    assert ring.kept == {}
    assert list(tmp_path.iterdir()) == []


def test_logging_out_works_when_the_keyring_has_no_entry(
    tmp_path: Path, ring: Ring
) -> None:
    store_credentials(tmp_path, LOGIN)
    ring.kept.clear()

    assert delete_credentials(tmp_path) == "keyring"


@pytest.mark.usefixtures("no_ring")
def test_logging_out_works_without_the_keyring(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('storage = "keyring"')

    assert delete_credentials(tmp_path) == "keyring"
    assert read_credentials(tmp_path) is None


@pytest.mark.usefixtures("no_ring")
@pytest.mark.parametrize("raw", [b'api_key = "sk-secret', b"\xff", b"a = 1\na = 2"])
def test_a_broken_file_is_named_not_quoted_and_can_be_removed(
    tmp_path: Path, raw: bytes
) -> None:
    (tmp_path / "credentials.toml").write_bytes(raw)

    with pytest.raises(CredentialsError, match=r"credentials\.toml cannot") as caught:
        read_credentials(tmp_path)

    assert "sk-secret" not in caught.value.message
    assert delete_credentials(tmp_path) == "credentials.toml"
    assert read_credentials(tmp_path) is None


@pytest.mark.usefixtures("no_ring")
def test_values_that_are_no_strings_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('api_key = 5\naccess_key = ""')

    assert read_credentials(tmp_path) == StoredCredentials()


@pytest.mark.usefixtures("no_ring")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(CredentialsError, match="cannot be written"):
        store_credentials(tmp_path / "file/config", LOGIN)


@pytest.mark.usefixtures("no_ring")
def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.mkdir()
    os.mkfifo(path / "full")

    with pytest.raises(CredentialsError, match="cannot be removed"):
        delete_credentials(tmp_path)


@pytest.mark.usefixtures("ring")
def test_without_the_extra_the_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert store_credentials(tmp_path, LOGIN) == "credentials.toml"
    assert read_credentials(tmp_path) == LOGIN
