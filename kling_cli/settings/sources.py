"""The sources of settings: options, environment, config file, one layer each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

OPTION_LABEL: Final = "option"  # the label of the layer that was typed

T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting and its spellings; None where a source does not have it."""

    name: str
    variable: str | None = None
    key: str | None = None

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


def _setting(name: str, variable: str | None = None, key: str | None = "") -> Setting:
    return Setting(name=name, variable=variable, key=name if key == "" else key)


SETTINGS: Final = (
    _setting("api_key", "KLING_API_KEY"),
    _setting("access_key", "KLING_ACCESS_KEY"),
    _setting("secret_key", "KLING_SECRET_KEY"),
    _setting("api_base", "KLING_API_BASE"),
    _setting("region"),
    _setting("webhook_secret", "KLING_WEBHOOK_SECRET", "webhook.secret"),
    _setting("state_dir", "KLING_STATE_DIR"),
    _setting("config_dir", "KLING_CONFIG_DIR", None),
    _setting("output_dir", "KLING_OUTPUT_DIR"),
    _setting("timeout", "KLING_TIMEOUT"),
    _setting("tunnel", "KLING_TUNNEL"),
    _setting("callback"),
    _setting("offer_tunnel"),
    _setting("cloudflared_path", key="cloudflared.path"),
    _setting("ssh_server", key="ssh.server"),
    _setting("sandbox", "KLING_SANDBOX"),
    _setting("preview", "KLING_PREVIEW"),
    _setting("notify", "KLING_NOTIFY"),
    _setting("ngrok_path", "PYNGROK_NGROK_PATH", "ngrok.path"),
    _setting("ngrok_authtoken", "NGROK_AUTHTOKEN", "ngrok.authtoken"),
)
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
CONFIG_KEYS: Final = frozenset(s.key for s in SETTINGS if s.key is not None)


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings: text by setting name."""

    label: str
    texts: Mapping[str, str]

    def origin(self, name: str) -> str:
        variable = _BY_NAME[name].variable
        return f"environment {variable}" if self.label == "environment" else self.label

    def spelling(self, name: str) -> str:
        """Return the name of a setting in this source."""
        setting = _BY_NAME[name]
        spellings = {OPTION_LABEL: setting.option, "environment": setting.variable}
        return spellings.get(self.label) or f"{self.label}: {setting.key}"


class Layers:
    """The layers, strongest first, with the origin of each value read.

    `problems` holds the error of each invalid value, other than an option's, by setting
    name.
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)
        self.origins: dict[str, str] = {}
        self.problems: dict[str, UsageError] = {}

    def read(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """Return the strongest value of `name`, parsed.

        A value of the environment or a file that `parse` refuses is recorded in
        `problems`, and the default returned: only what needs the setting may fail.

        Raises:
            UsageError: `parse` refused an option with a ValueError.
        """
        for layer in self.layers:
            text = layer.texts.get(name)
            if text is not None:
                self.origins[name] = layer.origin(name)
                try:
                    return _parse(layer, name, text, parse)
                except UsageError as exc:
                    if layer.label == OPTION_LABEL:
                        raise
                    self.problems[name] = exc
                    return default
        self.origins[name] = "default"
        return default


def _parse(layer: Layer, name: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except ValueError as exc:
        hint = exc.args[1] if len(exc.args) > 1 else None
        raise UsageError(f"{layer.spelling(name)} {exc.args[0]}", hint=hint) from None


def options_layer(options: Mapping[str, Any]) -> Layer:
    given = {name: value for name, value in options.items() if value is not None}
    texts = {name: str(value).strip() for name, value in given.items()}
    return Layer(OPTION_LABEL, {name: text for name, text in texts.items() if text})


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Return the environment's layer; an empty variable counts as unset."""
    found = {
        s.name: environ.get(s.variable, "").strip() for s in SETTINGS if s.variable
    }
    return Layer("environment", {name: text for name, text in found.items() if text})


def config_layer(config_dir: Path) -> Layer:
    from kling_cli.settings.config_file import read_config

    texts = read_config(config_dir / "config.toml", CONFIG_KEYS)
    found = {s.name: texts[s.key].strip() for s in SETTINGS if s.key in texts}
    return Layer("config.toml", {name: text for name, text in found.items() if text})
