"""Taking keys from a person or a pipe, and finding the region that knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kling_cli.errors import (
    CredentialsError,
    ExitCode,
    KlingError,
    StoppedError,
    UnreachableError,
    UsageError,
)
from kling_cli.setting_values import secret
from kling_cli.settings import HOSTS, Secret
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.api.credentials import ApiKey, KeyPair
    from kling_cli.api.probe import Verdict
    from kling_cli.clock import Clock
    from kling_cli.settings import Settings

MAX_STDIN_BYTES: Final = 1 << 16
_STORED: Final = frozenset({"keyring", "credentials.toml", "default"})


@dataclass(frozen=True, slots=True)
class Keys:
    """What was typed or piped: an API key, or an AccessKey and a SecretKey."""

    api_key: Secret | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None

    def credentials(self) -> ApiKey | KeyPair:
        """Return what signs requests with these keys."""
        from kling_cli.api.credentials import ApiKey, KeyPair

        if self.access_key is not None and self.secret_key is not None:
            return KeyPair(self.access_key, self.secret_key)
        return ApiKey(self.api_key or Secret(""))


def ask_person(*, is_pair: bool) -> Keys:
    """Ask at the terminal, without showing what is typed.

    Raises:
        UsageError: what was typed is no key.
    """
    if not is_pair:
        return Keys(api_key=_typed("API key"))
    return Keys(access_key=_typed("AccessKey"), secret_key=_typed("SecretKey"))


def _typed(name: str) -> Secret:
    import getpass
    import sys

    from kling_cli.cli.report.job_control import hidden_typing
    from kling_cli.cli.report.streams import write_note

    prompt = f"{name} (it is not shown): "
    try:  # unlike typer's, its prompt stands only once the echo is off
        with hidden_typing(prompt):
            text = getpass.getpass(prompt, stream=sys.stderr)
    except KeyboardInterrupt:
        write_note("")  # the prompt's line is at its end
        raise StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED) from None
    except EOFError:
        raise UsageError(f"no {name} was typed", hint="kling auth login") from None
    return _key(name, text)


def read_keys(raw: bytes, *, is_pair: bool) -> Keys:
    """Return the API key, or the two keys of a pair one a line, that were piped in.

    Raises:
        UsageError: there are fewer or more lines, or one is no key.
    """
    try:
        lines = decode_text(raw).split("\n")
    except ValueError as exc:
        raise UsageError(f"stdin is {exc}", hint="paste the key again") from None
    words = [line.strip() for line in lines if line.strip()]
    wanted = ["AccessKey", "SecretKey"] if is_pair else ["API key"]
    if len(words) != len(wanted):
        option = "--with-key --key-pair" if is_pair else "--with-key"
        raise UsageError(
            f"stdin has {len(words)} lines, not {len(wanted)}: {', '.join(wanted)}",
            hint=f"kling auth login {option} < FILE",
        )
    keys = [_key(name, word) for name, word in zip(wanted, words, strict=True)]
    if is_pair:
        return Keys(access_key=keys[0], secret_key=keys[1])
    return Keys(api_key=keys[0])


def _key(name: str, text: str) -> Secret:
    try:
        return secret(text)
    except ValueError as exc:
        raise UsageError(f"this {name} {exc.args[0]}", hint=exc.args[1]) from None


def candidates(settings: Settings) -> Mapping[str, str]:
    """Return the base URLs to try, by region: what was chosen, or both official ones.

    A base of one's own has the region "".
    """
    if settings.origins["api_base"] in _STORED:
        return HOSTS
    if not settings.is_official_base:
        return {"": settings.api_base}
    return {settings.region: settings.api_base}


async def find_region(
    keys: Keys, bases: Mapping[str, str], clock: Clock
) -> tuple[str, Verdict]:
    """Return the first region of `bases` whose host accepts `keys`.

    International and China are separate services with separate accounts.
    Source: API reference 1.1, read 2026-10-04.

    Raises:
        UnreachableError: no host accepted them, and one gave no answer.
        CredentialsError: every host refused them.
    """
    from kling_cli.api.probe import Standing, probe

    refused: KlingError | None = None
    silent: KlingError | None = None
    for region, base_url in bases.items():
        verdict = await probe(base_url, keys.credentials(), clock)
        if verdict.standing is Standing.ACCEPTED:
            return region, verdict
        if verdict.standing is Standing.REFUSED:
            refused = verdict.error
        else:
            silent = verdict.error
    raise _not_verified(silent, refused, bases)


def _not_verified(
    silent: KlingError | None, refused: KlingError | None, bases: Mapping[str, str]
) -> KlingError:
    if silent is not None:
        return UnreachableError(
            f"the key could not be checked: {silent.message}",
            hint="try again, or keep it without a check: kling auth login --no-verify",
        )
    where = "neither region knows this key" if len(bases) > 1 else "the key is refused"
    return CredentialsError(
        f"{where}: {refused.message if refused else 'no answer'}",
        hint="copy it again, whole; nothing was kept",
        code=refused.code if refused else None,
        http=refused.http if refused else None,
    )
