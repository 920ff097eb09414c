"""The table of tunnel providers, and what `--tunnel` may say.

A new provider is one module and one line of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.settings import Settings
    from kling_cli.tunnels.provider import ProviderFactory

# Each is `module:factory`; `auto` tries them in this order.
PROVIDERS: Final = {
    "ngrok": "ngrok.provider:FACTORY",
    "cloudflared": "cloudflared:FACTORY",
    "ssh": "ssh.provider:FACTORY",
    "localhost.run": "ssh.provider:LOCALHOST_RUN",
    "serveo": "ssh.provider:SERVEO",
    "pinggy": "ssh.provider:PINGGY",
}

AUTO: Final = "auto"
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider that was named; `address` where a URL stood in place of the name."""

    name: str
    address: str | None = None


@cache
def factory(name: str) -> ProviderFactory:
    """Return the factory of the provider `name`, which is in the table."""
    module, _, attribute = PROVIDERS[name].partition(":")
    found = getattr(import_module(f"kling_cli.tunnels.{module}"), attribute)
    return cast("ProviderFactory", found)


def factories() -> Iterator[ProviderFactory]:
    """Yield every provider's factory, in the order of the table."""
    return map(factory, PROVIDERS)


@cache
def added_header_prefixes() -> tuple[str, ...]:
    """Return the beginnings of the names of headers that providers add."""
    return tuple(
        sorted({each for one in factories() for each in one.description.added_headers})
    )


def read_choice(text: str) -> Choice | None:
    """Return the provider that `--tunnel` names; None for `auto` and `none`. Pure.

    Raises: `ValueError` of (complaint, hint) when there is no such provider.
    """
    if text in (AUTO, NONE):
        return None
    scheme, separator, _ = text.partition("://")
    name = scheme if separator else text
    if name not in PROVIDERS or (separator and name != "ssh"):
        words = ", ".join((AUTO, *PROVIDERS, NONE))
        raise ValueError(f"{text!r} is unknown", f"use {words}")
    return Choice(name, text if separator else None)


def is_known(text: str) -> bool:
    """Return whether `--tunnel` may have this value."""
    try:
        read_choice(text)
    except ValueError:
        return False
    return True


def require_choice(settings: Settings) -> None:
    """Return when the setting `tunnel` names what there is.

    Raises:
        UsageError: it does not, or it is not of the form of a setting at all.
    """
    settings.require("tunnel")
    try:
        read_choice(settings.tunnel)
    except ValueError as exc:
        complaint, hint = exc.args
        raise UsageError(f"{_spelling(settings)} {complaint}", hint=hint) from None


def _spelling(settings: Settings) -> str:
    """Return how the setting is called where it was given."""
    if settings.is_typed("tunnel"):
        return "--tunnel"
    origin = settings.origins["tunnel"]
    place, _, variable = origin.partition(" ")
    return variable if place == "environment" else f"{origin}: tunnel"
