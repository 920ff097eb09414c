"""The options of deliveries to an app, shared by `kling listen` and `kling replay`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kling_cli.listener.forwarding.delivery import ForwardingPolicy

_DELIVERY_PANEL = "Delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """Headers, signatures, timeout and TLS of requests that deliver a callback."""

    headers: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="K:V",
            help="Add a header to what is passed on. May be repeated.",
            rich_help_panel=_DELIVERY_PANEL,
        ),
    ] = None
    is_insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Do not check the certificate of the app.",
            rich_help_panel=_DELIVERY_PANEL,
        ),
    ] = False
    timeout_s: Annotated[
        float,
        typer.Option(
            "--forward-timeout",
            metavar="S",
            min=0.1,
            max=3600,
            show_default=False,
            help="Seconds that the app has to answer (default: 30).",
            rich_help_panel=_DELIVERY_PANEL,
        ),
    ] = 30.0
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--sign-forwards",
            metavar="SECRET",
            envvar="KLING_SIGN_FORWARDS",
            help="Sign what is passed on with whsec_…, as Kling does for accounts that "
            "have a webhook secret. May be repeated.",
            rich_help_panel=_DELIVERY_PANEL,
        ),
    ] = None

    def policy(self) -> ForwardingPolicy:
        """Return what was typed, checked.

        Raises:
            UsageError: a header or a secret is none.
        """
        from kling_cli.listener.forwarding.delivery import ForwardingPolicy
        from kling_cli.listener.forwarding.headers import parse_header
        from kling_cli.settings import parse_secret_options

        return ForwardingPolicy(
            headers=tuple(parse_header(text) for text in self.headers or ()),
            secrets=parse_secret_options("--sign-forwards", self.secrets or ()),
            timeout_s=self.timeout_s,
            is_insecure=self.is_insecure,
        )
