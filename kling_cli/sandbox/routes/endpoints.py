"""Which endpoint a request is for, by its method and path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from kling_cli.products import find
from kling_cli.products.model import CredentialKind, Generation, Route
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.synchronous import DIRECT
from kling_cli.sandbox.state.signed_links import PREFIX

# Served although they left the documentation. Source: API reference, section 2.0.
HISTORIC = (
    "/v1/videos/multi-image2video",
    "/v1/videos/video-extend",
    "/v1/videos/lip-sync",
    "/v1/general/custom-elements",
    "/v1/general/presets-elements",
)


def is_historic(path: str) -> bool:
    """Say whether a path, or that of one of its tasks, is one of the historic ones."""
    return any(path == each or path.startswith(f"{each}/") for each in HISTORIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is for.

    `kind` is that of faults and counts; `path` the create path of a legacy family.
    """

    kind: str
    name: str
    path: str = ""
    task_id: str = ""
    needs_api_key: bool = False


def target_of(method: str, raw_path: str) -> Target | Refusal:
    """Return what a request is for; `raw_path` is the path as it was sent, quoted."""
    if raw_path.startswith(PREFIX):
        return _by_method(method, {"GET": _FILE, "HEAD": _FILE})
    if raw_path in _FIXED:
        return _by_method(method, _FIXED[raw_path])
    path = unquote(raw_path)
    if (found := find.by_path(path)) is not None:
        return _by_method(method, _of_route(found[1]))
    parent, _, last = raw_path.rpartition("/")
    found = find.by_path(unquote(parent))
    if found is not None and found[1].generation is Generation.LEGACY and last:
        single = Target(
            kind="query",
            name="single",
            path=found[1].create_path,
            task_id=unquote(last),
        )
        return _by_method(method, {"GET": single})
    return refusal(1203)


def _of_route(route: Route) -> dict[str, Target]:
    needs_api_key = CredentialKind.KEY_PAIR not in route.credentials
    create = Target(kind="create", name="create", needs_api_key=needs_api_key)
    if route.generation is not Generation.LEGACY:
        return {"POST": create}
    return {
        "POST": create,
        "GET": Target(kind="query", name="list", path=route.create_path),
    }


def _by_method(method: str, targets: dict[str, Target]) -> Target | Refusal:
    return targets.get(method) or refusal(1202)


def _query(name: str, *, needs_api_key: bool = False) -> Target:
    return Target(kind="query", name=name, needs_api_key=needs_api_key)


_DIRECT = Target(kind="create", name="direct")
_FILE = Target(kind="download", name="file")
_FIXED = {
    "/tasks": {
        "GET": _query("tasks", needs_api_key=True),
        "POST": _query("search", needs_api_key=True),
    },
    "/solutions": {
        "GET": _query("solutions", needs_api_key=True),
        "POST": _query("solutions-search", needs_api_key=True),
    },
    "/account/costs": {"GET": Target(kind="account", name="costs")},
    "/account/billing/balance": {"POST": Target(kind="account", name="balance")},
    "/account/billing/package": {"POST": Target(kind="account", name="package")},
    "/v1/general/presets-voices": {"GET": _query("presets-voices")},
    "/v1/general/advanced-presets-elements": {"GET": _query("presets-elements")},
    "/v1/general/presets-elements": {"GET": _query("nothing")},
    "/v1/general/delete-voices": {"POST": _query("delete-voices")},
    "/v1/general/delete-elements": {"POST": _query("delete-elements")},
    "/v1/general/delete-advanced-elements": {"POST": _query("delete-elements")},
    **{path: {"POST": _DIRECT} for path in DIRECT},
    "/v1/general/custom-elements": {"GET": _query("first-elements"), "POST": _DIRECT},
}
