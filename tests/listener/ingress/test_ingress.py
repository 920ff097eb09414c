from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.ingress.ingress import (
    IngressKind,
    choose_ingress,
    publish_listener,
)
from kling_cli.listener.options import ListenOptions
from kling_cli.settings.settings import Settings, read_settings
from kling_cli.tunnels import shared_lock

NEAR = {"KLING_API_BASE": "http://127.0.0.1:1"}
NGROK = {"KLING_TUNNEL": "ngrok"}
FRP = {"KLING_TUNNEL": "frp"}
BOX = {"KLING_SANDBOX": "1"}


def settings(state_dir: Path, typed: str | None = None, **environ: str) -> Settings:
    return read_settings(
        {"KLING_STATE_DIR": str(state_dir), **environ}, {"tunnel": typed}
    )


@pytest.mark.parametrize(
    ("tunnel", "url", "is_tokenless", "environ", "kind"),
    [
        pytest.param("auto", None, False, {}, IngressKind.TUNNEL, id="by default"),
        pytest.param(
            "auto", None, False, NEAR, IngressKind.LOOPBACK, id="with a sandbox"
        ),
        pytest.param(
            "ngrok", None, False, NEAR, IngressKind.TUNNEL, id="named provider"
        ),
        pytest.param("none", None, False, {}, IngressKind.LOOPBACK, id="none"),
        pytest.param(None, None, True, {}, IngressKind.LOOPBACK, id="no token"),
        pytest.param("ngrok", "https://a", False, {}, IngressKind.URL, id="own URL"),
        pytest.param(
            None,
            None,
            True,
            NGROK,
            IngressKind.LOOPBACK,
            id="no token, configured tunnel",
        ),
        pytest.param(
            "ngrok", None, True, {}, IngressKind.TUNNEL, id="no token and a tunnel"
        ),
        pytest.param(
            None, None, False, NGROK, IngressKind.TUNNEL, id="configured tunnel"
        ),
        pytest.param(
            None,
            None,
            False,
            NGROK | BOX,
            IngressKind.LOOPBACK,
            id="configured tunnel, sandbox",
        ),
        pytest.param(
            "ngrok", None, False, BOX, IngressKind.TUNNEL, id="named provider, sandbox"
        ),
        pytest.param(
            None,
            "https://a",
            False,
            FRP,
            IngressKind.URL,
            id="own URL, invalid setting",
        ),
        pytest.param(
            None, None, True, FRP, IngressKind.LOOPBACK, id="no token, invalid setting"
        ),
    ],
)
def test_the_options_determine_the_ingress(  # noqa: PLR0913, PLR0917 -- a row
    tmp_path: Path,
    tunnel: str | None,
    url: str | None,
    is_tokenless: bool,
    environ: dict[str, str],
    kind: IngressKind,
) -> None:
    ours = settings(tmp_path, tunnel, **environ)
    options = ListenOptions(
        tunnel=ours.tunnel, callback_url=url, is_tokenless=is_tokenless
    )

    chosen = choose_ingress(options, ours)

    assert chosen is kind


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"KLING_TUNNEL": "frp"}, id="tunnel"),
        pytest.param({"KLING_API_BASE": "127.0.0.1:8787"}, id="API base"),
    ],
)
def test_invalid_settings_that_determine_the_ingress_are_errors(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (name,) = environ

    with pytest.raises(UsageError, match=name):
        choose_ingress(ListenOptions(), settings(tmp_path, **environ))


def test_no_token_and_a_callback_url_exclude_each_other(tmp_path: Path) -> None:
    options = ListenOptions(callback_url="https://a", is_tokenless=True)

    with pytest.raises(UsageError, match="--no-token"):
        choose_ingress(options, settings(tmp_path))


def test_a_loopback_listener_leaves_the_tunnel_lock_free(
    tmp_path: Path,
) -> None:
    with publish_listener(
        settings(tmp_path), "http://here", 4711, IngressKind.LOOPBACK
    ):
        local = shared_lock.find_shared_tunnel(tmp_path, shared_lock.LOCAL)
        public = shared_lock.find_shared_tunnel(tmp_path)
        claimed = shared_lock.acquire_lock(tmp_path)

    assert local is not None
    assert (local.local_url, local.is_standing) == ("http://127.0.0.1:4711", True)
    assert public is None
    assert claimed is not None
    claimed.release()
    assert shared_lock.find_shared_tunnel(tmp_path, shared_lock.LOCAL) is None


def test_a_second_listener_leaves_the_first_one_published(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with publish_listener(ours, "https://a", 1, IngressKind.URL):
        with publish_listener(ours, "https://b", 2, IngressKind.URL):
            during = shared_lock.find_shared_tunnel(tmp_path)
        after = shared_lock.find_shared_tunnel(tmp_path)

    assert during is not None
    assert during == after
    assert during.public_url == "https://a"
