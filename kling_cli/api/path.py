"""A path of the API as a person types it; whatever leads elsewhere is refused."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from kling_cli.errors import UsageError
from kling_cli.settings.settings import HOSTS

_PORTS: Final = {"https": 443, "http": 80}
_QUOTED: Final = frozenset(' "<>\\^`{|}#')  # what a URL has only as %20 and the like


def read_path(text: str, *, api_base: str) -> tuple[str, dict[str, str]]:
    """Return the path, which begins with one slash, and the query as parameters.

    The slash may be missing, and a whole URL will do if it is one of `api_base`. A
    parameter that is there several times is one list, as the API writes lists.

    Raises:
        UsageError: it is no path, or leads out of the API: the key goes nowhere else.
    """
    if not text.isascii() or not text.isprintable() or _QUOTED & set(text):
        raise _no_path(text, "it has characters that must be written as %20 and so on")
    if "://" in text.partition("?")[0]:
        text = _below(text, api_base)
    path, _, query = text.partition("?")
    path = path if path.startswith("/") else f"/{path}"
    if path.startswith("//"):
        raise _no_path(text, "it names a host")
    for step in map(unquote, path.split("/")):
        if step in (".", "..") or not step.isprintable() or {"/", "\\"} & set(step):
            raise _no_path(text, "it leads elsewhere")
    params: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        params[key] = f"{params[key]},{value}" if key in params else value
    return path, params


def _below(url: str, api_base: str) -> str:
    """Return what follows `api_base` in a URL of that host."""
    base, given = _split(api_base), _split(url)
    if given is None or base is None or _origin(given) != _origin(base):
        raise UsageError(
            f"{_shown(url)} is not on {api_base}: the key is sent nowhere else",
            hint=_other_host(given) or "give the path alone, or set KLING_API_BASE",
        )
    prefix = base.path.rstrip("/")
    if not given.path.startswith(f"{prefix}/"):
        raise _no_path(url, f"it is not below {api_base}")
    return given._replace(scheme="", netloc="").geturl()[len(prefix) :]


def _split(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        has_host = bool(found.hostname) and found.port != 0
    except ValueError:  # no port, or half an IPv6 address
        return None
    return found if has_host else None


def _origin(url: SplitResult) -> tuple[str, str, int | None, str | None]:
    port = url.port or _PORTS.get(url.scheme)
    return url.scheme, (url.hostname or "").rstrip("."), port, url.username


def _other_host(given: SplitResult | None) -> str | None:
    for region, host in HOSTS.items():
        if given is not None and given.hostname == urlsplit(host).hostname:
            return f"--region {region} talks with that host"
    return None


def _no_path(text: str, why: str) -> UsageError:
    return UsageError(
        f"{_shown(text)!r} is not a path of the API: {why}",
        hint="kling api GET /tasks -f task_ids=ID",
    )


def _shown(text: str) -> str:
    """Return it without its query, where the secrets of signed links stand."""
    return text.partition("?")[0]
