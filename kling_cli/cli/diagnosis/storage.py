"""Checks of the folders: access, integrity, permissions."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kling_cli.cli.diagnosis.check import Check, fail, ok, warn
from kling_cli.errors import KlingError, UsageError
from kling_cli.settings import has_foreign_characters
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.settings import Settings

_OTHERS_MODE = stat.S_IRWXG | stat.S_IRWXO


def storage_checks(settings: Settings) -> Iterator[Check]:
    """Yield the checks of settings files, state folder, journal and secrets."""
    yield check_config(settings.config_dir)
    yield from check_login_file(settings)
    yield check_folder(settings.state_dir)
    yield check_journal(settings.state_dir)
    if settings.output_dir is not None:
        yield check_output(settings.output_dir)
    yield check_webhook(settings)


def check_config(config_dir: Path) -> Check:
    """Check whether there is a settings file; it has been parsed already if so."""
    path = config_dir / "config.toml"
    if not path.exists():
        return ok("config file", f"none (it would be {path})")
    if _has_secrets(path) and is_accessible_to_others(path):
        return warn(
            "config file",
            f"{path} holds secrets and others can read it",
            f"chmod 600 '{path}'",
        )
    return ok("config file", str(path))


def check_login_file(settings: Settings) -> Iterator[Check]:
    """Check whether others can read the stored login."""
    path = settings.config_dir / "credentials.toml"
    if path.exists() and is_accessible_to_others(path):
        yield warn("stored login", f"others can read {path}", f"chmod 600 '{path}'")


def check_folder(state_dir: Path) -> Check:
    """Check whether the state folder is writable, without creating it."""
    existing = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as exc:
        error = UsageError(
            f"{state_dir} cannot be written: {exc.strerror}",
            hint="make it writable, or name another folder with KLING_STATE_DIR",
        )
        return fail("state folder", error)
    is_there = existing == state_dir
    return ok("state folder", f"{state_dir}{'' if is_there else ' (not made yet)'}")


def check_journal(state_dir: Path) -> Check:
    """Check whether the journal is intact; nothing is changed."""
    from kling_cli.store import FILE_NAME, check_integrity

    try:
        damage = check_integrity(state_dir)
    except KlingError as exc:
        return fail("journal", exc)
    if damage is None:
        is_there = (state_dir / FILE_NAME).exists()
        return ok("journal", "sound" if is_there else "none yet")
    return warn(
        "journal",
        f"damaged: {damage}",
        "copy the state folder away; the next command sets the journal aside",
    )


def check_output(output_dir: Path) -> Check:
    """Check whether files can be saved in the configured output folder."""
    existing = next(path for path in (output_dir, *output_dir.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ok("output folder", str(output_dir))
    return warn(
        "output folder",
        f"{output_dir} cannot be written",
        "make it writable, or correct KLING_OUTPUT_DIR",
    )


def check_webhook(settings: Settings) -> Check:
    """Check whether callbacks are verified by signature too."""
    n_secrets = len(settings.webhook_secrets)
    if not n_secrets:
        return ok("webhook secret", "none: callbacks are known by their path")
    origin = settings.origins["webhook_secret"]
    if any(has_foreign_characters(each.reveal()) for each in settings.webhook_secrets):
        return warn(
            "webhook secret",
            f"{origin} has characters that are no base64; they are left out, as the "
            "standardwebhooks library does",
            "copy it again, without anything around it",
        )
    return ok("webhook secret", f"{n_secrets} from {origin}: signatures are checked")


def is_accessible_to_others(path: Path) -> bool:
    """Return whether another user of this machine may read or write `path`."""
    return bool(path.stat().st_mode & _OTHERS_MODE)


def _has_secrets(path: Path) -> bool:
    text = decode_text(path.read_bytes())  # it was read as one already
    return any(word in text for word in ("_key", "secret", "authtoken"))
