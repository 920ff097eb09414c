"""What a person is asked before a tunnel is opened; a script is never asked.

Whether to use a public service where no tunnel is set up, whether to download an
agent, whether a server's key is the right one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.streams import write_note

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.jobs.options import RunOptions
    from kling_cli.settings import Settings

OFFERED: Final = "localhost.run"


@dataclass(frozen=True, slots=True)
class TerminalPerson:
    """Somebody at the terminal; questions and lines go to stderr."""

    def tell(self, line: str) -> None:
        write_note(one_line(line))

    def confirm(self, question: str) -> bool:
        """Return whether the answer is yes.

        typer's own prompt would write a blank to stdout, where results stand.
        """
        sys.stderr.write(f"{question} [y/N]: ")
        sys.stderr.flush()
        try:
            return sys.stdin.readline().strip().lower() in ("y", "yes")
        except KeyboardInterrupt:
            write_note("")  # what follows begins on a line of its own
            raise


def prepare_job_tunnel(
    settings: Settings, options: RunOptions, talk: Talk
) -> RunOptions:
    """Ask what is to be asked before a job; return the options with the choice made."""
    if not is_tunnel_wanted(settings, options):
        return options
    if talk.is_json or talk.is_quiet or not is_person_there():
        return options
    return replace(options, tunnel=prepare_tunnel(settings, options.tunnel))


def prepare_tunnel(settings: Settings, tunnel: str) -> str:
    """Ask the person at the terminal; return the tunnel to use, a value of `--tunnel`.

    With `auto`, what is ready is used; what is half set up comes next; where nothing
    is, a public service is offered once.
    """
    from kling_cli import tunnels

    person = TerminalPerson()
    choice = tunnels.read_choice(tunnel)
    if choice is not None:
        tunnels.factory(choice.name).prepare(settings, choice.address, person)
        return tunnel
    found = tunnels.set_up_factories(settings)
    if found:
        ready = [factory for factory, why in found if why is None]
        (ready or [found[0][0]])[0].prepare(settings, None, person)
    elif settings.is_tunnel_offered and OFFERED in tunnels.PROVIDERS:
        return _offer_public_service(settings, person) or tunnel
    return tunnel


def is_person_there() -> bool:
    """Return whether somebody can be asked something."""
    from kling_cli.cli.report.choose import is_terminal

    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def is_tunnel_wanted(settings: Settings, options: RunOptions) -> bool:
    """Return whether a job with these options opens a tunnel if it can."""
    if options.callback == "off" or options.callback_url or not options.is_waiting:
        return False
    if options.tunnel == "auto":
        return not settings.is_loopback_base and not settings.is_sandbox
    return options.tunnel != "none"


def _offer_public_service(settings: Settings, person: TerminalPerson) -> str | None:
    """Ask once whether to use a public service; the answer stays in config.toml."""
    from kling_cli import tunnels
    from kling_cli.config_file import write_setting
    from kling_cli.errors import UsageError

    factory = tunnels.factory(OFFERED)
    person.tell("No tunnel is set up, so callbacks cannot reach this machine.")
    person.tell(f"{OFFERED} can read the requests that come through it.")
    is_wanted = person.confirm(f"Use {OFFERED}, which needs no account?")
    path = settings.config_dir / "config.toml"
    try:
        if is_wanted:
            write_setting(path, "tunnel", OFFERED)
        else:
            write_setting(path, "offer_tunnel", value=False)
    except UsageError as exc:
        person.tell(f"{exc.message}: the answer holds for this run only")
    if not is_wanted:
        return None
    factory.prepare(settings, None, person)
    return OFFERED
