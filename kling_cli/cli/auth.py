"""`kling auth`: log in, see who you are, log out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli.help_page import PagedCommand, PagedGroup
from kling_cli.cli.identity import identity
from kling_cli.cli.output.escape import one_line
from kling_cli.cli.output.streams import write_note, write_result
from kling_cli.cli.setup_options import Json, Offline, Region
from kling_cli.errors import ExitCode, KlingError, UsageError

if TYPE_CHECKING:
    from kling_cli.cli.login import Keys
    from kling_cli.settings.settings import Settings

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
    region: Region = None,
    is_json: Json = False,
) -> int:
    """Keep an API key, or a key pair, for later runs.

    Keys are made at https://kling.ai/dev/api-key.

    With the keyring extra they go to the system's keyring, else to a 0600 file.

    kling auth login --with-key < key.txt
    """
    from kling_cli.settings import credential_store
    from kling_cli.settings.credential_store import StoredCredentials
    from kling_cli.settings.settings import load

    keys = _keys(is_piped=is_piped, is_pair=is_pair)
    settings = load(os.environ, {"region": region})
    settings.require("api_base", "region")
    found: str | None = region
    problem = None
    if is_verified:
        found, problem = _verified(keys, settings)
    stored = StoredCredentials(
        api_key=keys.api_key,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        region=found or None,
    )
    place = credential_store.write(settings.config_dir, stored)
    after = load(os.environ, {"region": region})
    _tell_login(after, place, problem, is_verified=is_verified, is_json=is_json)
    return ExitCode.DONE


def _keys(*, is_piped: bool, is_pair: bool) -> Keys:
    from kling_cli.cli.login import MAX_STDIN_BYTES, ask_person, read_keys
    from kling_cli.cli.output.streams import read_input
    from kling_cli.cli.output.styles import is_terminal

    if is_piped:
        return read_keys(read_input(MAX_STDIN_BYTES), is_pair=is_pair)
    if not is_terminal(sys.stdin):
        raise UsageError(
            "stdin is no terminal, so there is nobody to ask for the key",
            hint="kling auth login --with-key < FILE, or set KLING_API_KEY",
        )
    return ask_person(is_pair=is_pair)


def _verified(keys: Keys, settings: Settings) -> tuple[str, KlingError | None]:
    """Return the region that knows `keys`, and what is wrong with the account."""
    import anyio

    from kling_cli.cli.login import candidates, find_region
    from kling_cli.clock import SystemClock

    region, verdict = anyio.run(find_region, keys, candidates(settings), SystemClock())
    return region, verdict.error


def _tell_login(
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
        _print(_document("auth login", settings, place=place))
    where = (
        "the system's keyring" if place == "keyring" else settings.config_dir / place
    )
    how = "logged in" if is_verified else "not checked"
    region = f", for region {settings.region}" if settings.is_official_base else ""
    write_note(one_line(f"{how}{region}; the key is kept in {where}"))
    if problem is not None:
        write_note(one_line(f"warning: the key is known, but {problem.message}"))
    if is_hidden:
        write_note(f"warning: {origin} is stronger than this login; unset it to use it")


@app.command(cls=PagedCommand)
def status(
    *,
    is_offline: Offline = False,
    region: Region = None,
    is_json: Json = False,
) -> int:
    """Show which credentials are used, where they come from and whether they work.

    kling auth status
    """
    from kling_cli.settings.settings import load

    settings = load(os.environ, {"region": region})
    standing, error = _tested(settings, is_offline=is_offline)
    if is_json:
        _print(_document("auth status", settings, standing=standing, error=error))
    else:
        for name, value in _facts(settings, standing).items():
            write_result(f"{name:<12}{one_line(value)}")
    if error is not None:
        from kling_cli.cli.output.plain import error_lines

        for line in error_lines(error):
            write_note(line)
    return error.exit_code if error is not None and standing != "accepted" else 0


def _tested(settings: Settings, *, is_offline: bool) -> tuple[str, KlingError | None]:
    """Return how the API takes the credentials, in a word, and what is wrong."""
    import anyio

    from kling_cli.api.credentials import from_settings
    from kling_cli.clock import SystemClock

    try:
        credentials = from_settings(settings)
    except KlingError as exc:
        return "missing", exc
    if is_offline:
        return "untested", None
    from kling_cli.api.probe import probe

    verdict = anyio.run(probe, settings.api_base, credentials, SystemClock())
    return verdict.standing.value, verdict.error


def _facts(settings: Settings, standing: str) -> dict[str, str]:
    who = identity(settings)
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
def logout(*, is_json: Json = False) -> int:
    """Forget what `kling auth login` kept. The key itself stays valid.

    kling auth logout
    """
    from kling_cli.settings import credential_store
    from kling_cli.settings.settings import config_dir_of

    place = credential_store.erase(config_dir_of(os.environ))
    if is_json:
        _print({"ok": True, "command": "auth logout", "removed": place, "error": None})
    write_note(f"logged out: removed from {place}" if place else "there was no login")
    for name in ("KLING_API_KEY", "KLING_ACCESS_KEY"):
        if os.environ.get(name):
            write_note(f"warning: {name} is set and goes on being used")
    return ExitCode.DONE


def _document(
    command: str,
    settings: Settings,
    *,
    standing: str | None = None,
    place: str | None = None,
    error: KlingError | None = None,
) -> dict[str, Any]:
    from kling_cli.cli.output.document import of_error

    who = identity(settings)
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
        "error": None if error is None else of_error(error),
    }


def _print(document: dict[str, Any]) -> None:
    from kling_cli.cli.output.document import dumps

    write_result(dumps({"schema": SCHEMA, **document}))
