"""Resolves options, environment, config file and stored login into frozen `Settings`.

Precedence: option, environment, config file, stored login, default. The origin of each
value is recorded, for messages and `kling doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from kling_cli.errors import KlingError, UsageError
from kling_cli.secret import Secret
from kling_cli.settings import parsers as values
from kling_cli.settings.parsers import is_loopback_url, parse_seconds
from kling_cli.settings.sources import (
    OPTION_LABEL,
    Layer,
    Layers,
    config_layer,
    environment_layer,
    options_layer,
)
from kling_cli.settings.webhook_secret import parse_secrets

if TYPE_CHECKING:
    from kling_cli.settings.credential_store import StoredCredentials


# The one sentence wherever credentials are missing.
LOGIN_HINT: Final = (
    "run `kling auth login`, or set KLING_API_KEY "
    "(keys are made at https://kling.ai/dev/api-key)"
)

# Source: API reference 1.1, read 2026-10-04.
API_HOSTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "global": "https://api-singapore.klingai.com",
        "cn": "https://api-beijing.klingai.com",
    }
)

DEFAULT_TIMEOUT_S: Final = 3600.0
SANDBOX_FOLDER: Final = "sandbox"  # in the state folder: what is simulated stays apart

ACCOUNT_SETTINGS: Final = ("api_base", "region", "api_key", "access_key", "secret_key")
"""The settings that say with whom we talk, and as whom."""

_CALLBACK_MODES: Final = ("auto", "require", "off")
_JOB_OPTIONS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = MappingProxyType(
    {
        "timeout": ("timeout_s", parse_seconds),
        "tunnel": ("tunnel", values.parse_tunnel),
        "callback": ("callback", values.choice_parser(*_CALLBACK_MODES)),
    }
)
_REQUIRED_BY_ALL: Final = ("config_dir", "state_dir", "sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run, resolved before the command begins.

    `timeout_s` None waits for ever. `origins` maps a setting's name to `option`,
    `environment KLING_X`, `config.toml`, `keyring`, `credentials.toml` or `default`.
    `credentials_problem` is why a stored login could not be read: raised only where
    credentials are needed. `problems` has the other settings that are invalid; each has
    its default, and code that uses one calls `require` first.
    """

    api_key: Secret | None
    access_key: Secret | None
    secret_key: Secret | None
    api_base: str
    region: str
    webhook_secrets: tuple[Secret, ...]
    state_dir: Path
    config_dir: Path
    output_dir: Path | None
    timeout_s: float | None
    tunnel: str
    callback: str
    is_sandbox: bool
    is_tunnel_offered: bool
    cloudflared_path: str | None
    ssh_server: str | None
    ngrok_path: str | None
    ngrok_authtoken: Secret | None
    is_previewing: bool | None = None
    is_notifying: bool | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    credentials_problem: KlingError | None = None
    problems: Mapping[str, UsageError] = field(default_factory=dict)

    def require(self, *names: str) -> None:
        """Return when the settings of these names are valid.

        Raises:
            UsageError: one of them is invalid; the message names its origin.
        """
        for name in names:
            if name in self.problems:
                raise self.problems[name]

    def is_typed(self, name: str) -> bool:
        """Return whether a setting was given as an option, not taken by default."""
        return self.origins.get(name) == OPTION_LABEL

    @property
    def credential_kinds(self) -> frozenset[str]:
        """Return `{"api_key"}`, `{"key_pair"}` or nothing."""
        if self.api_key is not None:
            return frozenset({"api_key"})
        has_pair = self.access_key is not None and self.secret_key is not None
        return frozenset({"key_pair"} if has_pair else ())

    @property
    def is_loopback_base(self) -> bool:
        """Return whether the API base is on this machine: a sandbox."""
        return is_loopback_url(self.api_base)

    @property
    def is_official_base(self) -> bool:
        return self.api_base in API_HOSTS.values()


def read_settings(
    environ: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of this run.

    `options` holds the options given, by setting name; None means not given. Invalid
    values of the environment or the file are recorded in `problems`.

    Raises:
        UsageError: an option is invalid, or a setting that every command needs; or
            `config.toml` is broken.
    """
    layers = Layers(options_layer(options or {}), environment_layer(environ))
    config_dir = _read_config_dir(layers)
    layers.layers.append(config_layer(config_dir))
    problem = _add_stored_login(layers, config_dir)
    settings = Settings(
        **_read_credentials(layers),
        **_read_base(layers),
        **_read_folders(layers),
        **_read_run_settings(layers),
        config_dir=config_dir,
        origins=MappingProxyType(layers.origins),
        credentials_problem=problem,
        problems=MappingProxyType(layers.problems),
    )
    settings.require(*_REQUIRED_BY_ALL)
    return settings


def with_options(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """Return the settings with other options for one job.

    `options` may have `timeout`, `tunnel` and `callback`; None means not given.

    Raises:
        UsageError: one is nonsense.
    """
    layer = options_layer(options)
    layers = Layers(layer)
    read: dict[str, Any] = {
        attribute: layers.read(name, parse, None)
        for name, (attribute, parse) in _JOB_OPTIONS.items()
        if name in layer.texts
    }
    problems = settings.problems.items()
    return replace(
        settings,
        **read,
        origins=MappingProxyType({**settings.origins, **layers.origins}),
        problems={name: each for name, each in problems if name not in layers.origins},
    )


def resolve_config_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder of `config.toml` and a stored login, without reading them.

    Raises:
        UsageError: KLING_CONFIG_DIR is no path.
    """
    layers = Layers(environment_layer(environ))
    config_dir = _read_config_dir(layers)
    if layers.problems:
        raise layers.problems["config_dir"]
    return config_dir


def resolve_state_dir(
    environ: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> Path:
    """Return the folder of the journal: a sandbox has one of its own inside.

    Nothing else is read, so that a broken login does not matter.

    Raises:
        UsageError: it is no path, or `config.toml` is broken.
    """
    layers = Layers(options_layer(options or {}), environment_layer(environ))
    layers.layers.append(config_layer(_read_config_dir(layers)))
    state_dir: Path = _read_folders(layers)["state_dir"]
    is_sandbox = layers.read("sandbox", values.parse_switch, default=False)
    return state_dir / SANDBOX_FOLDER if is_sandbox else state_dir


def _read_config_dir(layers: Layers) -> Path:
    given = layers.read("config_dir", values.parse_folder, None)
    return given or _platform_dir("config")


def _platform_dir(kind: str) -> Path:
    import platformdirs

    paths = {
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
    }
    try:
        return paths[kind]("kling", appauthor=False)
    except RuntimeError:
        raise UsageError(
            f"there is no {kind} folder: HOME is not set, and the system knows no home"
            " of this user",
            hint="set HOME, or name folders with KLING_STATE_DIR and KLING_CONFIG_DIR",
        ) from None


def _has_credentials(layer: Layer) -> bool:
    texts = layer.texts
    return "api_key" in texts or {"access_key", "secret_key"} <= texts.keys()


def _add_stored_login(layers: Layers, config_dir: Path) -> KlingError | None:
    """Add what `kling auth login` stored, unless stronger layers make it needless.

    Returns why it could not be read, if so.
    """
    is_sandbox = layers.read("sandbox", values.parse_switch, default=False)
    if is_sandbox or any(_has_credentials(layer) for layer in layers.layers):
        return None
    from kling_cli.settings.credential_store import read_credentials

    try:
        stored = read_credentials(config_dir)
    except KlingError as exc:
        return exc
    if stored is not None:
        layers.layers.append(Layer(stored.place, _login_texts(stored)))
    return None


def _login_texts(stored: StoredCredentials) -> dict[str, str]:
    texts = {
        name: secret.reveal()
        for name in ("api_key", "access_key", "secret_key")
        if (secret := getattr(stored, name)) is not None
    }
    return texts | ({"region": stored.region} if stored.region else {})


def _read_credentials(layers: Layers) -> dict[str, Any]:
    """Return the keys of the strongest layer that has any.

    A layer's API key is used alone, whatever a weaker layer has; half a pair is
    completed from weaker ones.
    """
    names = ("access_key", "secret_key")
    for layer in layers.layers:
        if "api_key" in layer.texts:
            key = layers.read("api_key", values.parse_secret, None)
            return {"api_key": key, "access_key": None, "secret_key": None}
        if any(name in layer.texts for name in names):
            pair = {
                name: layers.read(name, values.parse_secret, None) for name in names
            }
            return {"api_key": None, **pair}
    return {"api_key": None, "access_key": None, "secret_key": None}


def _read_base(layers: Layers) -> dict[str, Any]:
    """Return API base and region: a base wins over a region of the same layer."""
    region_of = values.choice_parser(*API_HOSTS)
    for layer in layers.layers:
        if "api_base" in layer.texts:
            base = layers.read("api_base", values.parse_base_url, "")
            region = "cn" if base == API_HOSTS["cn"] else "global"
            layers.origins["region"] = layers.origins["api_base"]
            return {"api_base": base, "region": region}
        if "region" in layer.texts:
            region = layers.read("region", region_of, "global")
            layers.origins["api_base"] = layers.origins["region"]
            return {"api_base": API_HOSTS[region], "region": region}
    layers.origins |= {"api_base": "default", "region": "default"}
    return {"api_base": API_HOSTS["global"], "region": "global"}


def _read_folders(layers: Layers) -> dict[str, Any]:
    return {
        "state_dir": layers.read("state_dir", values.parse_folder, None)
        or _platform_dir("state"),
        "output_dir": layers.read("output_dir", values.parse_folder, None),
    }


def _read_run_settings(layers: Layers) -> dict[str, Any]:
    return {
        "webhook_secrets": layers.read("webhook_secret", parse_secrets, ()),
        "timeout_s": layers.read("timeout", parse_seconds, DEFAULT_TIMEOUT_S),
        "tunnel": layers.read("tunnel", values.parse_tunnel, "auto"),
        "callback": layers.read(
            "callback", values.choice_parser(*_CALLBACK_MODES), "auto"
        ),
        "is_sandbox": layers.read("sandbox", values.parse_switch, default=False),
        "is_tunnel_offered": layers.read(
            "offer_tunnel", values.parse_switch, default=True
        ),
        "cloudflared_path": layers.read("cloudflared_path", str, None),
        "ssh_server": layers.read("ssh_server", values.parse_ssh_url, None),
        "is_previewing": layers.read("preview", values.parse_switch, None),
        "is_notifying": layers.read("notify", values.parse_switch, None),
        "ngrok_path": layers.read("ngrok_path", str, None),
        "ngrok_authtoken": layers.read("ngrok_authtoken", values.parse_secret, None),
    }
