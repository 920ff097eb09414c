"""Whose credentials are in use, fit to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kling_cli.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials, masked, and their origin. `kind`: `api_key` or `key_pair`."""

    kind: str
    masked: str
    origin: str

    @property
    def label(self) -> str:
        return {"api_key": "API key", "key_pair": "key pair"}[self.kind]


def identity(settings: Settings) -> Identity | None:
    """Return whose credentials the settings have, None without whole ones."""
    origins = settings.origins
    if settings.api_key is not None:
        return Identity("api_key", settings.api_key.masked, origins["api_key"])
    if settings.access_key is not None and settings.secret_key is not None:
        return Identity("key_pair", settings.access_key.masked, origins["access_key"])
    return None
