"""`kling auth`: login, status, logout."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kling_cli.cli.help_page import PagedCommand, PagedGroup
from kling_cli.cli.options.shared import JsonOption, OfflineOption, RegionOption
from kling_cli.cli.output.terminal.streams import write_message, write_result
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import (
    CredentialsError,
    ExitCode,
    KlingError,
    StoppedError,
    UnreachableError,
    UsageError,
)
from kling_cli.secret import Secret
from kling_cli.settings import API_HOSTS, parse_secret
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.api import ApiKey, HealthReport, KeyPair
    from kling_cli.clock import Clock
    from kling_cli.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials in use, masked, with origin. `kind`: `api_key` or `key_pair`."""

    kind: str
    masked: str
    origin: str

    @property
    def label(self) -> str:
        return {"api_key": "API key", "key_pair": "key pair"}[self.kind]


def find_identity(settings: Settings) -> Identity | None:
    """Return the identity of the settings' credentials, None without whole ones."""
    origins = settings.origins
    if settings.api_key is not None:
        return Identity("api_key", settings.api_key.masked, origins["api_key"])
    if settings.access_key is not None and settings.secret_key is not None:
        return Identity("key_pair", settings.access_key.masked, origins["access_key"])
    return None


MAX_STDIN_BYTES: Final = 1 << 16
_STORED: Final = frozenset({"keyring", "credentials.toml", "default"})


@dataclass(frozen=True, slots=True)
class CredentialInput:
    """Credentials typed or piped: an API key, or an AccessKey and a SecretKey."""

    api_key: Secret | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None

    def credentials(self) -> ApiKey | KeyPair:
        """Return what signs requests with these keys."""
        from kling_cli.api import ApiKey, KeyPair

        if self.access_key is not None and self.secret_key is not None:
            return KeyPair(self.access_key, self.secret_key)
        return ApiKey(self.api_key or Secret(""))


def prompt_credentials(*, is_pair: bool) -> CredentialInput:
    """Prompt for credentials on the terminal, without echo.

    Raises:
        UsageError: what was typed is no key.
    """
    if not is_pair:
        return CredentialInput(api_key=_prompt_secret("API key"))
    return CredentialInput(
        access_key=_prompt_secret("AccessKey"), secret_key=_prompt_secret("SecretKey")
    )


def _prompt_secret(name: str) -> Secret:
    import getpass
    import sys

    from kling_cli.cli.output.terminal.job_control import hidden_input
    from kling_cli.cli.output.terminal.streams import write_message

    prompt = f"{name} (it is not shown): "
    try:  # unlike typer's, it prompts only once the echo is off
        with hidden_input(prompt):
            text = getpass.getpass(prompt, stream=sys.stderr)
    except KeyboardInterrupt:
        write_message("")  # end the line of the prompt
        raise StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED) from None
    except EOFError:
        raise UsageError(f"no {name} was typed", hint="kling auth login") from None
    return _parse_key(name, text)


def parse_credentials(raw: bytes, *, is_pair: bool) -> CredentialInput:
    """Return the API key, or the two keys of a pair one a line, from piped input.

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
    keys = [_parse_key(name, word) for name, word in zip(wanted, words, strict=True)]
    if is_pair:
        return CredentialInput(access_key=keys[0], secret_key=keys[1])
    return CredentialInput(api_key=keys[0])


def _parse_key(name: str, text: str) -> Secret:
    try:
        return parse_secret(text)
    except ValueError as exc:
        raise UsageError(f"this {name} {exc.args[0]}", hint=exc.args[1]) from None


def candidate_base_urls(settings: Settings) -> Mapping[str, str]:
    """Return the base URLs to try, by region: what was chosen, or both official ones.

    A custom base URL has the region "".
    """
    if settings.origins["api_base"] in _STORED:
        return API_HOSTS
    if not settings.is_official_base:
        return {"": settings.api_base}
    return {settings.region: settings.api_base}


async def find_region(
    keys: CredentialInput, bases: Mapping[str, str], clock: Clock
) -> tuple[str, HealthReport]:
    """Return the first region of `bases` whose host accepts `keys`.

    International and China are separate services with separate accounts.
    Source: API reference 1.1, read 2026-10-04.

    Raises:
        UnreachableError: no host accepted them, and one gave no answer.
        CredentialsError: every host refused them.
    """
    from kling_cli.api import HealthStatus, check_credentials

    refused: KlingError | None = None
    silent: KlingError | None = None
    for region, base_url in bases.items():
        verdict = await check_credentials(base_url, keys.credentials(), clock)
        if verdict.status is HealthStatus.ACCEPTED:
            return region, verdict
        if verdict.status is HealthStatus.REFUSED:
            refused = verdict.error
        else:
            silent = verdict.error
    raise _verification_error(silent, refused, bases)


def _verification_error(
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


SCHEMA = 1

app = typer.Typer(
    name="auth",
    help="Log in, log out, see who you are.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=PagedGroup,
)


@app.callback()
def auth(context: typer.Context) -> None:
    """Log in, log out, see who you are."""
    if context.invoked_subcommand is None:
        raise UsageError(
            "say what to do: login, status or logout", hint="kling auth --help"
        )


@app.command(cls=PagedCommand)
def login(
    *,
    is_piped: Annotated[
        bool,
        typer.Option("--with-key", help="Read the key from stdin instead of asking."),
    ] = False,
    is_pair: Annotated[
        bool,
        typer.Option(
            "--key-pair",
            help="Log in with an AccessKey and a SecretKey (on stdin: one a line).",
        ),
    ] = False,
    is_verified: Annotated[
        bool,
        typer.Option(
            "--verify/--no-verify", help="Try the key, and find its region, for free."
        ),
    ] = True,
    region: RegionOption = None,
    is_json: JsonOption = False,
) -> int:
    """Keep an API key, or a key pair, for later runs.

    Keys are made at https://kling.ai/dev/api-key.

    With the keyring extra they go to the system's keyring, else to a 0600 file.

    kling auth login --with-key < key.txt
    """
    from kling_cli.settings import StoredCredentials, read_settings, store_credentials

    keys = _read_credentials(is_piped=is_piped, is_pair=is_pair)
    settings = read_settings(os.environ, {"region": region})
    settings.require("api_base", "region")
    found: str | None = region
    problem = None
    if is_verified:
        found, problem = _verify_credentials(keys, settings)
    stored = StoredCredentials(
        api_key=keys.api_key,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        region=found or None,
    )
    place = store_credentials(settings.config_dir, stored)
    after = read_settings(os.environ, {"region": region})
    _print_login(after, place, problem, is_verified=is_verified, is_json=is_json)
    return ExitCode.DONE


def _read_credentials(*, is_piped: bool, is_pair: bool) -> CredentialInput:
    from kling_cli.cli.output.terminal.capabilities import is_terminal
    from kling_cli.cli.output.terminal.streams import read_input

    if is_piped:
        return parse_credentials(read_input(MAX_STDIN_BYTES), is_pair=is_pair)
    if not is_terminal(sys.stdin):
        raise UsageError(
            "stdin is no terminal, so there is nobody to ask for the key",
            hint="kling auth login --with-key < FILE, or set KLING_API_KEY",
        )
    return prompt_credentials(is_pair=is_pair)


def _verify_credentials(
    keys: CredentialInput, settings: Settings
) -> tuple[str, KlingError | None]:
    """Return the region that accepts the credentials, and a problem of the account."""
    import anyio

    from kling_cli.clock import SystemClock

    region, verdict = anyio.run(
        find_region, keys, candidate_base_urls(settings), SystemClock()
    )
    return region, verdict.error


def _print_login(
    settings: Settings,
    place: str,
    problem: KlingError | None,
    *,
    is_verified: bool,
    is_json: bool,
) -> None:
    origin = settings.origins.get("api_key", settings.origins.get("access_key", ""))
    is_hidden = origin.startswith(("environment", "config"))
    if is_json:
        _print_document(_auth_document("auth login", settings, place=place))
    where = (
        "the system's keyring" if place == "keyring" else settings.config_dir / place
    )
    how = "logged in" if is_verified else "not checked"
    region = f", for region {settings.region}" if settings.is_official_base else ""
    write_message(one_line(f"{how}{region}; the key is kept in {where}"))
    if problem is not None:
        write_message(one_line(f"warning: the key is known, but {problem.message}"))
    if is_hidden:
        write_message(
            f"warning: {origin} is stronger than this login; unset it to use it"
        )


@app.command(cls=PagedCommand)
def status(
    *,
    is_offline: OfflineOption = False,
    region: RegionOption = None,
    is_json: JsonOption = False,
) -> int:
    """Show which credentials are used, where they come from and whether they work.

    kling auth status
    """
    from kling_cli.settings import read_settings

    settings = read_settings(os.environ, {"region": region})
    standing, error = _test_credentials(settings, is_offline=is_offline)
    if is_json:
        _print_document(
            _auth_document("auth status", settings, standing=standing, error=error)
        )
    else:
        for name, value in _status_lines(settings, standing).items():
            write_result(f"{name:<12}{one_line(value)}")
    if error is not None:
        from kling_cli.cli.output.plain_lines import error_lines

        for line in error_lines(error):
            write_message(line)
    return error.exit_code if error is not None and standing != "accepted" else 0


def _test_credentials(
    settings: Settings, *, is_offline: bool
) -> tuple[str, KlingError | None]:
    """Return how the API answers the credentials, in a word, and the error."""
    import anyio

    from kling_cli.api import credentials_from_settings
    from kling_cli.clock import SystemClock

    try:
        credentials = credentials_from_settings(settings)
    except KlingError as exc:
        return "missing", exc
    if is_offline:
        return "untested", None
    from kling_cli.api import check_credentials

    verdict = anyio.run(
        check_credentials, settings.api_base, credentials, SystemClock()
    )
    return verdict.status.value, verdict.error


def _status_lines(settings: Settings, standing: str) -> dict[str, str]:
    who = find_identity(settings)
    if who is None:
        return {"credentials": "none", "API": settings.api_base}
    return {
        "credentials": f"{who.label} {who.masked}",
        "from": who.origin,
        "API": f"{settings.api_base} ({settings.origins['api_base']})",
        "standing": standing,
    }


def make_login() -> Any:
    """Return `kling login`, which is `kling auth login`."""
    group: Any = typer.main.get_command(app)
    return group.commands["login"]


@app.command(cls=PagedCommand)
def logout(*, is_json: JsonOption = False) -> int:
    """Forget what `kling auth login` kept. The key itself stays valid.

    kling auth logout
    """
    from kling_cli.settings import delete_credentials, resolve_config_dir

    place = delete_credentials(resolve_config_dir(os.environ))
    if is_json:
        _print_document(
            {"ok": True, "command": "auth logout", "removed": place, "error": None}
        )
    write_message(
        f"logged out: removed from {place}" if place else "there was no login"
    )
    for name in ("KLING_API_KEY", "KLING_ACCESS_KEY"):
        if os.environ.get(name):
            write_message(f"warning: {name} is set and goes on being used")
    return ExitCode.DONE


def _auth_document(
    command: str,
    settings: Settings,
    *,
    standing: str | None = None,
    place: str | None = None,
    error: KlingError | None = None,
) -> dict[str, Any]:
    from kling_cli.cli.output.json_document import error_object

    who = find_identity(settings)
    return {
        "ok": error is None or standing == "accepted",
        "command": command,
        "kind": who.kind if who else None,
        "masked": who.masked if who else None,
        "origin": who.origin if who else None,
        "api_base": settings.api_base,
        "region": settings.region if settings.is_official_base else None,
        "standing": standing,
        "stored_in": place,
        "error": None if error is None else error_object(error),
    }


def _print_document(document: dict[str, Any]) -> None:
    from kling_cli.cli.output.json_document import print_document

    print_document({"schema": SCHEMA, **document})
