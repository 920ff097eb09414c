"""Prompts before a tunnel is opened; never shown to a script.

They ask whether to use a public service where no tunnel is set up, whether to download
an agent, whether a server's key is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output.terminal.streams import prompt_line, write_message
from kling_cli.cli.output.terminal.text import one_line

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.jobs.job import RunOptions
    from kling_cli.settings import Settings

OFFERED: Final = "localhost.run"


@dataclass(frozen=True, slots=True)
class TerminalPrompt:
    """Prompts on the terminal; questions and messages go to stderr."""

    def tell(self, line: str) -> None:
        write_message(one_line(line))

    def confirm(self, question: str) -> bool:
        """Return whether the answer is yes."""
        try:
            answer = prompt_line(f"{question} [y/N]: ")
            return answer.strip().lower() in ("y", "yes")
        except KeyboardInterrupt:
            write_message("")  # what follows begins on a line of its own
            raise


def prepare_job_tunnel(
    settings: Settings, options: RunOptions, output_options: OutputOptions
) -> RunOptions:
    """Prompt as far as a job needs a tunnel; return its options with the choice."""
    if not is_tunnel_wanted(settings, options):
        return options
    if not output_options.can_prompt:
        return options
    return replace(options, tunnel=prepare_tunnel(settings, options.tunnel))


def prepare_tunnel(settings: Settings, tunnel: str) -> str:
    """Prompt at the terminal; return the tunnel to use, a value of `--tunnel`.

    With `auto` a provider that is ready comes first, then one that is partly set up; if
    there is none, a public service is offered once.
    """
    from kling_cli import tunnels

    prompt = TerminalPrompt()
    choice = tunnels.read_choice(tunnel)
    if choice is not None:
        tunnels.factory(choice.name).prepare(settings, choice.address, prompt)
        return tunnel
    found = tunnels.set_up_factories(settings)
    if found:
        ready = [factory for factory, why in found if why is None]
        (ready or [found[0][0]])[0].prepare(settings, None, prompt)
    elif settings.is_tunnel_offered and OFFERED in tunnels.PROVIDERS:
        return _offer_public_provider(settings, prompt) or tunnel
    return tunnel


def is_tunnel_wanted(settings: Settings, options: RunOptions) -> bool:
    """Return whether a job with these options opens a tunnel if it can."""
    if options.callback == "off" or options.callback_url or not options.is_waiting:
        return False
    if options.tunnel == "auto":
        return not settings.is_loopback_base and not settings.is_sandbox
    return options.tunnel != "none"


def _offer_public_provider(settings: Settings, prompt: TerminalPrompt) -> str | None:
    """Ask once whether to use a public service; config.toml stores the answer."""
    from kling_cli import tunnels
    from kling_cli.errors import UsageError
    from kling_cli.settings import write_setting

    factory = tunnels.factory(OFFERED)
    prompt.tell("No tunnel is set up, so callbacks cannot reach this machine.")
    prompt.tell(f"{OFFERED} can read the requests that come through it.")
    is_wanted = prompt.confirm(f"Use {OFFERED}, which needs no account?")
    path = settings.config_dir / "config.toml"
    try:
        if is_wanted:
            write_setting(path, "tunnel", OFFERED)
        else:
            write_setting(path, "offer_tunnel", value=False)
    except UsageError as exc:
        prompt.tell(f"{exc.message}: the answer holds for this run only")
    if not is_wanted:
        return None
    factory.prepare(settings, None, prompt)
    return OFFERED
