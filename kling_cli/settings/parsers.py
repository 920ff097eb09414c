"""Parses the texts of settings; invalid ones raise ValueError(complaint, hint)."""

from __future__ import annotations

import re
from pathlib import Path

from kling_cli.secret import Secret, refuse_invisible

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_MAX_DURATION_S = 10 * 365 * 86400.0
_DURATION_HINT = "write seconds, or 90s, 10m, 1h30m; 0 is for ever"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def parse_seconds(text: str) -> float | None:
    """Return the seconds of `90`, `10m` or `1h30m`; None, for ever, for `0`.

    Raises:
        ValueError: (complaint, hint) for anything else.
    """
    word = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", word):
        seconds = float(word)
    elif word and re.fullmatch(rf"({_DURATION_PART.pattern})+", word):
        seconds = sum(
            float(n) * _UNITS_S[unit] for n, unit in _DURATION_PART.findall(word)
        )
    else:
        raise ValueError(f"{text!r} is not a length of time", _DURATION_HINT)
    if seconds > _MAX_DURATION_S:
        raise ValueError(f"{text!r} is longer than ten years", _DURATION_HINT)
    return seconds or None


def parse_switch(text: str) -> bool:
    """Return whether a switch is on: 1/true/yes/on or 0/false/no/off."""
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{text!r} is neither on nor off", "use 1 or 0")
    return word in _TRUE


def choice_parser(*words: str) -> _ChoiceParser:
    """Return a parser that accepts `words`, in any case."""
    return _ChoiceParser(words)


class _ChoiceParser:
    """A parser of one of several words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def __call__(self, text: str) -> str:
        if text.lower() not in self.words:
            raise ValueError(f"{text!r} is unknown", "use " + ", ".join(self.words))
        return text.lower()


def parse_tunnel(text: str) -> str:
    """Return the name of a tunnel provider in lower case, or an ssh URL as it is."""
    if "://" in text:
        return parse_ssh_url(text)
    if not re.fullmatch(r"[\w.-]+", text):
        raise ValueError(f"{text!r} is unknown", "`kling tunnel list` shows the names")
    return text.lower()


def parse_ssh_url(text: str) -> str:
    """Return `ssh://[USER@]HOST[:PORT][?…]`; a password in it is refused, not shown."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
        password = parts.password
    except ValueError:
        scheme, host, port, password = "", None, None, None
    if password is not None:
        raise ValueError("must not hold a password", "use a key: ssh-copy-id USER@HOST")
    is_ssh = scheme == "ssh" and bool(host)
    if not is_ssh or port == 0 or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ValueError(
            f"{text!r} is no ssh URL", "write ssh://USER@HOST[:PORT]?url=https://NAME"
        )
    return text


def parse_folder(text: str) -> Path:
    """Return an absolute path; `~` is the home folder."""
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, ValueError) as exc:
        raise ValueError(f"{text!r} is not a folder: {exc}") from None


def parse_secret(text: str) -> Secret:
    """Return a key as it was pasted, without surrounding white space.

    A byte-order mark before it is that of a file. The complaint never repeats the text.
    """
    word = text.removeprefix("\ufeff").strip()
    if not word:
        raise ValueError("is empty", "paste the key again")
    try:
        refuse_invisible(word)
    except ValueError as exc:
        raise ValueError(
            str(exc), "paste the key again, without anything around it or inside"
        ) from None
    return Secret(word)


def parse_base_url(text: str) -> str:
    """Return an http(s) base URL without a slash at its end."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host = None, None
    is_web = text.lower().startswith(("http://", "https://")) and bool(host)
    if not is_web or port == 0 or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ValueError("is not a URL", "write https://HOST, or http://127.0.0.1:PORT")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(
            "must not have a query, a fragment or a user name", "write https://HOST"
        )
    return text.rstrip("/")


def is_loopback_url(url: str) -> bool:
    """Return whether `url` names this machine by a loopback address or localhost."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
