"""`kling`: the command-line client for the Kling AI video and image API.

And its Python API: `Kling`, `AsyncKling`, `parse_callback` and the errors, loaded when
they are touched. `__init__.pyi` lists the names for type checkers and editors.
"""

__version__ = "0.1.0"

_ERRORS = (
    "AccountError",
    "AmbiguousError",
    "ContentRefusedError",
    "CredentialsError",
    "InvalidCallbackError",
    "KlingError",
    "NoSlotError",
    "NotSavedError",
    "OutcomeUnknownError",
    "RateLimitError",
    "RefusedError",
    "SignatureError",
    "StillRunningError",
    "TaskFailedError",
    "TunnelError",
    "UnreachableError",
    "UsageError",
)
# The module that a name is taken from; `events` is a module itself.
_MODULES = {
    **dict.fromkeys(_ERRORS, "errors"),
    "AsyncJob": "python_api.job",
    "AsyncKling": "python_api.client",
    "Callback": "python_api.callback",
    "Job": "python_api.job",
    "Kling": "python_api.client",
    "Output": "api",
    "TaskStatus": "api",
    "events": "jobs.events",
    "parse_callback": "python_api.callback",
}

__all__ = [*_MODULES, "__version__"]  # noqa: PLE0604 -- the keys are strings


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_MODULES[name]}")
    found = module if name == "events" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
